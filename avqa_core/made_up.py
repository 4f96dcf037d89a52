"""Random batches, and the sizes of real ones: for contracts, costs and benchmarks.

What a model promises, and what a step costs, does not depend on what features say.
Sizes without answers make multiple choice: four candidates a question, some of them short.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Int
from torch import Tensor

from avqa_core import rng
from avqa_core.data.avqa_annotations import NUM_CANDIDATES
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS
from avqa_core.types import FeatureBatch, FeatureDims

# What MUSIC-AVQA's networks are fed with: VGGish vectors and ResNet-18 maps of ten segments.
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
BANDSTAND = replace(MUSIC_AVQA, visual_width=64, grid_height=4, grid_width=6)


def make_batch(
    dims: FeatureDims, num_rows: int, *, seed: int = 0, negatives: bool = True
) -> FeatureBatch:
    """Return random rows with both modalities present.

    Args:
        dims: sizes of the features and of the language.
        num_rows: questions, each about a clip of its own.
        seed: of the values.
        negatives: add frames of other clips, for a matching loss.
    """
    generator = rng.named(seed, "test batch")

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=generator)

    grid = (dims.num_segments, dims.visual_width, dims.grid_height, dims.grid_width)
    return FeatureBatch(
        audio=normal(num_rows, dims.num_segments, dims.audio_width),
        visual=normal(num_rows, *grid),
        tokens=torch.randint(1, dims.num_words, (num_rows, dims.num_tokens), generator=generator),
        availability=torch.ones(num_rows, dims.num_segments, 2, dtype=torch.bool),
        answer=torch.randint(
            0, dims.num_answers or NUM_CANDIDATES, (num_rows,), generator=generator
        ),
        question_id=torch.arange(100, 100 + num_rows),
        negative_visual=normal(num_rows, *grid) if negatives else None,
        candidates=None if dims.num_answers else _candidates(dims, num_rows, generator),
        video_ids=tuple(f"{row:08d}" for row in range(num_rows)),
    )


def _candidates(
    dims: FeatureDims, num_rows: int, generator: torch.Generator
) -> Int[Tensor, "B A M"]:
    """Return candidates of one to M words, M being half of the longest question."""
    size = (num_rows, NUM_CANDIDATES, max(1, dims.num_tokens // 2))
    words = torch.randint(1, dims.num_words, size, generator=generator)
    lengths = torch.randint(1, size[2] + 1, (*size[:2], 1), generator=generator)
    return words.where(torch.arange(size[2]) < lengths, 0)
