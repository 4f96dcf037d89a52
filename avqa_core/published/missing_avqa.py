"""Checkpoints of the program released with the paper, read as the preset ``released_code``.

What the two have in common is every parameter and every formula of training. The released program
answers with the "missing" feature plus noise; here it is gone, and the RMM generator stands in, so
a checkpoint need not reach the released numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from avqa_core import rng
from avqa_core.config import override
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.diffusion.schedule import Schedule
from avqa_core.errors import CheckpointError
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.presets import preset
from avqa_core.published import avst
from avqa_core.published.matching import Imported, check_vocabulary, fill
from avqa_core.tensor_files import read_tensors

SLOTS, BETAS, LOSS_WEIGHT = (
    "memory_network.audio_memory",
    "diffusion.betas",
    "diffusion.loss_weight",
)
_COPY, _UNET = "diffusion.model.", "unet."
_TABLE_TOLERANCE = 1e-3  # half precision rounds a beta of 0.999 by less


def _below(ours: str, theirs: str, naming: Mapping[str, str]) -> dict[str, str]:
    return {f"{ours}.{mine}": f"{theirs}.{name}" for mine, name in naming.items()}


_RESIDUAL = {
    "condition.1": "mlp.1",
    "first.convolution": "block1.proj",
    "first.norm": "block1.norm",
    "second.convolution": "block2.proj",
    "second.norm": "block2.norm",
    "skip": "res_conv",
}
_ATTENTION = {"norm.gain": "norm.g", "memory": "mem_kv", "query_key_value": "to_qkv"}
_FULL = {**_ATTENTION, "leave": "to_out"}
_LINEAR = {**_ATTENTION, "leave": "to_out.0", "leave_norm.gain": "to_out.1.g"}


def _stage(ours: str, theirs: str, attention: Mapping[str, str], resize: str) -> dict[str, str]:
    """Return the names of one resolution, which the released program counts instead of naming."""
    return {
        **_below(f"{ours}.first", f"{theirs}.0", _RESIDUAL),
        **_below(f"{ours}.second", f"{theirs}.1", _RESIDUAL),
        **_below(f"{ours}.attention", f"{theirs}.2", attention),
        f"{ours}.{resize}": f"{theirs}.{resize.replace('resize', '3')}",
    }


UNET_NAMING = {
    "stem": "init_conv",
    "step.network.0": "time_mlp.1",
    "step.network.2": "time_mlp.3",
    **_stage("down.0", "downs.0", _LINEAR, "resize.1"),
    **_stage("down.1", "downs.1", _FULL, "resize"),
    **_below("middle.0", "mid_block1", _RESIDUAL),
    **_below("middle.1", "mid_attn", _FULL),
    **_below("middle.2", "mid_block2", _RESIDUAL),
    **_stage("up.0", "ups.0", _FULL, "resize.1"),
    **_stage("up.1", "ups.1", _LINEAR, "resize"),
    **_below("final", "final_res_block", _RESIDUAL),
    "leave": "final_conv",
}
NAMING = {
    **{f"backbone.{ours}": theirs for ours, theirs in avst.NAMING.items()},
    "completer.audio_slots": SLOTS,
    "completer.visual_slots": "memory_network.visual_memory",
    "completer.question_slots": "memory_network.question_memory",
    "enhancer.join_convolution": "kr",
    "enhancer.split_convolution": "kr2",
    **{f"enhancer.process.denoiser.{ours}": f"unet.{name}" for ours, name in UNET_NAMING.items()},
}
# Linear attention keeps its memory as [2, heads, width, tokens], full attention the other way.
TRANSPOSED = ("unet.downs.0.2.mem_kv", "unet.ups.1.2.mem_kv")
_TABLES = (
    *("betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "loss_weight"),
    *("sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod"),
    *("sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "posterior_variance"),
    *("posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2"),
)
UNUSED = (*avst.UNUSED, "conv_sm", *(f"diffusion.{table}" for table in _TABLES))


def read_missing_avqa(
    path: Path | str, vocabulary: Vocabulary, *, num_segments: int = avst.NUM_SEGMENTS
) -> MissingModalityAVQA:
    """Read a checkpoint of the released program, in evaluation mode.

    The model is the preset ``released_code`` at size ``paper``, with as many slots and diffusion
    steps as the file has.

    Args:
        path: ``.pt``, ``.pth`` or ``.safetensors``; read without running anything in it.
        vocabulary: words and answers in the order the checkpoint was trained with, see
            ``read_avst``.
        num_segments: T of the data it is to be used on; the grid is 14 x 14, as its slots are.

    Raises:
        CheckpointError: unreadable, sizes that do not fit the vocabulary, names and shapes that
            are not those of the released program, or another noise schedule.
    """
    return read_missing_avqa_with_report(path, vocabulary, num_segments=num_segments).model


def read_missing_avqa_with_report(
    path: Path | str, vocabulary: Vocabulary, *, num_segments: int = avst.NUM_SEGMENTS
) -> Imported[MissingModalityAVQA]:
    """Read as ``read_missing_avqa`` does, and tell what became of every tensor of the file."""
    path = Path(path)
    tensors = _without_copies(read_tensors(path), path)
    check_vocabulary(
        tensors, vocabulary, words=avst.WORD_TABLE, answers=avst.ANSWER_TABLE, path=path
    )
    config = _config(tensors, path)
    with rng.initialising(0):
        model = MissingModalityAVQA(config, avst.published_dims(vocabulary, num_segments))
    report = fill(
        model,
        tensors,
        naming=NAMING,
        unused=UNUSED,
        transposed=TRANSPOSED,
        path=path,
        program="missing_avqa",
    )
    return Imported(model.eval(), report)


def _without_copies(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Return the tensors with the U-Net under one name; the program keeps it under two.

    Raises:
        CheckpointError: the two are not the same.
    """
    single = {name: tensor for name, tensor in tensors.items() if not name.startswith(_COPY)}
    copies = {
        _UNET + name.removeprefix(_COPY): tensor
        for name, tensor in tensors.items()
        if name.startswith(_COPY)
    }
    differing = [n for n, copy in copies.items() if n in single and not copy.equal(single[n])]
    if differing:
        raise CheckpointError(
            f"expected {_UNET}* and {_COPY}* to be the same tensors in {path}, got different ones "
            f"for {', '.join(differing[:5])} ({len(differing)} in all): the file was put together "
            "from two, take an unedited one"
        )
    return copies | single


def _config(tensors: Mapping[str, Tensor], path: Path) -> ModelConfig:
    """Return the config of the file, its schedule compared with ours.

    Raises:
        CheckpointError: no schedule, or another one than the released program's.
    """
    config = preset("released_code", "paper")
    if SLOTS in tensors and tensors[SLOTS].dim() == 2 and len(tensors[SLOTS]) > 0:
        config = override(config, "completer.num_slots", len(tensors[SLOTS]))
    num_steps = tensors[BETAS].numel() if BETAS in tensors else 0
    if num_steps == 0:
        raise CheckpointError(
            f"expected the noise schedule {BETAS} in {path}, got none: is it a checkpoint of the "
            "released program? One of AVST alone is read by read_avst"
        )
    schedule = Schedule("sigmoid", num_steps)
    for name, expected in ((BETAS, schedule.beta[1:]), (LOSS_WEIGHT, schedule.alpha_bar[1:])):
        table = tensors.get(name, expected).float()
        if table.shape != expected.shape or not torch.allclose(
            table, expected, rtol=0.0, atol=_TABLE_TOLERANCE
        ):
            raise CheckpointError(
                f"expected {name} in {path} to be that of a sigmoid schedule of {num_steps} steps "
                f"and velocity prediction, got {table.flatten()[:4].tolist()} ...: it was trained "
                "with other settings than the released program's"
            )
    return override(config, "enhancer.diffusion.num_steps", num_steps)
