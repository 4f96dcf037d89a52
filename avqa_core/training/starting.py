"""How a run starts: from which weights, on which data, and with which optimiser state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avqa_core import fingerprint
from avqa_core.config import to_dict
from avqa_core.data.dataset import QADataset
from avqa_core.errors import CheckpointError, ConfigError
from avqa_core.losses import Regime
from avqa_core.model import MissingModalityAVQA
from avqa_core.training.distributed import Processes
from avqa_core.types import Features

_CLIPS_AT_ONCE = 64
PARTS = ("backbone", "completer", "enhancer")


def take_parts(
    model: MissingModalityAVQA,
    initial: MissingModalityAVQA | None,
    parts: Sequence[str],
    regime: Regime,
) -> None:
    """Copy the weights of ``parts`` from ``initial`` into ``model``.

    Raises:
        ConfigError: ``plug_in`` without a trained backbone, or a part that is built differently.
    """
    if initial is None:
        if regime == "plug_in":
            raise ConfigError(
                "objective: expected a trained model to plug into, got none: train one on complete "
                "data first (regime plain) and start from it (--init-from RUN)"
            )
        return
    if regime == "plug_in" and "backbone" not in parts:
        raise ConfigError(
            f"initial_parts: expected backbone among them, got {', '.join(parts) or 'nothing'}: "
            "plug_in freezes the backbone, so it has to be trained already"
        )
    for name in parts:
        if name not in PARTS:
            raise ConfigError(f"initial_parts: expected some of {', '.join(PARTS)}, got {name!r}")
        mine, theirs = getattr(model.config, name), getattr(initial.config, name)
        if mine != theirs or model.dims != initial.dims:
            raise ConfigError(
                f"initial_parts: expected a {name} built as {to_dict(mine)} for {model.dims}, got "
                f"{to_dict(theirs)} for {initial.dims}: use the same preset, size and world"
            )
        getattr(model, name).load_state_dict(getattr(initial, name).state_dict())


def weights_hash(model: nn.Module) -> str:
    """Return a hash of all weights of ``model``, bit by bit."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        # Bytes and not values: numpy has no bfloat16.
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def data_identity(data_hash: str | None, train: QADataset, model: nn.Module) -> str:
    """Return a hash of what a run learns from and of its first weights, to know it again by."""
    lacking = [
        f"{clip} {present}"
        for clip, present in zip(train.clips, train.present.tolist(), strict=True)
        if not all(present)
    ]
    rows = (
        f"{example.question_id} {example.video_id} {example.answer} "
        f"{' '.join((*example.tokens, *example.candidates))}"
        for example in train.examples
    )
    return fingerprint.of_text(data_hash or "", weights_hash(model), *rows, *lacking)


@torch.no_grad()
def encoded_clips(
    model: MissingModalityAVQA, train: QADataset, device: torch.device
) -> Iterator[Features]:
    """Yield each training clip that has both modalities once, with one of its questions.

    The model is left in evaluation mode.
    """
    first: dict[str, int] = {}
    for row, example in enumerate(train.examples):
        first.setdefault(example.video_id, row)
    rows = list(first.values())
    model.eval()
    for start in range(0, len(rows), _CLIPS_AT_ONCE):
        chosen = rows[start : start + _CLIPS_AT_ONCE]
        whole = train.batch(chosen).availability.all(dim=-1).all(dim=-1).tolist()
        if kept := [row for row, is_whole in zip(chosen, whole, strict=True) if is_whole]:
            yield model.encode(train.batch(kept).to(device))


def check_resume(wanted: str, is_there: bool, path: Path) -> None:
    """Compare what the caller wants with what the folder has.

    Raises:
        CheckpointError: a checkpoint is required and missing, or there and unwanted.
    """
    if wanted == "require" and not is_there:
        raise CheckpointError(
            f"expected a checkpoint to resume from in {path}, got none: check the path, or start "
            "the run without --resume require"
        )
    if wanted == "refuse" and is_there:
        raise CheckpointError(
            f"expected a new run in {path}, got a folder with a checkpoint: train into another "
            "folder, or leave --resume refuse out to go on with it"
        )


def check_same_step(processes: Processes, step: int, path: Path) -> None:
    """Compare where the processes stand.

    Raises:
        CheckpointError: they do not all see the same folder.
    """
    steps = processes.sum(torch.tensor(float(step)))
    if float(steps) != step * processes.world_size:
        raise CheckpointError(
            f"expected all processes to find the same checkpoint in {path}, got step {step} here "
            "and another one elsewhere: use a folder that all machines share"
        )


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, trained: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """Return the state of every parameter as tensors named ``parameter/what``."""
    return {
        f"{name}/{what}": tensor
        for name, parameter in trained.items()
        for what, tensor in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    trained: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
) -> None:
    """Put back what ``optimizer_tensors`` returned.

    Raises:
        CheckpointError: a tensor belongs to no trained parameter, or has another shape.
    """
    number = {name: index for index, name in enumerate(trained)}
    state: dict[int, dict[str, Any]] = {}
    for full_name, tensor in tensors.items():
        name, _, what = full_name.rpartition("/")
        if name not in number or (tensor.dim() and tensor.shape != trained[name].shape):
            raise CheckpointError(
                f"expected the optimiser state of {len(trained)} trained parameters, got "
                f"{full_name!r} of shape {tuple(tensor.shape)}: was the objective changed?"
            )
        state.setdefault(number[name], {})[what] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
