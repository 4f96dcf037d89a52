"""What a model costs: its parameters, and the FLOPs to answer a question and to learn from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from avqa_core import rng
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS
from avqa_core.losses import LossModule, ObjectiveConfig, Regime
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureBatch, FeatureDims, Modality

# What MUSIC-AVQA's networks are fed with: VGGish vectors and ResNet-18 maps of ten seconds.
MUSIC_AVQA = FeatureDims(
    audio_width=128,
    visual_width=512,
    num_segments=10,
    grid_height=14,
    grid_width=14,
    num_words=len(MUSIC_AVQA_WORDS) + 1,
    num_tokens=14,
    num_answers=len(MUSIC_AVQA_ANSWERS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Parameters of each part, and FLOPs for one question; a product with a sum counts as two.

    Attributes:
        backbone: parameters.
        completer: parameters.
        enhancer: parameters.
        complete: FLOPs to answer with both modalities present.
        missing: FLOPs to answer with the audio absent.
        training: FLOPs of one question's share of a training step, forward and back.
    """

    backbone: int
    completer: int
    enhancer: int
    complete: int
    missing: int
    training: int


def cost(model: ModelConfig, regime: Regime, dims: FeatureDims = MUSIC_AVQA) -> Cost:
    """Return what a model costs, counted while it really answers and learns from one question.

    Args:
        model: any, at any size.
        regime: in which it learns.
        dims: of the features.
    """
    with rng.initialising(0):
        built = MissingModalityAVQA(model, dims)
    batch = _question(dims, with_negatives=built.backbone.needs_negatives)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the switch warns about Intel GPUs
        with torch.backends.mkldnn.flags(enabled=False):  # its fused LSTM escapes the count
            return _counted(built, batch, regime)


def _counted(built: MissingModalityAVQA, batch: FeatureBatch, regime: Regime) -> Cost:
    absent = batch.availability.clone()
    absent[..., Modality.AUDIO] = False
    _fill_bank(built, batch)
    loss_module = LossModule(built, ObjectiveConfig(regime=regime)).train()
    with FlopCounterMode(display=False) as training:
        loss_module(batch, rng.named(0, "cost")).total().backward()
    built.eval().requires_grad_(False)  # the counter stumbles over gradients switched off around it
    return Cost(
        **{
            name: sum(one.numel() for one in getattr(built, name).parameters())
            for name in ("backbone", "completer", "enhancer")
        },
        complete=_flops_to_answer(built, batch),
        missing=_flops_to_answer(built, replace(batch, availability=absent)),
        training=training.get_total_flops(),
    )


def _flops_to_answer(model: MissingModalityAVQA, batch: FeatureBatch) -> int:
    with FlopCounterMode(display=False) as counter:
        model(batch, generator=rng.named(0, "cost"))
    return counter.get_total_flops()


def _fill_bank(model: MissingModalityAVQA, batch: FeatureBatch) -> None:
    """Let a completer that keeps training clips keep one; the search takes the whole bank."""
    with torch.no_grad():
        model.completer.fit([model.encode(batch)], generator=rng.named(0, "fit"))


def _question(dims: FeatureDims, *, with_negatives: bool) -> FeatureBatch:
    """Return one random question; what is counted does not depend on what features say."""
    generator = rng.named(0, "question")
    grid = (1, dims.num_segments, dims.visual_width, dims.grid_height, dims.grid_width)
    return FeatureBatch(
        audio=torch.randn(1, dims.num_segments, dims.audio_width, generator=generator),
        visual=torch.randn(*grid, generator=generator),
        tokens=torch.randint(1, dims.num_words, (1, dims.num_tokens), generator=generator),
        availability=torch.ones(1, dims.num_segments, 2, dtype=torch.bool),
        answer=torch.zeros(1, dtype=torch.long),
        question_id=torch.zeros(1, dtype=torch.long),
        negative_visual=torch.randn(*grid, generator=generator) if with_negatives else None,
    )
