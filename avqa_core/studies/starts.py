"""How a network starts: what its answer layer is fed with over the first steps of training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from avqa_core import rng
from avqa_core.losses import answer_loss
from avqa_core.training.events import StepDone
from avqa_core.training.loop import Trainer
from avqa_core.types import FeatureBatch

SATURATED = math.tanh(2.0)  # there the slope of tanh is 0.07: hardly a gradient comes through


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a network in training, in evaluation mode, on the same questions every time.

    Attributes:
        step: of the optimiser; 0 before the first.
        loss: answer loss, in nats.
        saturated: share of the numbers before the answer layer that are beyond tanh(2).
        question_spread: deviation of the question vector over questions, as a share of its length;
            0 where all questions have become one.
        state_spread: the same of what the answer layer reads.
    """

    step: int
    loss: float
    saturated: float
    question_spread: float
    state_spread: float


def watched(trainer: Trainer, batch: FeatureBatch, every: int) -> Iterator[Look]:
    """Train, and look before the first step and every so many steps; training does not notice.

    Args:
        trainer: one that has not run yet.
        batch: what the network is looked at with; all of it present.
        every: steps between two looks.
    """
    batch = batch.to(trainer.device)
    yield _look(trainer, batch, 0)
    for event in trainer.run():
        if isinstance(event, StepDone) and event.step % every == 0:
            yield _look(trainer, batch, event.step)


def spread(vectors: Float[Tensor, "B C"]) -> float:
    """Return the deviation from the mean over rows as a share of the rows' root mean square."""
    length = vectors.square().mean().sqrt()
    return float((vectors - vectors.mean(dim=0)).square().mean().sqrt() / length.clamp(min=1e-12))


@torch.no_grad()
def _look(trainer: Trainer, batch: FeatureBatch, step: int) -> Look:
    model = trainer.model.eval()
    read: list[Tensor] = []

    def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        read.append(given[0])

    with model.backbone.answer_layer.register_forward_pre_hook(keep):
        features = model.encode(batch)
        generator = rng.named(trainer.config.training.seed, "look", step)
        logits = model.respond(features, batch.availability, generator=generator).answers.logits
    (state,) = read
    trainer.loss_module.train()
    return Look(
        step=step,
        loss=float(answer_loss(logits, batch.answer).total()),
        saturated=float((state.abs() > SATURATED).float().mean()),
        question_spread=spread(features.question),
        state_spread=spread(state),
    )
