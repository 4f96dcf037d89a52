"""Checkpoints: folders of safetensors and JSON that are there whole or not at all.

No pickle is written or read. A checkpoint carries the sizes and words of its data, so that it
loads without the data it was trained on.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from avqa_core import config as configs
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AvqaError, CheckpointError
from avqa_core.model import MissingModalityAVQA
from avqa_core.training.settings import RunConfig

FORMAT = 1
Which = Literal["best", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a run stands; with the seed in the config it fixes all randomness to come.

    Attributes:
        step: steps of the optimiser that are done.
        epoch: passes over the data that are done.
        best_score: highest validation score so far.
        best_step: the step that reached it.
        seconds: training time so far, over all parts of a resumed run.
        provenance: versions, commit, device and hashes, as ``runs.provenance`` collects them.
        format: layout of the folder.
    """

    step: int
    epoch: int
    best_score: float | None
    best_step: int | None
    seconds: float
    provenance: Mapping[str, Any]
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that one folder holds; ``optimizer`` is empty where nobody goes on training."""

    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    config: RunConfig
    vocabulary: Vocabulary
    state: State


def write(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write ``checkpoint`` beside ``folder`` and rename; return where it is.

    A folder of that name stays as it is, and the new one takes the next free name: a killed run
    that takes a step again must not touch what it has.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        _fill(temporary, checkpoint)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointError(
            f"expected room for a checkpoint in {folder.parent}, got {error}: make room; the same "
            "command goes on from the last one"
        ) from error
    free = folder
    attempt = 1
    while free.exists():
        free, attempt = folder.with_name(f"{folder.name}-{attempt}"), attempt + 1
    temporary.rename(free)
    _flush(free.parent)
    return free


def read(folder: Path, *, with_optimizer: bool = False) -> Checkpoint:
    """Read the folder that ``write`` wrote.

    Args:
        folder: of one step.
        with_optimizer: read its state too, which is twice as large as the weights and which only
            a training that goes on needs.

    Raises:
        CheckpointError: something in it is missing, corrupt or of another format.
    """
    state = _read_state(folder / "state.json")
    try:
        return Checkpoint(
            weights=_read_tensors(folder / "model.safetensors"),
            optimizer=_read_tensors(folder / "optimizer.safetensors") if with_optimizer else {},
            config=configs.read(RunConfig, folder / "config.json"),
            vocabulary=Vocabulary.load(folder / "vocabulary.json"),
            state=state,
        )
    except CheckpointError:
        raise
    except (AvqaError, OSError) as error:
        raise CheckpointError(f"the checkpoint in {folder} cannot be read: {error}") from error


def restore(model: MissingModalityAVQA, weights: Mapping[str, Tensor], where: Path) -> None:
    """Load ``weights`` into ``model``, all of them and nothing else.

    Raises:
        CheckpointError: a name or a shape does not fit; the message names the first few.
    """
    expected = model.state_dict()
    problems = [f"no {name}" for name in expected if name not in weights]
    problems += [f"unknown {name}" for name in weights if name not in expected]
    problems += [
        f"{name} of shape {tuple(weights[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    if problems:
        raise CheckpointError(
            f"expected weights that fit the model of the config in {where}, got "
            f"{'; '.join(problems[:3])} ({len(problems)} in all): was the config edited?"
        )
    model.load_state_dict(dict(weights))


def load_model(folder: Path) -> tuple[MissingModalityAVQA, Checkpoint]:
    """Read one checkpoint folder and build its model, in evaluation mode."""
    checkpoint = read(folder)
    # Every value comes from the file, so none is drawn: the model is built without memory first.
    with torch.device("meta"):
        model = MissingModalityAVQA(checkpoint.config.model, checkpoint.config.dims)
    model.to_empty(device="cpu")
    restore(model, checkpoint.weights, folder)
    return model.eval(), checkpoint


def point(folder: Path, which: Which) -> None:
    """Let ``best`` or ``last`` beside ``folder`` name it, in one step."""
    pointer = folder.parent / which
    temporary = pointer.with_name(f".{which}.{os.getpid()}.tmp")
    temporary.write_text(folder.name + "\n")
    _flush(temporary)
    temporary.replace(pointer)
    _flush(folder.parent)


def find(checkpoints: Path, which: Which) -> Path:
    """Return the folder that ``best`` or ``last`` names.

    Raises:
        CheckpointError: there is no such pointer, or nothing where it points.
    """
    try:
        name = (checkpoints / which).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        advice = "train first, or check the path"
        if which == "best" and (checkpoints / "last").is_file():
            advice = "no validation has ended yet; go on training, or take 'last'"
        raise CheckpointError(
            f"expected a run with a '{which}' checkpoint in {checkpoints}, got none: {advice}"
        ) from error
    folder = checkpoints / name
    if not name or Path(name).name != name or not folder.is_dir():
        raise CheckpointError(
            f"expected {checkpoints / which} to name a checkpoint folder beside it, got {name!r}: "
            f"write the name of one of {sorted(p.name for p in checkpoints.glob('step-*'))} into it"
        )
    return folder


def prune(checkpoints: Path) -> None:
    """Delete what neither ``best`` nor ``last`` names, leftovers of killed writers included."""
    pointers = [checkpoints / which for which in ("best", "last")]
    kept = {pointer.read_text().strip() for pointer in pointers if pointer.exists()}
    for path in [*checkpoints.glob("step-*"), *checkpoints.glob(".*.tmp")]:
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _fill(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the files of a checkpoint, and see them on disk."""
    save_file(_contiguous(checkpoint.weights), folder / "model.safetensors")
    save_file(_contiguous(checkpoint.optimizer), folder / "optimizer.safetensors")
    configs.write(checkpoint.config, folder / "config.json")
    checkpoint.vocabulary.save(folder / "vocabulary.json")
    (folder / "state.json").write_text(json.dumps(asdict(checkpoint.state), indent=2) + "\n")
    for path in folder.iterdir():
        _flush(path)
    _flush(folder)


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"expected tensors in {path}, got {error}: use another checkpoint of the run"
        ) from error


def _read_state(path: Path) -> State:
    try:
        data = json.loads(path.read_text())
        if data["format"] != FORMAT:
            raise CheckpointError(
                f"expected a checkpoint of format {FORMAT} at {path}, got {data['format']!r}: "
                "read it with the version of the package that wrote it"
            )
        if set(data) != {one.name for one in fields(State)}:
            raise KeyError(*(set(data) ^ {one.name for one in fields(State)}))
        return State(**data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"expected the state of a checkpoint at {path}, got {error!r}: "
            "check the path, or use another checkpoint of the run"
        ) from error


def _flush(path: Path) -> None:
    """Force a file or a folder's entries to disk, so that a power cut cannot leave half of it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
