"""The gradient of one batch: in parts that fit into memory, over as many processes as there are.

However the batch is cut, the result is the gradient that one process would get from all of it, but
for what draws or counts anew in each part: dropout, running statistics, noise that is drawn for a
part, and a question mix-up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from avqa_core import rng
from avqa_core.config import require
from avqa_core.data.dataset import QADataset
from avqa_core.data.loading import BatchPlan
from avqa_core.losses import LossModule
from avqa_core.processors import bfloat16_anywhere
from avqa_core.training.distributed import ParallelLoss, Processes
from avqa_core.training.settings import TrainConfig
from avqa_core.types import FeatureBatch, LossTerms


class Part(NamedTuple):
    """The questions that one process takes at once; a step has ``accumulation`` of them.

    ``number`` counts the parts of a batch over all processes.
    """

    number: int
    epoch: int
    opens_epoch: bool
    rows: Sequence[int]


def plan_part(
    config: TrainConfig, num_questions: int, number: int, num_processes: int
) -> BatchPlan:
    """Return which questions of each batch belong to part ``number``."""
    return BatchPlan(
        num_questions=num_questions,
        batch_size=config.batch_size,
        seed=config.seed,
        rank=number,
        world_size=num_processes * config.accumulation,
    )


class Gradients:
    """Put the gradient of a whole batch on the parameters of a loss module.

    Args:
        loss_module: what is minimised.
        train: training questions with their features.
        config: settings of the trainer.
        processes: those that share each batch.
        device: where this process computes.
        negatives: whether a loss compares with frames of other clips.
    """

    def __init__(
        self,
        loss_module: LossModule,
        train: QADataset,
        config: TrainConfig,
        processes: Processes,
        device: torch.device,
        *,
        negatives: bool,
    ) -> None:
        self.loss_module, self.train, self.config = loss_module, train, config
        self.processes, self.device, self.negatives = processes, device, negatives
        self.parallel = ParallelLoss(loss_module, processes, device)

    def parts(self, step: int) -> Iterator[list[Part]]:
        """Yield, from ``step`` on and without end, the parts of each step for this process."""
        first = self.processes.rank * self.config.accumulation
        numbers = range(first, first + self.config.accumulation)
        plans = [
            plan_part(self.config, len(self.train), number, self.processes.world_size)
            for number in numbers
        ]
        epoch, start = divmod(step, len(plans[0]))
        while True:
            shares = (plan.batches(epoch, start) for plan in plans)
            for batch, rows in enumerate(zip(*shares, strict=True), start):
                yield [
                    Part(number, epoch, batch == 0, mine)
                    for number, mine in zip(numbers, rows, strict=True)
                ]
            epoch, start = epoch + 1, 0

    def backward(self, step: int, parts: Sequence[Part]) -> dict[str, float]:
        """Add the gradient of the whole batch to the parameters; return its losses by name.

        Each term is a sum over the rows of this part, divided by the count over all parts of all
        processes. The wrapper averages gradients over processes, so the loss is multiplied by
        their number.
        """
        counts = self._count(step, parts) if len(parts) > 1 else None
        sums: list[Tensor] = []
        for part in parts:
            with nullcontext() if part is parts[-1] else self.parallel.without_sync():
                terms = self._losses(self.parallel, step, part)
                _require_gradient(terms)
                if counts is None:
                    counts = self.processes.sum(terms.counts())
                (self.processes.world_size * terms.total(counts)).backward()
            sums.append(torch.stack([term.total.detach().float() for term in terms.values()]))
        assert counts is not None
        means = self.processes.sum(torch.stack(sums).sum(dim=0)) / counts.clamp(min=1.0)
        weights = [term.weight for term in terms.values()]
        total = math.fsum(w * mean for w, mean in zip(weights, means.tolist(), strict=True))
        # A mean over no rows is not zero, it is not there.
        named = zip(terms, means.tolist(), counts.tolist(), strict=True)
        return {"total": total, **{name: mean for name, mean, count in named if count > 0}}

    def _losses(self, module: nn.Module, step: int, part: Part) -> LossTerms:
        """Return the loss terms of one part, with dropout drawn from (seed, step, part)."""
        # One generator for all parts: the noise of a row is a function of it and of the question.
        generator = rng.named(self.config.seed, "losses", step)
        dropout = rng.derive(self.config.seed, "dropout", step, part.number)
        batch = self._batch(part)
        with rng.initialising(dropout), self._precision():
            terms = cast(LossTerms, module(batch, generator))
        require(
            bool(terms),
            "objective: expected a loss, got no term at all: switch use_answers on, or change a "
            "part",
        )
        return terms

    @torch.no_grad()
    def _count(self, step: int, parts: Sequence[Part]) -> Tensor:
        """Return the counts of all loss terms over all parts of all processes.

        The first backward pass of several needs them already, so they are found by a pass without
        gradients, in evaluation mode, which leaves running statistics alone. Those see the parts
        one after the other; where a loss depends on them, parts are not exactly one batch.
        """
        self.loss_module.eval()
        counts = [self._losses(self.loss_module, step, part).counts() for part in parts]
        self.loss_module.train()
        return self.processes.sum(torch.stack(counts).sum(dim=0))

    def _batch(self, part: Part) -> FeatureBatch:
        batch = self.train.batch(
            part.rows, seed=self.config.seed, epoch=part.epoch, negatives=self.negatives
        )
        return batch.to(self.device)

    @contextmanager
    def _precision(self) -> Iterator[None]:
        if self.config.precision == "float32":
            yield
            return
        # Backward passes keep to the kernels of their forward pass, so they need no switch.
        switch = bfloat16_anywhere() if self.device.type == "cpu" else nullcontext()
        with switch, torch.autocast(self.device.type, dtype=torch.bfloat16):
            yield


def _require_gradient(terms: LossTerms) -> None:
    require(
        any(term.total.requires_grad for term in terms.values()),
        "objective: expected a loss that reaches a trained part, got "
        f"{', '.join(terms)}: switch use_answers on, or change a part",
    )
