"""The control for every enhancer: the completed pair goes on as it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from avqa_core.completion.base import GridDims
from avqa_core.enhancement.base import Enhancer, EnhancerConfig, enhancers
from avqa_core.types import Enhancement, Features


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConfig(EnhancerConfig):
    """Nothing to choose."""


@enhancers.register("identity", IdentityConfig)
class Identity(Enhancer):
    """Change nothing; Table 4's rows without AVR."""

    def __init__(self, config: IdentityConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims

    def enhance(
        self,
        pair: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Enhancement:
        """Return ``pair``."""
        return Enhancement(features=pair)
