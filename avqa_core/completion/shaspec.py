"""ShaSpec: what two modalities share stands in for the one that is gone (Wang et al., CVPR 2023).

"Multi-Modal Learning With Missing Modality via Shared-Specific Feature Modelling", Sec. 3: one
encoder for what all modalities share, one for what is specific to each, and a residual layer that
composes both. The shared feature of what is present replaces the composed feature of what is
absent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.completion.vectors import two_layers
from avqa_core.config import require_at_least
from avqa_core.types import Completion, Features, LossTerms, Modality, where_present


@dataclass(frozen=True, slots=True, kw_only=True)
class ShaSpecConfig(CompleterConfig):
    """The published weights of the two losses.

    Attributes:
        alignment_weight: alpha, of the distance between the shared features of both modalities.
        domain_weight: beta, of telling the modality from the specific feature.
    """

    alignment_weight: float = 0.1
    domain_weight: float = 0.02

    def __post_init__(self) -> None:
        require_at_least("shaspec", self, 0, "alignment_weight", "domain_weight")


@completers.register("shaspec", ShaSpecConfig)
class ShaSpec(Completer):
    """Shared and specific encoders around any backbone.

    Departure: the published encoders are whole networks on raw inputs, here they are two layers on
    f^a and, place by place, on f^v. Rows with nothing absent bypass every completer in this book,
    so composed features go on only beside an absent half. With both halves absent nothing is
    shared, and the stand-in is zero. Loss terms are skipped where a half is absent; the released
    program computes them on zeros. The published step is one pass with one answer loss; a step of
    Eq. 8 has three, and the terms stand beside the two that complete something.
    """

    keeps_present = False  # what is present goes on composed

    def __init__(self, config: ShaSpecConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        self.shared = two_layers(dims.channels)
        self.audio_specific = two_layers(dims.channels)
        self.visual_specific = two_layers(dims.channels)
        self.compose = nn.Linear(2 * dims.channels, dims.channels)
        self.which = nn.Linear(dims.channels, 2)

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Return composed features where present, and the other half's shared ones where absent."""
        seen = features.blanked(availability)
        has_audio, has_visual = availability.unbind(dim=-1)
        cells = rearrange(seen.visual, "B T C H W -> B T H W C")
        shared_audio, shared_cells = self.shared(seen.audio), self.shared(cells)
        nothing = torch.zeros_like(seen.audio)
        pseudo_audio = where_present(has_visual, shared_cells.mean(dim=(2, 3)), nothing)
        pseudo_visual = repeat(
            where_present(has_audio, shared_audio, nothing),
            "B T C -> B T C H W",
            H=self.dims.height,
            W=self.dims.width,
        )
        audio = self._composed(shared_audio, self.audio_specific(seen.audio))
        visual = self._composed(shared_cells, self.visual_specific(cells))
        composed = replace(seen, audio=audio, visual=rearrange(visual, "B T H W C -> B T C H W"))
        return Completion(
            features=composed.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
        )

    def _composed(
        self, shared: Float[Tensor, "... C"], specific: Float[Tensor, "... C"]
    ) -> Float[Tensor, "... C"]:
        return shared + self.compose(torch.cat([shared, specific], dim=-1))

    def loss(
        self,
        features: Features,
        completion: Completion,
        availability: Bool[Tensor, "B T 2"],
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return the alignment of what is shared, and the error in telling modalities apart."""
        real = features.blanked(present)
        cells = rearrange(real.visual, "B T C H W -> B T H W C")
        shared_visual = self.shared(cells).mean(dim=(2, 3))
        distance = (self.shared(real.audio) - shared_visual).abs().mean(dim=-1)
        alignment = LossTerms.masked_mean(
            "alignment", distance, present.all(dim=-1), self.config.alignment_weight
        )
        specific = (
            self.audio_specific(real.audio),
            self.visual_specific(cells).mean(dim=(2, 3)),
        )
        terms = alignment
        for modality, one in zip(Modality, specific, strict=True):
            logits = self.which(one).flatten(0, 1)
            truth = torch.full((len(logits),), int(modality), device=logits.device)
            values = functional.cross_entropy(logits, truth, reduction="none")
            terms = terms | LossTerms.masked_mean(
                f"domain_{modality.name.lower()}",
                values,
                present[..., modality].flatten(),
                self.config.domain_weight / 2,
            )
        return terms
