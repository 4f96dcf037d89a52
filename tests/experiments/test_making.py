"""The smoke plan end to end, and what becomes of it when a process is killed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avqa_core import cli, experiments
from avqa_core.experiments import networks, planning, worker
from avqa_core.training import runs
from tests.processes import is_alive
from tests.training.worlds import write_world

CLIPS = {"train": 24, "val": 8, "test": 8}


def _world(path: Path) -> Path:
    return write_world(path, CLIPS)


def _arguments(tmp_path: Path, *more: str) -> list[str]:
    return [
        "results",
        *("--profile", "smoke", "--data", str(tmp_path / "world")),
        *("--out", str(tmp_path / "runs"), "--store", str(tmp_path / "smoke.json")),
        *more,
    ]


@pytest.mark.slow
def test_the_smoke_plan_runs_is_skipped_when_finished_and_is_read_back(tmp_path, capsys):
    _world(tmp_path / "world")
    assert cli.main(_arguments(tmp_path, "--only", "plug_in", "table4", "--seeds", "2")) == 0
    said = capsys.readouterr().out
    wanted = planning.chosen(planning.plan("smoke", range(2)), ["plug_in", "table4"])
    assert f"{len(wanted)} runs, 0 of them finished" in said
    stored = experiments.stored("smoke", tmp_path / "smoke.json")
    assert len(stored) == len(wanted)
    assert stored.accuracy("plug_in/recommended", "audio_missing").estimate > 0
    assert stored.floor("plug_in/zeros") is not None
    assert stored.num_clips("plug_in/zeros") == CLIPS["train"]
    before = (tmp_path / "smoke.json").read_text()
    assert cli.main(_arguments(tmp_path, "--only", "plug_in", "table4", "--seeds", "2")) == 0
    assert f"{len(wanted)} of them finished, 0 to do" in capsys.readouterr().out
    assert (tmp_path / "smoke.json").read_text() == before


@pytest.mark.slow
def test_a_killed_plan_leaves_no_worker_behind_and_goes_on(tmp_path):
    _world(tmp_path / "world")
    arguments = _arguments(tmp_path, "--only", "complete", "--seeds", "1", "--jobs", "1")
    command = [sys.executable, "-m", "avqa_core.cli", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "runs").rglob("events.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (lock,) = [path for path in (tmp_path / "runs" / "smoke").glob("*-seed0-*/lock")][:1]
    worker = int(lock.read_text())
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(worker)
    assert cli.main(arguments) == 0
    content = json.loads((tmp_path / "smoke.json").read_text())
    assert [run["experiment"] for run in content["runs"]] == [
        "complete/plain",
        "complete/positions",
        "complete/wide",
    ]


@pytest.mark.slow
def test_a_scheduler_can_run_one_alone(tmp_path, monkeypatch):
    _world(tmp_path / "world")
    assert cli.main(_arguments(tmp_path, "--only", "complete", "--seeds", "1")) == 0
    (folder,) = (tmp_path / "runs" / "smoke").glob("complete-plain-seed0-*")
    told = json.loads((folder / "outcome.json").read_text())
    (folder / "outcome.json").unlink()
    monkeypatch.setattr(sys, "argv", ["worker", str(folder)])
    assert worker.main() == 0
    again = json.loads((folder / "outcome.json").read_text())
    assert again["correct"] == told["correct"] and again["steps"] == told["steps"]
    monkeypatch.setattr(sys, "argv", ["worker", str(tmp_path / "nowhere")])
    assert worker.main() == 2


def _made_by_other_source(tmp_path: Path, name: str) -> list[Path]:
    """Let the runs of an experiment look as if the source had changed since; return their files."""
    paths = sorted((tmp_path / "runs" / "smoke").glob(f"{name}-seed*/outcome.json"))
    assert paths
    for path in paths:
        content = json.loads(path.read_text())
        content["provenance"]["source_hash"] = "another"
        path.write_text(json.dumps(content))
    return paths


@pytest.mark.slow
def test_a_replay_speaks_for_what_computes_the_same_and_only_for_that(tmp_path, capsys):
    _world(tmp_path / "world")
    plan = ("--only", "table4", "--seeds", "2")
    assert cli.main(_arguments(tmp_path, *plan)) == 0
    same = _made_by_other_source(tmp_path, "table4-rmm")
    changed = {
        "table4-modality_dropout": lambda run: _edit_log(run, "learning_rate", 0.5),
        "table4-avr": lambda run: _edit_log(run, "losses", {"total": 1.0}),
        "table4-none": _one_more_right_answer,
    }
    for name, spoil in changed.items():
        for path in _made_by_other_source(tmp_path, name):
            spoil(path.parent)
    capsys.readouterr()
    assert cli.main(_arguments(tmp_path, *plan, "--replay")) == 1
    said = capsys.readouterr().out
    assert "table4/rmm: the same" in said
    assert "table4/modality_dropout: step 1: learning rate" in said
    assert "table4/avr: step 1: losses" in said
    assert "table4/none: audio_missing: " in said
    for path in same:  # the second seed as well, though only the first was repeated
        told = json.loads(path.read_text())["provenance"]
        assert told["source_hash"] == runs.source_hash(told["source_modules"])
        assert "avqa_core.completion.rmm" in told["source_modules"]
        assert not any("making" in one or "replay" in one for one in told["source_modules"])
        assert told["replayed"]["seed"] == 0 and told["replayed"]["steps"] == 3
    assert cli.main(_arguments(tmp_path, *plan, "--list")) == 0
    listed = [one for one in capsys.readouterr().out.splitlines() if "made by other" in one]
    assert len([one for one in listed if " seed " in one]) == 2 * len(changed)
    assert not any(worker.__name__ in one for one in listed)


def _edit_log(run: Path, key: str, value: object) -> None:
    log = run / "events.jsonl"
    first, *rest = log.read_text().splitlines()
    log.write_text("\n".join([json.dumps(json.loads(first) | {key: value}), *rest]) + "\n")


def _one_more_right_answer(run: Path) -> None:
    content = json.loads((run / "outcome.json").read_text())
    counts = content["correct"]["audio_missing"]
    counts[next(iter(counts))] += 1
    (run / "outcome.json").write_text(json.dumps(content))


@pytest.mark.slow
def test_a_row_starts_from_a_network_that_is_kept(tmp_path, capsys):
    """On a machine that never trained the parent, a row gives the same counts."""
    _world(tmp_path / "world")
    row, parent = "table4/rmm", "complete/plain"
    more = ("--seeds", "1", "--only")
    assert cli.main(_arguments(tmp_path, *more, row)) == 0
    store = tmp_path / "smoke.json"
    first = experiments.stored("smoke", store)
    (network,) = networks.folder_of(store).iterdir()
    assert network.name == "complete-plain-seed0"
    shutil.rmtree(tmp_path / "runs")
    content = json.loads(store.read_text())
    content["runs"] = [run for run in content["runs"] if run["experiment"] == parent]
    store.write_text(json.dumps(content))
    capsys.readouterr()
    assert cli.main(_arguments(tmp_path, "--keep-stored", *more, row)) == 0
    assert "2 runs, 1 of them finished" in capsys.readouterr().out
    again = experiments.stored("smoke", store)
    assert again.run(row, 0).counts == first.run(row, 0).counts
    assert again.run(row, 0).losses == first.run(row, 0).losses
    folders = [path.name.split("-seed")[0] for path in (tmp_path / "runs/smoke").iterdir()]
    assert sorted(one for one in folders if one != "lock") == ["table4-rmm"]
    assert cli.main(["evaluate", "--run", str(network), "--data", str(tmp_path / "world")]) == 0


@pytest.mark.slow
def test_a_network_is_kept_only_for_the_numbers_that_are_stored(tmp_path):
    _world(tmp_path / "world")
    arguments = _arguments(tmp_path, "--seeds", "1", "--only", "table4/rmm")
    assert cli.main(arguments) == 0
    place = networks.folder_of(tmp_path / "smoke.json")
    (network,) = place.iterdir()
    before = {path: path.read_bytes() for path in network.rglob("*") if path.is_file()}
    assert cli.main(arguments) == 0
    assert {path: path.read_bytes() for path in network.rglob("*") if path.is_file()} == before
    shutil.rmtree(place)
    (folder,) = (tmp_path / "runs" / "smoke").glob("complete-plain-seed0-*")
    _one_more_right_answer(folder)
    assert cli.main([*arguments, "--keep-stored"]) == 0  # the stored counts stay as they are
    assert not place.exists()
    assert cli.main(arguments) == 0  # and now they are those of the folder
    assert [path.name for path in place.iterdir()] == [network.name]
    (place / "of-another-plan").mkdir()
    assert cli.main(arguments) == 0
    assert [path.name for path in place.iterdir()] == [network.name]
