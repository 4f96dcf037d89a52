"""A data folder of somebody's own is looked through before the commands that run for hours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from avqa_core import cli, profiles
from avqa_core.data.folder import DataFolder
from avqa_core.data.shards import INDEX
from avqa_core.experiments.experiment import Job
from tests.test_usable import LOST, note, without_clip
from tests.training.worlds import write_world

COMMANDS = pytest.mark.parametrize(
    "command",
    [
        ["results", "--profile", "smoke", "--only", "complete", "--seeds", "1", "--store", "STORE"],
        ["grid", "--profile", "smoke", "--completers", "zeros", "--seeds", "0"],
        ["field", "--profile", "smoke", "--seeds", "1", "--store", "STORE"],
    ],
    ids=lambda command: command[0],
)


@pytest.fixture(autouse=True)
def _checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(profiles, "checkout", lambda: tmp_path)


def _run(command: list[str], tmp_path: Path, *more: str) -> int:
    parts = [str(tmp_path / "store.json") if one == "STORE" else one for one in command]
    data, out = str(tmp_path / "data"), str(tmp_path / "runs")
    return cli.main([*parts, "--data", data, "--out", out, *more])


def _cut_off(world: Path) -> None:
    shard = world / "features" / "visual-00000.bin"
    shard.write_bytes(shard.read_bytes()[:-2])


@COMMANDS
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut_off, "truncated"),
        (lambda world: (world / "features" / INDEX).unlink(), "finish the extraction"),
        (without_clip, "expected features of all 24 clips"),
        (lambda world: (world / "json" / "avqa-test.json").write_text("[{"), "copied whole"),
        (lambda world: (world / "json" / "avqa-val.json").unlink(), "avqa-val.json"),
    ],
)
def test_a_damaged_folder_is_an_error_before_anything_runs(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    damage: Callable[[Path], object],
    message: str,
) -> None:
    damage(write_world(tmp_path / "data"))
    assert _run(command, tmp_path) == 2
    said = capsys.readouterr()
    assert message in said.err and said.err.startswith("error: ")
    assert not said.out and not (tmp_path / "runs").exists()


@COMMANDS
def test_questions_about_clips_that_were_left_out_do_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    world = without_clip(write_world(tmp_path / "data"))
    note(world)
    is_field = command[0] == "field"  # it has no --list, and no run is finished
    assert _run(command, tmp_path, *([] if is_field else ["--list"])) == (2 if is_field else 0)
    assert "train: 3 questions do not count" in capsys.readouterr().err
    (folder,) = (tmp_path / "build" / "world" / "usable").iterdir()
    examples = DataFolder(folder).examples("train")
    assert len(examples) == 3 * 23 and LOST not in {one.video_id for one in examples}
    assert len(DataFolder(folder).dataset("test")) == 3 * 8
    for path in (tmp_path / "runs").rglob("job.json"):
        assert Job.read(path.parent).data == str(folder)


def test_a_folder_without_gaps_is_used_as_it_is(tmp_path: Path) -> None:
    world = write_world(tmp_path / "data")
    assert _run(["grid", "--profile", "smoke", "--list"], tmp_path) == 0
    jobs = [json.loads(path.read_text()) for path in (tmp_path / "runs").rglob("job.json")]
    assert jobs and {one["data"] for one in jobs} == {str(world)}
    assert not (tmp_path / "build").exists()
