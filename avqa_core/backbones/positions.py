"""Learned positions in time and place, for questions with "first", "before" or "left" in them."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from avqa_core.types import FeatureDims


class BoundPositions(nn.Module):
    """Tie what is heard or seen to when and where, before anything is pooled.

    Adding a position vector is not enough here: AVST averages over locations and segments, and the
    mean of (content + place) is (mean content) + (mean place), which forgets what stood where. A
    hidden layer that sees content and position together survives the mean.
    """

    def __init__(self, channels: int, dims: FeatureDims) -> None:
        super().__init__()
        hidden = 2 * channels
        self.place = nn.Parameter(0.5 * torch.randn(hidden, dims.grid_height, dims.grid_width))
        self.audio_time = nn.Parameter(0.5 * torch.randn(dims.num_segments, hidden))
        self.visual_time = nn.Parameter(0.5 * torch.randn(dims.num_segments, hidden))
        self.audio_in = nn.Linear(channels, hidden)
        self.audio_out = nn.Linear(hidden, channels)
        self.visual_in = nn.Conv2d(channels, hidden, 1)
        self.visual_out = nn.Conv2d(hidden, channels, 1)
        self.audio_gate = nn.Linear(channels, hidden)
        self.visual_gate = nn.Linear(channels, hidden)

    def forward(
        self,
        audio: Float[Tensor, "B T C"],
        visual: Float[Tensor, "B T C H W"],
        question: Float[Tensor, "B C"],
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B T C H W"]]:
        """Return audio and visual features that know their segment and their place."""
        heard = self.audio_in(audio) + self.audio_time + self.audio_gate(question)[:, None]
        seen = self.visual_in(rearrange(visual, "B T C H W -> (B T) C H W"))
        seen = rearrange(seen, "(B T) C H W -> B T C H W", B=visual.shape[0])
        seen = seen + self.place + self.visual_time[:, :, None, None]
        seen = seen + self.visual_gate(question)[:, None, :, None, None]
        seen = self.visual_out(rearrange(torch.relu(seen), "B T C H W -> (B T) C H W"))
        return (
            audio + self.audio_out(torch.relu(heard)),
            visual + rearrange(seen, "(B T) C H W -> B T C H W", B=visual.shape[0]),
        )
