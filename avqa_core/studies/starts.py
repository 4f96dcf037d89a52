"""How a network starts: what its answer layer is fed with over the first steps of training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from avqa_core import rng
from avqa_core.backbones import backbones
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.data.dataset import QADataset
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.losses import ObjectiveConfig, answer_loss
from avqa_core.model import ModelConfig
from avqa_core.presets import SIZES, SizeName, resize
from avqa_core.training.events import StepDone
from avqa_core.training.loop import TrainConfig, Trainer
from avqa_core.types import FeatureBatch

AT_ONCE, ANSWER_LAYER_FIRST = "everything at once", "answer layer first"
SATURATED = math.tanh(2.0)  # there the slope of tanh is 0.07: hardly a gradient comes through


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a network in training, in evaluation mode, on the same questions every time.

    Attributes:
        step: of the optimiser; 0 before the first.
        loss: answer loss, in nats.
        saturated: share of what the answer layer reads, over questions and units, that is beyond
            tanh(2).
    """

    step: int
    loss: float
    saturated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How long networks are watched, and what they learn from.

    Attributes:
        size: of the networks.
        answer_layer_steps: of ``ANSWER_LAYER_FIRST``.
        num_steps: in which everything learns; both starts take equally many in all.
        batch_size: questions a step.
        num_questions: that the network is looked at with.
        every: steps between two looks.
        learning_rate: of the steps in which everything learns.
    """

    size: SizeName
    answer_layer_steps: int
    num_steps: int
    batch_size: int = 64
    num_questions: int = 128
    every: int = 10
    learning_rate: float = 1e-3


def both(
    backbone: str, train: QADataset, how: Start, *, seed: int, device: str = "cpu"
) -> dict[str, list[Look]]:
    """Train a backbone with each of the two starts from the same weights, and look.

    Args:
        backbone: its registered name.
        train: questions to learn from.
        how: for how long.
        seed: of weights and order.
        device: where.
    """
    config = resize(backbones.config(backbone)(), SIZES[how.size])
    every = max(1, len(train) // how.num_questions)
    batch = train.batch(range(0, len(train), every))
    looks = {}
    for name, first in ((AT_ONCE, 0), (ANSWER_LAYER_FIRST, how.answer_layer_steps)):
        trainer = Trainer(
            TrainConfig(
                num_steps=how.answer_layer_steps + how.num_steps,
                batch_size=how.batch_size,
                learning_rate=how.learning_rate,
                warmup_steps=how.num_steps // 4,
                gradient_clip=1.0,
                answer_layer_steps=first,
                seed=seed,
                device=device,
            ),
            model=ModelConfig(backbone=config, completer=ZerosConfig(), enhancer=IdentityConfig()),
            objective=ObjectiveConfig(regime="plain"),
            train=train,
        )
        looks[name] = list(watched(trainer, batch, how.every))
    return looks


def watched(trainer: Trainer, batch: FeatureBatch, every: int) -> Iterator[Look]:
    """Train, and look before the first step, now and then and after the last; nothing else changes.

    Args:
        trainer: one that has not run yet.
        batch: what the network is looked at with; all of it present.
        every: steps between two looks.
    """
    batch = batch.to(trainer.device)
    yield _look(trainer, batch, 0)
    for event in trainer.run():
        if isinstance(event, StepDone) and (
            event.step % every == 0 or event.step == trainer.num_steps
        ):
            yield _look(trainer, batch, event.step)


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
    )
