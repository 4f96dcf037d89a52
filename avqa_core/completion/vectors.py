"""What several completers build from: vectors of segments, and a way back to the grid."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from avqa_core.completion.base import GridDims


def two_layers(channels: int) -> nn.Module:
    """Return the small encoder of a modality."""
    return nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, channels))


class OverTheGrid(nn.Module):
    """One vector a segment, projected and laid over the grid together with a learned pattern."""

    def __init__(self, dims: GridDims) -> None:
        super().__init__()
        self.project = nn.Linear(dims.channels, dims.channels)
        self.pattern = nn.Parameter(torch.zeros(dims.channels, dims.height, dims.width))

    def forward(self, vectors: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C H W"]:
        """Return a grid for each vector."""
        return self.project(vectors)[..., None, None] + self.pattern
