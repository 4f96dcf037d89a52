"""Floors and ceilings of a data folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avqa_core import bounds
from avqa_core.data.folder import DataFolder
from avqa_core.viz.session_world import SessionWorld
from tests.training.worlds import multiple_choice, write_world

ANSWERED = 3 * 4


def _partly_answered(tmp_path: Path, ask=None) -> tuple[Path, Path]:
    """Return a world whose last test questions have no answer, and one that lacks those rows."""
    found = write_world(tmp_path / "partly", ask=ask), write_world(tmp_path / "fewer", ask=ask)
    for world, is_cut in zip(found, (False, True), strict=True):
        path = world / "json" / "avqa-test.json"
        rows = json.loads(path.read_text())
        for row in rows[ANSWERED:]:
            del row["anser" if ask is None else "answer"]
        path.write_text(json.dumps(rows[:ANSWERED] if is_cut else rows))
    return found


@pytest.mark.parametrize("ask", [None, multiple_choice])
def test_questions_without_an_answer_are_left_out_of_the_floors(tmp_path, ask):
    partly, fewer = (DataFolder(one) for one in _partly_answered(tmp_path, ask))
    assert len(partly.examples("test")) == 2 * len(fewer.examples("test"))
    found = bounds.floors(partly, "test")
    assert found == bounds.floors(fewer, "test")
    assert max(found.values()) > 0.3


def test_the_floor_of_a_session_leaves_them_out_too(tmp_path):
    partly, fewer = (SessionWorld.open(one) for one in _partly_answered(tmp_path))
    assert partly.floor is not None and fewer.floor is not None
    for example in fewer.examples:
        assert partly.floor.of(example) == fewer.floor.of(example) is not None


def test_a_split_without_any_answer_has_no_floor(tmp_path):
    world = write_world(tmp_path / "world")
    path = world / "json" / "avqa-test.json"
    rows = [
        {key: value for key, value in row.items() if key != "anser"}
        for row in json.loads(path.read_text())
    ]
    path.write_text(json.dumps(rows))
    assert bounds.floors(DataFolder(world), "test") == {}
    session = SessionWorld.open(world)
    assert session.floor is not None and session.floor.of(session.examples[0]) is None
