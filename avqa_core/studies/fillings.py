"""What a completer puts in the place of an absent half, and whether the clip has a say in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from avqa_core import rng
from avqa_core.backbones.base import Backbone
from avqa_core.completion import Completer, CompleterConfig, completers
from avqa_core.completion.missing_aware_prompts import MissingAwarePromptsConfig
from avqa_core.completion.rmm import RMMConfig
from avqa_core.completion.slot_mean import SlotMeanConfig
from avqa_core.data.dataset import QADataset
from avqa_core.losses import PASSES, answer_loss, without
from avqa_core.model import MissingModalityAVQA
from avqa_core.studies.clips import CHUNK, batches, grid_of, joined
from avqa_core.studies.recall import ABSENT, complete, everything_of, over_clips, shares
from avqa_core.types import Features

HALVES = ("audio", "visual")
# Their learned vectors are the pseudo feature itself, or what it is summed up from: they have as
# far to go as features are large, where a network's weights only have to turn a little.
_VECTORS = (SlotMeanConfig, MissingAwarePromptsConfig, RMMConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """How long completers learn here, and how fast: networks, and learned vectors."""

    num_steps: int
    batch_size: int = 24
    learning_rate: float = 1e-2
    vector_rate: float = 1e-1


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What was filled in for one half of the test clips; every number is a share.

    Attributes:
        error: squared error, of what the mean of the training features leaves; 1 is as good as
            that mean, 0 is perfect.
        spread: variance over clips, segment by segment, of the real feature's; 0 is the same for
            every clip, whatever it varies over time.
        asked: what another question moves, in the same unit; 0 never reads the question.
    """

    error: float
    spread: float
    asked: float


@torch.no_grad()
def encode(model: MissingModalityAVQA, data: QADataset) -> Features:
    """Return f^a, f^v and f^t of every question of ``data`` by a frozen model.

    ``extras`` hold the ``answer``. Words are left behind: the model's backbone has to be one that
    answers without them, such as AVST as published.
    """
    parts, answers = [], []
    for start in range(0, len(data), CHUNK):
        batch = data.batch(list(range(start, min(start + CHUNK, len(data)))))
        parts.append(model.encode(batch))
        answers.append(batch.answer)
    features = joined(parts)
    return replace(features, extras={**features.extras, "answer": torch.cat(answers)})


def teach(
    config: CompleterConfig, backbone: Backbone, train: Features, how: Teaching, *, seed: int
) -> Completer:
    """Return a completer taught around a frozen backbone: its own losses and the answers.

    One half is taken away at a time, as in Eq. 8. What learns nothing, such as retrieval, only
    looks at the clips.

    Args:
        config: which completer.
        backbone: answers from what was filled in; it learns nothing.
        train: features of training clips, as ``encode`` returns them.
        how: steps, batch, rates.
        seed: of the initial weights and of the order of the clips.
    """
    with rng.initialising(rng.derive(seed, "filling")):
        completer = completers.build(config, grid_of(train))
    generator = rng.named(seed, "filling")
    completer.fit([train], generator=generator)
    parameters = list(completer.parameters())
    if not parameters:
        return completer.eval()
    backbone.eval().requires_grad_(False)
    rate = how.vector_rate if isinstance(config, _VECTORS) else how.learning_rate
    optimiser = torch.optim.Adam(parameters, lr=rate)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, how.num_steps)
    for batch in batches(train, how.batch_size, how.num_steps, seed=seed):
        loss = sum(_loss(completer, backbone, batch, half, generator) for half in HALVES)
        optimiser.zero_grad()
        torch.as_tensor(loss).backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        slower.step()
    return completer.eval()


def _loss(
    completer: Completer,
    backbone: Backbone,
    batch: Features,
    half: str,
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    present = everything_of(batch)
    availability = without(present, PASSES[ABSENT[half]])
    completion = completer.complete(batch.blanked(availability), availability, generator=generator)
    logits = backbone.answer(completion.features).logits
    terms = answer_loss(logits, batch.extras["answer"])
    return (terms | completer.loss(batch, completion, availability, present)).total()


@torch.no_grad()
def filling(completer: Completer, half: str, train: Features, test: Features) -> Filling:
    """Return what is filled in for ``half``, ``audio`` or ``visual``, of the test clips."""
    pseudo = _pseudo(completer, half, test)
    error, spread = shares(pseudo, half, train, test)
    others = replace(test, question=test.question.roll(1, dims=0))
    moved = (pseudo - _pseudo(completer, half, others)).square().mean() / 2
    return Filling(error=error, spread=spread, asked=float(moved / over_clips(getattr(test, half))))


def _pseudo(completer: Completer, half: str, features: Features) -> Float[Tensor, "B T ..."]:
    pseudo: Tensor = getattr(complete(completer, features, half), f"pseudo_{half}")
    return pseudo
