"""Where a number came from, and whether it still stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from avqa_core import fingerprint
from avqa_core.errors import CheckpointError
from avqa_core.training import runs
from avqa_core.training.events import StepDone
from tests.training.trainers import make_trainer
from tests.training.worlds import write_world


def test_provenance_names_everything_that_made_a_number(data):
    made_by = runs.provenance(3, "cpu", runs.data_hash(data.path))
    assert made_by["seed"] == 3
    assert made_by["device"].startswith("CPU ")
    assert len(made_by["data_hash"]) == len(made_by["source_hash"]) == 32
    assert "avqa_core.losses" in made_by["source_modules"]
    assert json.loads(json.dumps(made_by)) == made_by


def test_the_commit_tells_local_changes_and_nothing_outside_git(tmp_path, monkeypatch):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    package = tmp_path / "avqa_core"
    package.mkdir()
    (package / "__init__.py").write_text("one = 1\n")
    monkeypatch.setattr(fingerprint, "PACKAGE", package)
    assert runs.commit() is None
    git("init", "-q")
    assert runs.commit() is None
    git("add", "."), git("commit", "-qm", "first")
    name = runs.commit()
    assert name is not None and len(name) == 40
    (package / "__init__.py").write_text("one = 2\n")
    assert runs.commit() == name + "+"


def test_drawing_and_parsing_are_no_source_of_numbers():
    import avqa_core.cli
    import avqa_core.progress

    assert avqa_core.cli and avqa_core.progress
    assert not {"avqa_core.cli", "avqa_core.progress"} & set(runs.source_modules())


def test_a_result_is_fresh_until_a_module_it_used_changes(monkeypatch):
    made_by = runs.provenance(0, "cpu")
    assert runs.is_fresh(made_by)
    real = runs._module_hash

    def changed(name: str) -> str | None:
        return "other" if name == "avqa_core.losses" else real(name)

    monkeypatch.setattr(runs, "_module_hash", changed)
    assert not runs.is_fresh(made_by)
    others = [name for name in made_by["source_modules"] if name != "avqa_core.losses"]
    assert runs.is_fresh({"source_modules": others, "source_hash": runs.source_hash(others)})


def test_a_module_that_is_gone_changes_the_hash():
    assert runs.source_hash(["avqa_core.losses", "avqa_core.gone"]) != runs.source_hash(
        ["avqa_core.losses"]
    )


def test_the_data_hash_sees_questions_and_features(tmp_path):
    first = runs.data_hash(write_world(tmp_path / "a"))
    assert runs.data_hash(write_world(tmp_path / "b")) == first
    assert runs.data_hash(write_world(tmp_path / "c", seed=1)) != first
    questions = tmp_path / "b" / "json" / "avqa-test.json"
    questions.write_text(questions.read_text().replace('"yes"', '"no"'))
    assert runs.data_hash(tmp_path / "b") != first


def test_a_lock_dies_with_its_process(tmp_path):
    program = (
        "import sys, time, pathlib\n"
        "from avqa_core.training.runs import RunFolder\n"
        "with RunFolder(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(60)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
        folder = runs.RunFolder(tmp_path)
        with pytest.raises(CheckpointError, match=f"process {holder.pid} there"), folder.locked():
            pass
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    deadline = time.monotonic() + 5
    while True:
        try:
            with folder.locked():
                return
        except CheckpointError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("text", ["", "{}", '{"config": {}, "data": ""}', "[1]"])
def test_a_damaged_description_is_a_typed_error(data, tmp_path, text):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match="description of a run"):
        list(make_trainer(data, tmp_path / "run", num_steps=2).run())


def test_checkpoints_without_a_description_are_left_alone(data, tmp_path):
    list(make_trainer(data, tmp_path / "run", num_steps=2).run())
    (tmp_path / "run" / "run.json").unlink()
    with pytest.raises(CheckpointError, match=r"run\.json"):
        list(make_trainer(data, tmp_path / "run", num_steps=2).run())


def test_a_run_from_before_an_option_came_goes_on(data, tmp_path):
    """Its run.json lacks the option, which then stands at its default."""
    settings = {"num_steps": 3, "checkpoint_every": 1, "validate": False}
    running = make_trainer(data, tmp_path / "run", **settings).run()
    next(running), next(running)
    running.close()
    path = tmp_path / "run" / "run.json"
    told = json.loads(path.read_text())
    del told["config"]["training"]["answer_layer_steps"]
    path.write_text(json.dumps(told))
    resumed = make_trainer(data, tmp_path / "run", **settings)
    assert [e.step for e in resumed.run() if isinstance(e, StepDone)] == [2, 3]
    other = make_trainer(data, tmp_path / "run", **settings, answer_layer_steps=1)
    with pytest.raises(CheckpointError, match="answer_layer_steps"):
        list(other.run())
