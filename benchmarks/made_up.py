"""Random batches of given sizes: what a step costs does not depend on what the features say."""

from __future__ import annotations

import torch

from avqa_core import rng
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS
from avqa_core.losses import LossModule, ObjectiveConfig
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureBatch, FeatureDims

BANDSTAND = {"audio_width": 128, "visual_width": 64, "grid_height": 4, "grid_width": 6}
MUSIC_AVQA = {"audio_width": 128, "visual_width": 512, "grid_height": 14, "grid_width": 14}


def dims(sizes: dict[str, int], num_segments: int = 10) -> FeatureDims:
    """Return the sizes of a data set with MUSIC-AVQA's words and answers."""
    return FeatureDims(
        num_segments=num_segments,
        num_words=len(MUSIC_AVQA_WORDS) + 1,
        num_tokens=14,
        num_answers=len(MUSIC_AVQA_ANSWERS),
        **sizes,
    )


def batch(of: FeatureDims, num_rows: int, *, seed: int = 0) -> FeatureBatch:
    """Return random rows with both modalities and with frames of other clips."""
    generator = rng.named(seed, "benchmark")
    grid = (num_rows, of.num_segments, of.visual_width, of.grid_height, of.grid_width)
    words, answers = (num_rows, of.num_tokens), (num_rows,)
    return FeatureBatch(
        audio=torch.randn(num_rows, of.num_segments, of.audio_width, generator=generator),
        visual=torch.randn(*grid, generator=generator),
        tokens=torch.randint(1, of.num_words, words, generator=generator),
        availability=torch.ones(num_rows, of.num_segments, 2, dtype=torch.bool),
        answer=torch.randint(of.num_answers, answers, generator=generator),
        question_id=torch.arange(num_rows),
        negative_visual=torch.randn(*grid, generator=generator),
        video_ids=tuple(f"{row:08d}" for row in range(num_rows)),
    )


def model(config: ModelConfig, of: FeatureDims, device: torch.device) -> MissingModalityAVQA:
    """Return a new model."""
    with rng.initialising(0):
        return MissingModalityAVQA(config, of).to(device)


class Step:
    """One training step, again and again: Adam on Eq. 8, as the paper trains."""

    def __init__(self, built: MissingModalityAVQA, objective: ObjectiveConfig) -> None:
        self.loss_module = LossModule(built, objective).train()
        trained = [one for one in built.parameters() if one.requires_grad]
        self.optimizer = torch.optim.Adam(trained, lr=1e-4)
        self.count = 0

    def __call__(self, rows: FeatureBatch) -> float:
        """Take one step and return its loss."""
        self.count += 1
        self.optimizer.zero_grad(set_to_none=True)
        terms = self.loss_module(rows, rng.named(0, "benchmark step", self.count))
        total = terms.total()
        total.backward()
        self.optimizer.step()
        return float(total.detach())
