"""The recall error that several completers train with (Eq. 3-4)."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor

from avqa_core.types import Completion, Features, LossTerms, Modality

Reduction = Literal["mean", "sum"]


def recall_loss(
    features: Features,
    completion: Completion,
    wanted: Bool[Tensor, "B T 2"],
    *,
    reduction: Reduction = "mean",
    detach_target: bool = True,
    weight: float = 1.0,
) -> LossTerms:
    """Return L_a and L_v, the squared error of the pseudo features.

    Implements Eq. (3) and (4): (1/N) sum_i ||f_i - f_i^p||^2 with N the number of segments.

    Departure: the paper calls N the size of the batch and does not say what becomes of segments;
    the mean here is over both. The norm in its formula sums over the elements of a feature, which
    makes L_v about a hundred thousand times the answer loss at the paper's sizes; the released
    program takes the mean over elements, and so do we unless ``reduction`` is ``sum``. Neither says
    whether the target may be moved; the released program lets it, we detach it.

    Args:
        features: the targets.
        completion: the pseudo features.
        wanted: which target counts; nothing else is read.
        reduction: over the elements of a feature.
        detach_target: keep the loss from pulling real features towards pseudo ones.
        weight: of both terms.
    """
    real = features.blanked(wanted)
    terms = LossTerms()
    for modality, name in ((Modality.AUDIO, "audio"), (Modality.VISUAL, "visual")):
        target: Tensor = getattr(real, name)
        pseudo: Tensor = getattr(completion, f"pseudo_{name}")
        error = _error(pseudo, target.detach() if detach_target else target, reduction)
        terms = terms | LossTerms.masked_mean(
            f"recall_{name}", error, wanted[..., modality], weight
        )
    return terms


def _error(
    pseudo: Float[Tensor, "B T ..."], target: Float[Tensor, "B T ..."], reduction: Reduction
) -> Float[Tensor, "B T"]:
    squared = (pseudo.float() - target.float()).square().flatten(2)
    return squared.mean(dim=-1) if reduction == "mean" else squared.sum(dim=-1)
