"""Control: one learned vector per modality, the same for every clip and question."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.completion.recall import recall_loss
from avqa_core.config import require_at_least
from avqa_core.types import Completion, Features, LossTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMeanConfig(CompleterConfig):
    """Weight of the recall error, and whether it leaves the real features alone."""

    recall_weight: float = 1.0
    detach_target: bool = True

    def __post_init__(self) -> None:
        require_at_least("slot_mean", self, 0, "recall_weight")


@completers.register("slot_mean", SlotMeanConfig)
class SlotMean(Completer):
    """What the RMM generator is if its addressing never looks at its input: the mean slot.

    Its training takes everything that the RMM generator's takes; what it lacks is recall. It starts
    nearer to zero, at a deviation of 0.02 instead of the 0.115 of a mean of 75 slots.
    """

    def __init__(self, config: SlotMeanConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        # Not exactly zero: a backbone that looks at directions has no gradient to give there.
        self.audio = nn.Parameter(0.02 * torch.randn(dims.channels))
        self.visual = nn.Parameter(0.02 * torch.randn(dims.channels, dims.height, dims.width))

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Return the pair with the learned vectors wherever something is absent."""
        pseudo_audio = self.audio.to(features.audio.dtype).expand_as(features.audio)
        pseudo_visual = self.visual.to(features.visual.dtype).expand_as(features.visual)
        return Completion(
            features=features.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
        )

    def loss(
        self,
        features: Features,
        completion: Completion,
        availability: Bool[Tensor, "B T 2"],
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return the recall error where something real was hidden, as the RMM generator does."""
        return recall_loss(
            features,
            completion,
            present & ~availability,
            detach_target=self.config.detach_target,
            weight=self.config.recall_weight,
        )
