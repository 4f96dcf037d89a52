"""Small made-up batches and models that several test files share."""

from __future__ import annotations

import torch

from avqa_core import rng
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureBatch, FeatureDims

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


def make_batch(
    num_rows: int = 4, dims: FeatureDims = DIMS, seed: int = 0, negatives: bool = True
) -> FeatureBatch:
    """Return random rows, everything present."""
    generator = rng.named(seed, "test batch")

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=generator)

    grid = (dims.num_segments, dims.visual_width, dims.grid_height, dims.grid_width)
    return FeatureBatch(
        audio=normal(num_rows, dims.num_segments, dims.audio_width),
        visual=normal(num_rows, *grid),
        tokens=torch.randint(1, dims.num_words, (num_rows, dims.num_tokens), generator=generator),
        availability=torch.ones(num_rows, dims.num_segments, 2, dtype=torch.bool),
        answer=torch.randint(0, dims.num_answers, (num_rows,), generator=generator),
        question_id=torch.arange(100, 100 + num_rows),
        negative_visual=normal(num_rows, *grid) if negatives else None,
        video_ids=tuple(f"{row:08d}" for row in range(num_rows)),
    )


def make_model(config: ModelConfig, dims: FeatureDims = DIMS, seed: int = 0) -> MissingModalityAVQA:
    """Return a freshly initialised model in evaluation mode."""
    with rng.initialising(seed):
        return MissingModalityAVQA(config, dims).eval()
