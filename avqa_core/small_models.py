"""Small models of registered parts and random batches that miss something: what is tried on."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from avqa_core import made_up, rng
from avqa_core.backbones import BackboneConfig, backbones
from avqa_core.completion import CompleterConfig, completers
from avqa_core.enhancement import EnhancerConfig, enhancers
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.presets import SIZES, resize
from avqa_core.types import FeatureBatch, FeatureDims, Modality

PATTERNS = ("complete", "audio", "visual", "both", "segments")
DIMS = FeatureDims(
    audio_width=6,
    visual_width=5,
    num_segments=3,
    grid_height=2,
    grid_width=4,
    num_words=11,
    num_tokens=6,
    num_answers=7,
)
MULTIPLE_CHOICE = dataclasses.replace(DIMS, num_answers=0)
# Smaller than any size of the book, and without dropout, which draws from the global generator.
SMALL = {
    **SIZES["tiny"],
    "channels": 16,
    "num_slots": 4,
    "num_steps": 2,
    "num_heads": 2,
    "bank_size": 6,
    "dropout": 0.0,
}


def small_model(
    completer: str | CompleterConfig = "zeros",
    enhancer: str | EnhancerConfig = "identity",
    backbone: str | BackboneConfig = "avst",
    dims: FeatureDims = DIMS,
) -> MissingModalityAVQA:
    """Return a small model of registered parts, freshly initialised, in evaluation mode."""
    config = ModelConfig(
        backbone=backbones.config(backbone)() if isinstance(backbone, str) else backbone,
        completer=completers.config(completer)() if isinstance(completer, str) else completer,
        enhancer=enhancers.config(enhancer)() if isinstance(enhancer, str) else enhancer,
    )
    with rng.initialising(0):
        model = MissingModalityAVQA(resize(config, SMALL), dims).eval()
    if not next(model.parameters()).is_meta:
        with torch.no_grad():
            clips = [model.encode(make_batch(6, dims, seed)) for seed in (1, 2)]
        model.completer.fit(clips, generator=rng.named(0, "fit"))
    return model


def make_batch(
    num_rows: int = 4, dims: FeatureDims = DIMS, seed: int = 0, negatives: bool = True
) -> FeatureBatch:
    """Return random rows of the small sizes, everything present."""
    return made_up.make_batch(dims, num_rows, seed=seed, negatives=negatives)


def some_absent(batch: FeatureBatch, pattern: str) -> FeatureBatch:
    """Return ``batch`` with something taken away, by a named pattern."""
    availability = batch.availability.clone()
    if pattern in ("audio", "both"):
        availability[..., Modality.AUDIO] = False
    if pattern in ("visual", "both"):
        availability[..., Modality.VISUAL] = False
    if pattern == "segments":
        availability[0, 0, Modality.AUDIO] = False
        availability[1, 1:, Modality.VISUAL] = False
        availability[2, 2] = False
    return dataclasses.replace(batch, availability=availability)


def poisoned(batch: FeatureBatch, poison: float) -> FeatureBatch:
    """Return ``batch`` with ``poison`` written wherever something is absent."""
    audio_absent = ~batch.availability[..., Modality.AUDIO, None]
    visual_absent = ~batch.availability[..., Modality.VISUAL, None, None, None]
    return dataclasses.replace(
        batch,
        audio=batch.audio.masked_fill(audio_absent, poison),
        visual=batch.visual.masked_fill(visual_absent, poison),
    )


def rows(batch: FeatureBatch, index: torch.Tensor) -> FeatureBatch:
    """Return the chosen rows of ``batch`` as a batch."""
    chosen: dict[str, Any] = {
        field.name: value[index]
        for field in dataclasses.fields(batch)
        if isinstance(value := getattr(batch, field.name), torch.Tensor)
    }
    videos = tuple(batch.video_ids[row] for row in index.tolist())
    return dataclasses.replace(batch, **chosen, video_ids=videos)


def answer(model: MissingModalityAVQA, batch: FeatureBatch, seed: int = 0) -> torch.Tensor:
    """Return the logits of ``batch`` with the sampler seeded."""
    with torch.no_grad():
        return model(batch, generator=rng.named(seed, "contract")).answers.logits
