"""The order in which questions come: a function of (seed, epoch), cut up for the processes.

A batch size here is global: with two processes each gets half of the same rows that one process
would get, so that the number of processes changes nothing but the speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from avqa_core import rng
from avqa_core.config import require
from avqa_core.data.availability import COMPLETE, AvailabilityPolicy
from avqa_core.data.dataset import QADataset
from avqa_core.types import FeatureBatch

LastBatch = Literal["drop", "pad", "keep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """Which questions make up batch k of an epoch, for one of several processes.

    Attributes:
        num_questions: in the split.
        batch_size: over all processes together.
        shuffle: a new order each epoch; off means the order of the file.
        seed: of the order.
        last: what becomes of the questions that do not fill a batch. ``drop`` leaves them out of
            this epoch, ``pad`` fills the batch up from the epoch's beginning, ``keep`` gives a
            short batch (for evaluation: each question exactly once).
        rank: number of this process.
        world_size: number of processes.
    """

    num_questions: int
    batch_size: int
    shuffle: bool = True
    seed: int = 0
    last: LastBatch = "drop"
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        require(
            0 <= self.rank < self.world_size,
            f"batch plan: expected a rank from 0 to {self.world_size - 1}, got {self.rank}",
        )
        require(
            self.batch_size >= 1 and self.batch_size % self.world_size == 0,
            f"batch plan: expected a batch size that {self.world_size} parts (processes times "
            f"accumulation) can share, got {self.batch_size}: make it a multiple",
        )
        require(
            len(self) >= 1,
            f"batch plan: expected at least {self.batch_size} questions for one batch, got "
            f"{self.num_questions}: lower the batch size",
        )

    def __len__(self) -> int:
        """Number of batches of an epoch."""
        whole, rest = divmod(self.num_questions, self.batch_size)
        return whole + (rest > 0 and self.last != "drop")

    def order(self, epoch: int) -> np.ndarray:
        """Return the order of all questions in an epoch, before it is cut into batches."""
        if not self.shuffle:
            return np.arange(self.num_questions)
        stream = np.random.default_rng(rng.derive(self.seed, "order", epoch))
        return stream.permutation(self.num_questions)

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[int]]:
        """Yield this process's rows of each batch from number ``start`` on.

        With ``keep`` the last share of a process may be smaller than that of another, or empty.
        """
        order = self.order(epoch)
        if self.last == "pad":
            order = np.resize(order, len(self) * self.batch_size)
        for number in range(start, len(self)):
            rows = order[number * self.batch_size : (number + 1) * self.batch_size]
            yield np.array_split(rows, self.world_size)[self.rank].tolist()


def load(
    dataset: QADataset,
    plan: BatchPlan,
    *,
    epoch: int = 0,
    start: int = 0,
    scenario: AvailabilityPolicy = COMPLETE,
    seed: int = 0,
    negatives: bool = False,
    device: torch.device | str = "cpu",
) -> Iterator[FeatureBatch]:
    """Yield the batches of an epoch from number ``start`` on; the arguments are the whole state.

    A share without rows, which only ``last="keep"`` with several processes can give, is left out.
    """
    for rows in plan.batches(epoch, start):
        if rows:
            batch = dataset.batch(
                rows, scenario=scenario, seed=seed, epoch=epoch, negatives=negatives
            )
            yield batch.to(device)
