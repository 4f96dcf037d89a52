"""What a training step minimises: Eq. 8 and its four regimes, as one pure function.

Implements Eq. (8): L = L_avqa + lambda_1 L_rmmr + lambda_2 L_ave, where L_avqa sums the answer
loss over the complete pair, the pair with pseudo audio and the pair with pseudo visual feature.
Eq. 3-4 live with the RMM generator, Eq. 7 with the AVR enhancer; here they are only weighed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from avqa_core import rng
from avqa_core.config import require, require_at_least
from avqa_core.data.draws import draw_uniform
from avqa_core.model import MissingModalityAVQA
from avqa_core.types import FeatureBatch, Features, LossTerms, Modality, Prediction

Regime = Literal["plain", "joint", "modality_dropout", "plug_in"]
PASSES = {"complete": (), "audio_missing": (Modality.AUDIO,), "visual_missing": (Modality.VISUAL,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveConfig:
    """Which terms are minimised.

    ``plain``: the backbone on complete pairs only, never trained for absence.
    ``joint``: the paper, Eq. 8; everything learns together.
    ``modality_dropout``: the same three passes and labels as ``joint`` with whatever stands in the
    completer's place; the honest starting line when that is ``zeros``.
    ``plug_in``: the backbone is frozen; only completer and enhancer learn.
    ``use_answers`` off leaves only the terms that need no label.
    ``both_missing_rate`` is the share of questions that, in the passes which take one modality
    away, lose both; Eq. 8 has none, and then nothing is learned about answering blind. Each half of
    such a question is recalled in both passes, and in one of them by a mean of its own over these
    few alone: per question they weigh more in the recall loss than all others.
    """

    regime: Regime = "joint"
    recall_weight: float = 1.0
    diffusion_weight: float = 1.0
    use_answers: bool = True
    both_missing_rate: float = 0.0

    def __post_init__(self) -> None:
        require(
            0 <= self.both_missing_rate <= 1,
            f"objective: expected both_missing_rate in [0, 1], got {self.both_missing_rate}",
        )
        require_at_least("objective", self, 0, "recall_weight", "diffusion_weight")


def answer_loss(
    logits: Float[Tensor, "B A"], answer: Int[Tensor, " B"], name: str = "answer"
) -> LossTerms:
    """Return the cross-entropy over rows whose answer is known."""
    known = answer >= 0
    values = functional.cross_entropy(logits.float(), answer.clamp(min=0), reduction="none")
    return LossTerms.masked_mean(name, values, known)


def without(
    availability: Bool[Tensor, "B T 2"], missing: tuple[Modality, ...]
) -> Bool[Tensor, "B T 2"]:
    """Return ``availability`` with whole modalities taken away."""
    kept = torch.ones(2, dtype=torch.bool, device=availability.device)
    kept[list(missing)] = False
    return availability & kept


def compute_losses(
    model: MissingModalityAVQA,
    batch: FeatureBatch,
    config: ObjectiveConfig,
    *,
    generator: torch.Generator,
) -> LossTerms:
    """Return every loss of one step by name; ``.total()`` applies the weights of Eq. 8."""
    present = batch.availability
    features = model.encode(batch)
    blind = _blind_rows(batch, config.both_missing_rate, generator)
    terms = LossTerms()
    if config.regime != "plain":
        model.enhancer.observe(features, present)
    if config.regime in ("joint", "plug_in"):
        diffusion = model.enhancer.loss(features, present, generator=generator)
        terms = terms | diffusion.scaled(config.diffusion_weight)
    for name in _passes(config.regime):
        availability = without(present, PASSES[name])
        if PASSES[name]:
            availability = availability & ~blind
        # Whether one row of a batch lacks something must not move the noise of the passes behind.
        sampler = generator if PASSES[name] else _forked(generator, name)
        prediction = model.respond(features, availability, generator=generator, sampler=sampler)
        own = _answer_losses(model, batch, config, prediction)
        if config.regime in ("joint", "plug_in") and PASSES[name]:
            own = own | _recall_losses(model, config, features, prediction, availability, present)
        terms = terms | own.prefixed(name)
    return terms


def _forked(generator: torch.Generator, name: str) -> torch.Generator:
    """Return a generator that depends on the state of ``generator``, which stays as it is."""
    copy = torch.Generator().set_state(generator.get_state())
    return rng.named(int(torch.randint(2**62, (), generator=copy)), name)


def _blind_rows(
    batch: FeatureBatch, rate: float, generator: torch.Generator
) -> Bool[Tensor, "B 1 1"]:
    """Return which questions lose both modalities, a function of the step and of the question."""
    if rate == 0:
        return torch.zeros(len(batch), 1, 1, dtype=torch.bool, device=batch.answer.device)
    seed = int(torch.randint(2**62, (), generator=generator, device="cpu"))
    drawn = draw_uniform(seed, batch.question_id.cpu().numpy(), 1)
    return torch.from_numpy(drawn < rate)[:, None].to(batch.answer.device)


def _passes(regime: Regime) -> tuple[str, ...]:
    if regime == "plain":
        return ("complete",)
    if regime == "plug_in":
        return ("audio_missing", "visual_missing")
    return tuple(PASSES)


def _answer_losses(
    model: MissingModalityAVQA,
    batch: FeatureBatch,
    config: ObjectiveConfig,
    prediction: Prediction,
) -> LossTerms:
    """Return the answer loss of one of the three passes of Eq. 8, and the backbone's own terms."""
    if not config.use_answers:
        return LossTerms()
    return answer_loss(prediction.answers.logits, batch.answer) | model.backbone.loss(
        prediction.enhancement.features, prediction.answers, batch
    )


def _recall_losses(
    model: MissingModalityAVQA,
    config: ObjectiveConfig,
    features: Features,
    prediction: Prediction,
    availability: Bool[Tensor, "B T 2"],
    present: Bool[Tensor, "B T 2"],
) -> LossTerms:
    """Return the terms that need no answer: what was taken away is the target."""
    recall = model.completer.loss(features, prediction.completion, availability, present)
    rebuilt = model.enhancer.reconstruction_loss(features, prediction.enhancement, present)
    return recall.scaled(config.recall_weight) | rebuilt


def freeze(model: MissingModalityAVQA, regime: Regime) -> None:
    """Stop gradients of the parts that ``regime`` does not train."""
    model.requires_grad_(True)
    if regime == "plug_in":
        model.backbone.requires_grad_(False)
    if regime in ("plain",):
        model.completer.requires_grad_(False)
        model.enhancer.requires_grad_(False)


class LossModule(nn.Module):
    """``compute_losses`` as a module, so that DistributedDataParallel can wrap the whole step.

    Reaching around the wrapper would leave gradients unsynchronised.
    """

    def __init__(self, model: MissingModalityAVQA, config: ObjectiveConfig) -> None:
        super().__init__()
        self.model, self.config = model, config
        require(
            config.use_answers or not model.enhancer.learns_from_answers_alone,
            "objective: expected use_answers=true with this enhancer, got false: parts of it would "
            "stay as random as they start; use answers, or give it a reconstruction_weight",
        )
        freeze(model, config.regime)

    def train(self, mode: bool = True) -> LossModule:
        """Switch to training mode; a frozen backbone keeps its dropout off."""
        super().train(mode)
        if self.config.regime == "plug_in":
            self.model.backbone.eval()
        return self

    def forward(self, batch: FeatureBatch, generator: torch.Generator) -> LossTerms:
        """Return the loss terms of ``batch``."""
        return compute_losses(self.model, batch, self.config, generator=generator)
