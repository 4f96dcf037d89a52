"""Train a completer by recall alone, and measure what it recalls: Eq. 1-4 without any answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from avqa_core import rng
from avqa_core.completion import Completer, CompleterConfig, completers
from avqa_core.completion.rmm import addressing_entropy
from avqa_core.losses import PASSES, without
from avqa_core.studies.clips import batches, grid_of
from avqa_core.types import Completion, Features, Modality

ABSENT = {"audio": "audio_missing", "visual": "visual_missing"}
# Which addressing recalls which half: see ``types.Addressing``.
RECALLING = {"audio": "visual_question", "visual": "audio_question"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schooling:
    """How a completer is trained here."""

    num_steps: int
    batch_size: int = 32
    learning_rate: float = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallScore:
    """How well one half is recalled from the other and the question.

    Attributes:
        error: squared error as a share of what the mean of the training features leaves; 1 is as
            good as one constant vector, 0 is perfect.
        spread: variance of the pseudo feature over clips, segment by segment, as a share of the
            real feature's; 0 is the same for every clip, whatever it varies over time.
        entropy: of the addressing, as a share of log L; NaN without slots.
        largest: the largest weight that any slot got from any input; NaN without slots.
    """

    error: float
    spread: float
    entropy: float = float("nan")
    largest: float = float("nan")


def school(
    config: CompleterConfig,
    features: Features,
    how: Schooling,
    *,
    seed: int,
) -> Completer:
    """Return a completer trained with its own loss on both directions, L_rmmr of Eq. 4.

    Args:
        config: which completer.
        features: of training clips, everything present.
        how: steps, batch, learning rate.
        seed: of the initial weights and of the order of the clips.
    """
    with rng.initialising(rng.derive(seed, "study completer")):
        completer = completers.build(config, grid_of(features))
    generator = rng.named(seed, "study completer")
    optimiser = torch.optim.Adam(completer.parameters(), lr=how.learning_rate)
    completer.train()
    for batch in batches(features, how.batch_size, how.num_steps, seed=seed):
        loss = torch.stack(
            [_loss(completer, batch, name, generator=generator) for name in ABSENT.values()]
        ).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return completer.eval()


def _loss(
    completer: Completer, batch: Features, scenario: str, *, generator: torch.Generator
) -> Tensor:
    present = everything_of(batch)
    availability = without(present, PASSES[scenario])
    completion = completer.complete(batch.blanked(availability), availability, generator=generator)
    return completer.loss(batch, completion, availability, present).total()


def everything_of(features: Features) -> Bool[Tensor, "B T 2"]:
    """Return an availability in which all is present."""
    return torch.ones(*features.audio.shape[:2], len(Modality), dtype=torch.bool)


@torch.no_grad()
def complete(completer: Completer, features: Features, half: str, *, seed: int = 0) -> Completion:
    """Return the completion of clips whose ``half``, ``audio`` or ``visual``, is taken away."""
    availability = without(everything_of(features), PASSES[ABSENT[half]])
    generator = rng.named(seed, "study completion")
    return completer.complete(features.blanked(availability), availability, generator=generator)


def score(
    completer: Completer, half: str, train: Features, test: Features, *, seed: int = 0
) -> RecallScore:
    """Return how well ``half`` of the test clips is recalled."""
    completion = complete(completer, test, half, seed=seed)
    pseudo: Tensor = getattr(completion, f"pseudo_{half}").detach()
    error, spread = shares(pseudo, half, train, test)
    if completion.addressing is None:
        return RecallScore(error=error, spread=spread)
    weights: Tensor = getattr(completion.addressing, RECALLING[half])
    return RecallScore(
        error=error,
        spread=spread,
        entropy=float(addressing_entropy(weights).mean()),
        largest=float(weights.max()),
    )


def linear_score(half: str, train: Features, test: Features, ridge: float = 1.0) -> RecallScore:
    """Return how well the best linear map from the other half and the question recalls ``half``.

    No completer, a yardstick: least squares segment by segment, with a ridge of ``ridge`` times
    the mean square of the inputs.
    """
    inputs, wanted = _inputs(half, train), getattr(train, half).flatten(2).flatten(0, 1)
    gram = inputs.T @ inputs / len(inputs)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
    weights = torch.linalg.solve(gram, inputs.T @ wanted / len(inputs))
    pseudo = (_inputs(half, test) @ weights).reshape(getattr(test, half).shape)
    error, spread = shares(pseudo, half, train, test)
    return RecallScore(error=error, spread=spread)


def _inputs(half: str, features: Features) -> Float[Tensor, "rows E"]:
    """Return what is present beside ``half``, with the question and a one, a row each segment."""
    present = features.visual.flatten(2) if half == "audio" else features.audio
    question = features.question[:, None].expand(-1, present.shape[1], -1)
    one = torch.ones(*present.shape[:2], 1)
    return torch.cat([present, question, one], dim=-1).flatten(0, 1)


def shares(
    pseudo: Float[Tensor, "B T ..."], half: str, train: Features, test: Features
) -> tuple[float, float]:
    """Return the error over that of the training mean, and the variance over the real feature's."""
    real, mean = getattr(test, half), getattr(train, half).mean(dim=(0, 1))
    error = (pseudo - real).square().mean() / (real - mean).square().mean()
    return float(error), float(over_clips(pseudo) / over_clips(real))


def over_clips(feature: Float[Tensor, "B T ..."]) -> Float[Tensor, ""]:
    """Return the variance over clips, averaged over everything else."""
    return (feature - feature.mean(dim=0)).square().mean()
