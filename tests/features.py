"""Small made-up encoded features, for tests of completers and enhancers."""

from __future__ import annotations

from dataclasses import replace

import torch

from avqa_core import rng
from avqa_core.completion.base import GridDims
from avqa_core.types import Features, Modality

GRID = GridDims(channels=3, num_segments=2, height=2, width=4)


def make_features(num_rows: int = 4, grid: GridDims = GRID, seed: int = 0) -> Features:
    """Return random features whose rows are named by question ids 100, 101, ..."""
    generator = rng.named(seed, "test features")
    clip = (num_rows, grid.num_segments, grid.channels)
    return Features(
        audio=torch.randn(*clip, generator=generator),
        visual=torch.randn(*clip, grid.height, grid.width, generator=generator),
        question=torch.randn(num_rows, grid.channels, generator=generator),
        extras={"question_id": torch.arange(100, 100 + num_rows)},
    )


def everything(num_rows: int = 4, num_segments: int = GRID.num_segments) -> torch.Tensor:
    """Return the availability of complete clips."""
    return torch.ones(num_rows, num_segments, 2, dtype=torch.bool)


def without(*modalities: Modality, num_rows: int = 4) -> torch.Tensor:
    """Return the availability of clips that miss whole modalities."""
    availability = everything(num_rows)
    for modality in modalities:
        availability[..., modality] = False
    return availability


def patchy() -> torch.Tensor:
    """Return four rows by two segments of which single halves, and one whole segment, are gone."""
    availability = everything()
    availability[0, 0, Modality.AUDIO] = False
    availability[1, 1, Modality.VISUAL] = False
    availability[2, 0] = False
    return availability


def poisoned(features: Features, availability: torch.Tensor) -> Features:
    """Return ``features`` with NaN wherever something is absent."""
    nan = float("nan")
    return features.filled(
        availability, torch.full_like(features.audio, nan), torch.full_like(features.visual, nan)
    )


def rows(features: Features, index: list[int]) -> Features:
    """Return the chosen rows of ``features``."""
    return replace(
        features,
        audio=features.audio[index],
        visual=features.visual[index],
        question=features.question[index],
        extras={name: value[index] for name, value in features.extras.items()},
    )
