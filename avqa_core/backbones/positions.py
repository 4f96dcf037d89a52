"""Learned positions in time and place, for questions with "first", "before" or "left" in them."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from avqa_core.types import FeatureDims


class BoundPositions(nn.Module):
    """Tie what is heard and seen to when and where, before anything is pooled.

    Adding a position vector is not enough here: AVST averages over locations and segments, and the
    mean of (content + place) is (mean content) + (mean place), which forgets what stood where. A
    hidden layer with weights of its own for every place, and a bias for every segment, survives the
    mean. The question biases it too: which place matters is for the question to say.
    """

    def __init__(self, channels: int, dims: FeatureDims, expansion: int = 4) -> None:
        super().__init__()
        hidden = expansion * channels
        grid = channels * dims.grid_height * dims.grid_width
        self.audio_in = nn.Linear(channels, hidden)
        self.visual_in = nn.Linear(grid, hidden)
        self.question_in = nn.Linear(channels, 2 * hidden)
        self.time = nn.Parameter(0.5 * torch.randn(2, dims.num_segments, hidden))
        self.audio_out = nn.Linear(hidden, channels)
        self.visual_out = nn.Linear(hidden, channels)

    def forward(
        self,
        audio: Float[Tensor, "B T C"],
        visual: Float[Tensor, "B T C H W"],
        question: Float[Tensor, "B C"],
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B T C"]]:
        """Return what to add to the audio and to the visual token of every segment."""
        audio_bias, visual_bias = self.question_in(question)[:, None].chunk(2, dim=-1)
        heard = self.audio_in(audio) + self.time[0] + audio_bias
        seen = self.visual_in(visual.flatten(2)) + self.time[1] + visual_bias
        return self.audio_out(torch.relu(heard)), self.visual_out(torch.relu(seen))
