"""A checkpoint is there whole or not at all, and anything wrong with it is a typed error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from avqa_core.errors import CheckpointError
from avqa_core.training import checkpoint, runs
from tests.training.trainers import make_trainer, same, weights


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    trainer = make_trainer(data, tmp_path_factory.mktemp("runs") / "run", num_steps=4)
    list(trainer.run())
    return trainer


@pytest.fixture
def run(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained.folder.path, tmp_path / "run"))


@pytest.fixture
def folder(run) -> Path:
    return checkpoint.find(run / "checkpoints", "last")


def test_a_run_loads_without_its_data(run, trained):
    model, vocabulary, config = runs.load_run(run, "last")
    assert same(weights(model), weights(trained.model))
    assert vocabulary == trained.train.vocabulary
    assert config == trained.config
    assert not model.training


def test_a_checkpoint_has_the_five_files_and_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
        "vocabulary.json",
    ]
    for path in folder.iterdir():
        assert not path.read_bytes().startswith((b"\x80", b"PK"))


def test_state_says_where_the_run_stands_and_what_made_it(folder):
    state = json.loads((folder / "state.json").read_text())
    assert state["format"] == 1
    assert (state["step"], state["epoch"]) == (4, 0)
    assert state["best_score"] is not None and state["seconds"] > 0
    for key in ("package_version", "torch_version", "device", "seed", "source_hash"):
        assert state["provenance"][key] is not None


@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "optimizer.safetensors", "config.json", "vocabulary.json", "state.json"],
)
@pytest.mark.parametrize("damage", ["gone", "cut", "garbage", "empty"])
def test_every_damage_is_a_typed_error(folder, name, damage):
    path = folder / name
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "garbage":
        path.write_bytes(b"\x00\xff garbage" * 20)
    else:
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"expected .*got"):
        checkpoint.read(folder, with_optimizer=True)


def test_who_only_answers_needs_no_state_of_an_optimiser(data, run, folder, trained):
    (folder / "optimizer.safetensors").unlink()
    model, loaded = checkpoint.load_model(folder)
    assert same(weights(model), weights(trained.model))
    assert loaded.optimizer == {}
    with pytest.raises(CheckpointError, match=r"optimizer\.safetensors"):
        list(make_trainer(data, run, num_steps=4).run())


def test_a_part_that_nobody_registered_is_named(folder):
    config = json.loads((folder / "config.json").read_text())
    config["model"]["completer"] = {"name": "my_own"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"cannot be read: .*expected a completer .*'my_own'"):
        checkpoint.load_model(folder)


def test_weights_of_another_model_are_refused_by_name(folder):
    tensors = load_file(folder / "model.safetensors")
    name = "backbone.fusion.weight"
    tensors[name] = torch.zeros(3, 3)
    tensors["backbone.stranger"] = torch.zeros(1)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"unknown backbone\.stranger.*of shape \(3, 3\)"):
        checkpoint.load_model(folder)


def test_a_missing_weight_is_refused_by_name(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["backbone.fusion.weight"]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"no backbone\.fusion\.weight"):
        checkpoint.load_model(folder)


def test_a_later_format_is_refused(folder):
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, "format": 2}))
    with pytest.raises(CheckpointError, match=r"format 1 .*got 2"):
        checkpoint.read(folder)


def test_an_unknown_key_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["training"]["colour"] = "red"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="colour"):
        checkpoint.read(folder)


@pytest.mark.parametrize("text", ["", "../elsewhere", "step-99999999", "\x00"])
def test_a_pointer_to_nothing_is_a_typed_error(run, text):
    (run / "checkpoints" / "best").write_text(text)
    with pytest.raises(CheckpointError, match="name a checkpoint folder"):
        runs.load_run(run, "best")


def test_no_run_at_all_is_a_typed_error(tmp_path):
    with pytest.raises(CheckpointError, match="train first"):
        runs.load_run(tmp_path / "nowhere")


def test_a_run_without_a_validation_yet_has_only_a_last_checkpoint(run):
    (run / "checkpoints" / "best").unlink()
    with pytest.raises(CheckpointError, match=r"no validation has ended yet.*'last'"):
        runs.load_run(run, "best")
    (run / "checkpoints" / "last").unlink()
    with pytest.raises(CheckpointError, match=r"'last' checkpoint.*train first"):
        runs.load_run(run, "last")


def test_a_second_write_leaves_the_first_as_it_was(trained, tmp_path):
    read = checkpoint.read(checkpoint.find(trained.folder.checkpoints, "last"))
    first = checkpoint.write(read, tmp_path / "step-1")
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    second = checkpoint.write(read, tmp_path / "step-1")
    assert (first.name, second.name) == ("step-1", "step-1-1")
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert {path.name: path.read_bytes() for path in second.iterdir()} == before


def test_pruning_keeps_best_and_last_and_clears_leftovers(run):
    checkpoints = run / "checkpoints"
    kept = {(checkpoints / which).read_text().strip() for which in ("best", "last")}
    (checkpoints / "step-00000001").mkdir()
    (checkpoints / ".step-00000002.77.tmp").mkdir()
    (checkpoints / ".last.77.tmp").write_text("step")
    checkpoint.prune(checkpoints)
    assert {path.name for path in checkpoints.iterdir()} == kept | {"best", "last"}


def test_a_damaged_resume_point_stops_the_run_and_touches_nothing(data, run, folder):
    (folder / "model.safetensors").write_bytes(b"broken")
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != "lock"}
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        list(make_trainer(data, run, num_steps=4).run())
    assert {p: p.read_bytes() for p in before} == before


def test_a_full_disk_is_told_in_one_line_and_leaves_what_was_there(trained, tmp_path, monkeypatch):
    def full(tensors, path):
        Path(path).write_bytes(b"half")
        raise SafetensorError("No space left on device")

    loaded = checkpoint.read(checkpoint.find(trained.folder.checkpoints, "last"))
    place = checkpoint.write(loaded, tmp_path / "step-1")
    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(CheckpointError, match=r"expected room for a checkpoint.*No space left"):
        checkpoint.write(loaded, tmp_path / "step-2")
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_a_text_that_could_not_be_written_leaves_no_half_of_itself(tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(IsADirectoryError):
        runs.replace_text(tmp_path / "report.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
