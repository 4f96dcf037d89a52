"""Floors and ceilings of a data folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avqa_core import bounds
from avqa_core.bandstand.bounds import Ceilings
from avqa_core.data.availability import mixed
from avqa_core.data.folder import DataFolder
from avqa_core.errors import AnnotationError
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


CHANCES = {"complete": 0.9, "audio_missing": 0.25, "visual_missing": 0.75, "both_missing": 0.1}


def _with_ceilings(path: Path, num_known: int = 24) -> DataFolder:
    """Return a world in which a perfect observer's chance depends on what is missing alone."""
    folder = DataFolder(write_world(path))
    known = [one.question_id for one in folder.examples("test")][:num_known]
    chances = {name: dict.fromkeys(known, chance) for name, chance in CHANCES.items()}
    Ceilings(rows=(), chances=chances).write(path / "ceiling.json")
    return folder


def test_a_ceiling_is_that_of_what_is_missing(tmp_path):
    folder = _with_ceilings(tmp_path / "world")
    found = bounds.ceilings(folder, "test", [*CHANCES, mixed(1.0, 0.0), "audio_drops(1)"], seed=0)
    categories = {str(one.category) for one in folder.examples("test")}
    expected = CHANCES | {str(mixed(1.0, 0.0)): CHANCES["audio_missing"]}
    assert found == {
        name: pytest.approx(dict.fromkeys(categories, chance)) for name, chance in expected.items()
    }


def test_a_mixture_takes_of_each_question_what_it_lost_by_its_seed(tmp_path):
    folder, scenario = _with_ceilings(tmp_path / "world"), mixed(0.5, 0.5)
    examples = folder.examples("test")
    for seed in (0, 3):
        (found,) = bounds.ceilings(folder, "test", [scenario], seed=seed).values()
        kept = scenario.availability([one.question_id for one in examples], 1, seed)[:, 0].tolist()
        for category in found:
            chances = [
                {(1, 1): 0.9, (0, 1): 0.25, (1, 0): 0.75, (0, 0): 0.1}[tuple(map(int, has))]
                for has, one in zip(kept, examples, strict=True)
                if str(one.category) == category
            ]
            assert found[category] == pytest.approx(sum(chances) / len(chances))


def test_nothing_is_known_of_other_splits_and_a_gap_in_the_file_is_told(tmp_path):
    folder = _with_ceilings(tmp_path / "world")
    assert bounds.ceilings(folder, "val", ["complete"], seed=0) == {}
    gap = _with_ceilings(tmp_path / "gap", num_known=23)
    with pytest.raises(AnnotationError, match=r"expected a ceiling of question \d+ in .*got none"):
        bounds.ceilings(gap, "test", ["complete"], seed=0)
