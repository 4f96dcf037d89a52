"""The plainest control: nothing stands in for what is absent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.types import Completion, Features


@dataclass(frozen=True, slots=True, kw_only=True)
class ZerosConfig(CompleterConfig):
    """Nothing to choose."""


@completers.register("zeros", ZerosConfig)
class Zeros(Completer):
    """Fill in zeros; Table 4's row without RMM and AVR. It fits features of any size.

    Departure: zeros stand in the place of f^a or f^v. Zeros in the place of raw features, as a
    loader would put them, leave the biases of the encoder behind, which say that something is
    missing; here what is absent never reaches an encoder.
    """

    def __init__(self, config: CompleterConfig, dims: GridDims | None = None) -> None:
        super().__init__()
        self.config = config

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Return the pair with zeros wherever something is absent."""
        return Completion(
            features=features.blanked(availability),
            pseudo_audio=torch.zeros_like(features.audio),
            pseudo_visual=torch.zeros_like(features.visual),
        )
