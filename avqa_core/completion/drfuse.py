"""DrFuse: what modalities share, kept apart from what is distinct (Yao et al., AAAI 2024).

"DrFuse: Learning Disentangled Representation for Clinical Multi-Modal Fusion with Missing Modality
and Modal Inconsistency", Sec. 3: each modality is taken apart into a shared and a distinct
representation, the shared ones are pulled together and pooled, the distinct ones pushed away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.completion.vectors import OverTheGrid, two_layers
from avqa_core.config import require_at_least
from avqa_core.types import Completion, Features, LossTerms, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class DrFuseConfig(CompleterConfig):
    """The published weights of the losses, all one.

    Attributes:
        alignment_weight: of the divergence between the shared representations.
        distinct_weight: of the cosine between shared and distinct ones.
    """

    alignment_weight: float = 1.0
    distinct_weight: float = 1.0

    def __post_init__(self) -> None:
        require_at_least("drfuse", self, 0, "alignment_weight", "distinct_weight")


@completers.register("drfuse", DrFuseConfig)
class DrFuse(Completer):
    """Disentangled representations around any backbone.

    Departure: the published encoders are whole networks on raw inputs, here they are two layers on
    f^a and on the mean of f^v over the grid. The published method answers from {distinct, shared,
    distinct} with an attention for each class, and has a head and a loss on each of the three. Here
    the backbone answers, so those heads, and the ranking of the attention by their losses, have no
    place; what stands in for an absent half is read from the pooled shared representation of its
    segment, which is that of the half that is there: two are pooled only where nothing is absent,
    and no loss and no answer reads that. A segment without either half has no shared
    representation, and zeros are read instead. The published step is one pass with one answer loss;
    a step of Eq. 8 has three, and the terms stand beside the two that complete something. The
    distinct representations have no task here: they may turn away from the shared ones by
    themselves, and what remains of the method is the shared projection and its alignment.
    """

    def __init__(self, config: DrFuseConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        channels = dims.channels
        self.into_shared = nn.ModuleList(two_layers(channels) for _ in Modality)
        self.into_distinct = nn.ModuleList(two_layers(channels) for _ in Modality)
        # as published, one more projection that both modalities go through
        self.shared_project = nn.Sequential(
            nn.Linear(channels, 2 * channels),
            nn.ReLU(),
            nn.Linear(2 * channels, channels),
            nn.ReLU(),
            nn.Linear(channels, channels),
        )
        self.audio_out = nn.Linear(channels, channels)
        self.visual_out = OverTheGrid(dims)

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Return what the pooled shared representation says of an absent half."""
        seen = features.blanked(availability)
        shared = self._shared(seen)
        pooled = pool(shared[0], shared[1], availability)
        pseudo_audio = self.audio_out(pooled)
        pseudo_visual = self.visual_out(pooled)
        return Completion(
            features=seen.filled(availability, pseudo_audio, pseudo_visual),
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
        """Return the divergence of what is shared and the likeness of shared and distinct.

        Of every pass the same, since both need real features of the halves they compare.
        """
        real = features.blanked(present)
        shared = self._shared(real)
        terms = LossTerms.masked_mean(
            "alignment",
            divergence(shared[0], shared[1]),
            present.all(dim=-1),
            self.config.alignment_weight,
        )
        for modality, vectors in zip(Modality, _vectors(real), strict=True):
            distinct = self.into_distinct[modality](vectors)
            likeness = functional.cosine_similarity(shared[modality], distinct, dim=-1, eps=1e-6)
            terms = terms | LossTerms.masked_mean(
                f"distinct_{modality.name.lower()}",
                likeness.abs(),
                present[..., modality],
                self.config.distinct_weight,
            )
        return terms

    def _shared(self, features: Features) -> list[Float[Tensor, "B T C"]]:
        return [
            self.shared_project(encode(vectors))
            for encode, vectors in zip(self.into_shared, _vectors(features), strict=True)
        ]


def pool(
    audio: Float[Tensor, "B T C"],
    visual: Float[Tensor, "B T C"],
    availability: Bool[Tensor, "B T 2"],
) -> Float[Tensor, "B T C"]:
    """Return the logit pooling of what is there, element by element.

    log(2 e^(a + v) + e^a + e^v) - log(2 + e^a + e^v) of two, the one itself of one, zero of none.
    """
    two = torch.full_like(audio, math.log(2.0))
    both = torch.logsumexp(torch.stack([two + audio + visual, audio, visual]), dim=0)
    both = both - torch.logsumexp(torch.stack([two, audio, visual]), dim=0)
    has_audio, has_visual = availability[..., :1], availability[..., 1:]
    alone = torch.where(has_audio, audio, torch.where(has_visual, visual, 0.0))
    return torch.where(has_audio & has_visual, both, alone)


def divergence(one: Float[Tensor, "B T C"], other: Float[Tensor, "B T C"]) -> Float[Tensor, "B T"]:
    """Return the Jensen-Shannon divergence of the elements as coins, summed over them, in nats.

    As published a sum, so its weight of one means more at a larger C.

    Departure: the released program adds p log(p / m) of both for one side of the coin, heads; a
    divergence of coins has two sides, and both are here.
    """
    # In half precision a coin that is nearly sure is quite sure, and log 0 is a gradient of NaN.
    probabilities = (torch.sigmoid(one.float()), torch.sigmoid(other.float()))
    middle = (probabilities[0] + probabilities[1]) / 2
    parts = [_entropy(middle), *(-_entropy(each) / 2 for each in probabilities)]
    return torch.stack(parts).sum(dim=(0, -1))


def _entropy(probability: Tensor) -> Tensor:
    """Return the entropy of a coin, with a finite gradient where it is sure to fall on one side."""
    inside = probability.clamp(1e-6, 1 - 1e-6)
    return torch.special.entr(inside) + torch.special.entr(1 - inside)


def _vectors(features: Features) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B T C"]]:
    """Return one vector a segment of both modalities; a picture's is the mean over its grid."""
    return features.audio, features.visual.mean(dim=(-2, -1))
