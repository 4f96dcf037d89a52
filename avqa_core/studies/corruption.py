"""A corrupted half is not a missing one: one network, tested with either.

The program released with the paper tests with the real feature of the half that is called missing,
to which it adds Gaussian noise: 0.3 for the sound, 0.7 for the picture. Here the same is done to a
network that never was trained for absence, beside a test in which the half really is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from avqa_core import rng
from avqa_core.bandstand.world import MARK
from avqa_core.config import require
from avqa_core.data.folder import DataFolder
from avqa_core.model import MissingModalityAVQA
from avqa_core.training import runs
from avqa_core.types import FeatureBatch, Features, Modality

HALVES = {"audio": Modality.AUDIO, "visual": Modality.VISUAL}
RELEASED = {"audio": 0.3, "visual": 0.7}  # what the program adds, see ``released_program.csv``
BATCH_SIZE = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How often questions are answered right with one half corrupted.

    Attributes:
        half: ``audio`` or ``visual``.
        level: of the noise, in standard deviations of the feature; 0 leaves it as it is, None takes
            the half away.
        accuracies: as fractions, one a network.
    """

    half: str
    level: float | None
    accuracies: tuple[float, ...]


def study(
    folder: DataFolder,
    runs_of: Sequence[Path],
    *,
    levels: Sequence[float],
    num_questions: int,
    seed: int,
    device: str = "cpu",
) -> list[Row]:
    """Return how trained networks answer with a half corrupted, and with it absent.

    Args:
        folder: the built-in world, which the networks were trained on; of other data nothing is
            said.
        runs_of: folders of trained networks; without any, nothing is said.
        levels: of the noise.
        num_questions: of the test split, spread over it; all of them if it has fewer.
        seed: of the noise.
        device: where they answer.

    Raises:
        ConfigError: no question, or a level below zero.
    """
    require(num_questions >= 1, f"corruption: expected num_questions >= 1, got {num_questions}")
    require(min(levels, default=0) >= 0, f"corruption: expected levels >= 0, got {list(levels)}")
    if not runs_of or not (folder.path / MARK).is_file():
        return []
    found: dict[tuple[str, float | None], list[float]] = {}
    for number, run in enumerate(runs_of):
        model, vocabulary, _ = runs.load_run(run)
        test = folder.dataset("test", vocabulary)
        rows = torch.linspace(0, len(test) - 1, min(num_questions, len(test))).long().tolist()
        one = _Asked(model.to(device).eval(), [test.batch(part) for part in _parts(rows)], device)
        for half in HALVES:
            found.setdefault((half, None), []).append(one.without(half))
            for level in levels:
                noise = rng.named(seed, "corruption", number, half, str(level))
                found.setdefault((half, level), []).append(one.corrupted(half, level, noise))
    return [
        Row(half=half, level=level, accuracies=tuple(values))
        for (half, level), values in found.items()
    ]


def _parts(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), BATCH_SIZE):
        yield rows[start : start + BATCH_SIZE]


class _Asked:
    """Questions to one network, encoded once."""

    @torch.inference_mode()
    def __init__(
        self, model: MissingModalityAVQA, batches: Sequence[FeatureBatch], device: str
    ) -> None:
        self.model = model
        self.availability = [batch.availability.to(device) for batch in batches]
        self.truth = [batch.answer.to(device) for batch in batches]
        self.features = [model.encode(batch.to(device)) for batch in batches]

    def without(self, half: str) -> float:
        """Return the accuracy with a half taken away."""
        absent = [one.clone() for one in self.availability]
        for one in absent:
            one[..., HALVES[half]] = False
        return self._accuracy(self.features, absent)

    def corrupted(self, half: str, level: float, noise: torch.Generator) -> float:
        """Return the accuracy with noise on a half that counts as present."""
        unit = torch.cat([getattr(one, half).flatten() for one in self.features]).std()
        noisy = []
        for one in self.features:
            real = getattr(one, half)
            drawn = torch.randn(real.shape, generator=noise).to(real.device)
            noisy.append(replace(one, **{half: real + level * unit * drawn}))
        return self._accuracy(noisy, self.availability)

    @torch.inference_mode()
    def _accuracy(
        self, features: Sequence[Features], availability: Sequence[Bool[Tensor, "B T 2"]]
    ) -> float:
        right: list[Int[Tensor, " B"]] = []
        for given, present, truth in zip(features, availability, self.truth, strict=True):
            generator = rng.named(0, "corruption")  # for parts that draw; a plain network does not
            said = self.model.respond(given, present, generator=generator).answers.logits
            right.append((said.argmax(dim=-1) == truth).long())
        return float(torch.cat(right).float().mean())
