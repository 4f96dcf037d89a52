"""Clips that were left out knowingly: their questions do not count, and everybody is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from avqa_core import cli, extraction
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.errors import FeatureError
from avqa_core.extraction import Note
from avqa_core.usable import UsableFolder, told, told_shared
from tests.training.worlds import LAYOUT, write_world

LOST = "00000003"


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> Path:
    """A world whose fourth training clip has no features."""
    return without_clip(write_world(tmp_path / "world"))


def without_clip(
    world: Path, provenance: dict | None = None, lost: Sequence[str] = (LOST,)
) -> Path:
    whole = FeatureStore.open(world / "features")
    with StoreWriter(world / "new", LAYOUT, provenance=provenance or {}) as writer:
        for clip in whole:
            if clip not in lost:
                writer.add(clip, whole[clip])
    (world / "features").rename(world / "old")
    (world / "new").rename(world / "features")
    return world


def note(world: Path) -> None:
    line = json.dumps(asdict(Note(video_id=LOST, kind="skipped", reason="damaged")))
    (world / "features" / extraction.NOTES).write_text(line + "\n")


def test_a_clip_that_is_missing_for_no_known_reason_is_an_error(world):
    with pytest.raises(FeatureError, match="got none for 1 of them"):
        UsableFolder(world).dataset("train")
    assert list(told(UsableFolder(world))) == []


def test_questions_about_a_clip_that_was_left_out_do_not_count(world):
    note(world)
    folder = UsableFolder(world)
    assert len(folder.dataset("train")) == 3 * 23
    assert [one.video_id for one in folder.passed_over("train")] == [LOST] * 3
    assert folder.passed_over("val") == []
    (line,) = told(folder)
    assert line.startswith("train: 3 questions do not count") and line.endswith(LOST)


@pytest.mark.parametrize("place", [{"skipped": {"NaN": [LOST]}}, {"without_features": [LOST]}])
def test_what_packing_left_out_does_not_count_either(tmp_path, place):
    report = {"skipped": {}, "padded": {}, "without_features": []} | place
    world = without_clip(write_world(tmp_path / "world"), {"report": report})
    assert len(UsableFolder(world).dataset("train")) == 3 * 23


@pytest.mark.parametrize(("number", "more"), [(3, ""), (5, " and 2 more")])
def test_three_clips_are_named_and_the_others_counted(tmp_path, number, more):
    lost = [f"{one:08d}" for one in range(number)]
    report = {"skipped": {}, "padded": {}, "without_features": lost}
    world = without_clip(write_world(tmp_path / "world"), {"report": report}, lost)
    (line,) = told(UsableFolder(world))
    assert line.startswith(f"train: {3 * number} questions")
    assert line.endswith(f"out: 00000000, 00000001, 00000002{more}")


def test_a_clip_that_came_later_counts(tmp_path):
    world = write_world(tmp_path / "world")
    note(world)
    assert len(UsableFolder(world).dataset("train")) == 3 * 24


def test_training_says_what_does_not_count_and_goes_on(world, tmp_path, capsys):
    note(world)
    command = ["train", "--data", str(world), "--out", str(tmp_path / "run"), "--size", "tiny"]
    assert cli.main([*command, "--steps", "1", "--device", "cpu", "--regime", "plain"]) == 0
    assert "train: 3 questions do not count" in capsys.readouterr().err


def test_clips_of_two_splits_are_told(tmp_path):
    world = write_world(tmp_path / "world")
    assert list(told_shared(UsableFolder(world))) == []
    rows = json.loads((world / "json" / "avqa-train.json").read_text())
    validation = world / "json" / "avqa-val.json"
    clips = list(dict.fromkeys(row["video_id"] for row in rows))[:2]
    shared = [row for row in rows if row["video_id"] in clips]
    validation.write_text(json.dumps(json.loads(validation.read_text()) + shared))
    (line,) = told_shared(UsableFolder(world))
    assert line.startswith("val: 2 of its clips are in the training split too")
    (world / "json" / "avqa-train.json").unlink()
    assert list(told_shared(UsableFolder(world), ["val"])) == []
