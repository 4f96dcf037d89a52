"""The protocol of denoisers, and a light one (Sec. 3.2).

A denoiser maps a noisy map and its step to a map of the same shape: the noise in it, the clean
map or the velocity, whichever the process asks for. It knows nothing of audio or video.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.config import PartConfig, require
from avqa_core.registry import Registry


class Denoiser(nn.Module, ABC):
    """A network eps_theta(x_k, k); ``grid_multiple`` is what H and W must be divisible by."""

    grid_multiple: int = 1

    @abstractmethod
    def forward(
        self, noisy: Float[Tensor, "M C H W"], step: Int[Tensor, " M"]
    ) -> Float[Tensor, "M C H W"]:
        """Return the prediction for each map, whose step counts from 0 to K - 1."""


denoisers: Registry[Denoiser] = Registry("denoiser", __package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenoiserConfig(PartConfig):
    """Base of denoiser configs; a denoiser is built from its config and C."""

    registry: ClassVar[Registry[Denoiser]] = denoisers


class ChannelNorm(nn.Module):
    """Scale each place's channel vector to length sqrt(C), then by a learned gain."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, values: Float[Tensor, "M C H W"]) -> Float[Tensor, "M C H W"]:
        """Return the normalised map."""
        return functional.normalize(values, dim=1) * self.gain * math.sqrt(values.shape[1])


class StepEmbedding(nn.Module):
    """Tell a network which step it is at: sines and cosines of the step, then a small network."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, 4 * width)
        )

    def forward(self, step: Int[Tensor, " M"]) -> Float[Tensor, "M E"]:
        """Return one vector of 4 x width per step."""
        half = self.width // 2
        index = torch.arange(half, device=step.device, dtype=torch.float32)
        angles = step[:, None].float() * torch.exp(-math.log(10_000) * index / (half - 1))
        return self.network(torch.cat([angles.sin(), angles.cos()], dim=-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class LightConfig(DenoiserConfig):
    """Sizes of the light denoiser."""

    hidden_channels: int = 64
    num_blocks: int = 2
    expansion: int = 2

    def __post_init__(self) -> None:
        require(
            self.hidden_channels >= 4 and self.hidden_channels % 2 == 0,
            "light: expected an even hidden_channels of at least 4, got "
            f"{self.hidden_channels}: choose 4, 6, 8, ...",
        )
        require(
            self.num_blocks >= 1 and self.expansion >= 1,
            f"light: expected num_blocks and expansion of at least 1, got {self.num_blocks} and "
            f"{self.expansion}: raise them",
        )


class LightBlock(nn.Module):
    """Look at the neighbours and at the whole grid, then mix channels; the step scales both."""

    def __init__(self, channels: int, expansion: int, step_width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.condition = nn.Linear(step_width, 2 * channels)
        self.neighbours = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.whole = nn.Linear(channels, channels)
        self.expand = nn.Conv2d(channels, expansion * channels, 1)
        self.shrink = nn.Conv2d(expansion * channels, channels, 1)

    def forward(
        self, values: Float[Tensor, "M C H W"], step: Float[Tensor, "M E"]
    ) -> Float[Tensor, "M C H W"]:
        """Return the map after one residual block."""
        scale, shift = self.condition(step)[..., None, None].chunk(2, dim=1)
        inner = self.norm(values) * (scale + 1) + shift
        inner = self.neighbours(inner) + self.whole(inner.mean(dim=(2, 3)))[..., None, None]
        return values + self.shrink(functional.silu(self.expand(inner)))


@denoisers.register("light", LightConfig)
class LightDenoiser(Denoiser):
    """A few depthwise blocks at full resolution, for any grid.

    The prediction is ``gain(k) * x_k + network(x_k, k)``, with one gain per channel. White noise
    over C channels cannot pass a bottleneck of fewer; the gain carries it around, so that the
    network is left with what the noise hides.

    One call costs, in multiply-adds a map with h hidden channels, n blocks and expansion e,
    ``H W h (2 C + n (9 + 2 e h))`` plus ``4h^2 + 16h^2 + 4h C + n 9 h^2`` for step and grid mean.
    """

    def __init__(self, config: LightConfig, channels: int) -> None:
        super().__init__()
        hidden = config.hidden_channels
        self.step = StepEmbedding(hidden)
        self.enter = nn.Conv2d(channels, hidden, 1)
        self.blocks = nn.ModuleList(
            LightBlock(hidden, config.expansion, 4 * hidden) for _ in range(config.num_blocks)
        )
        self.norm = ChannelNorm(hidden)
        self.leave = nn.Conv2d(hidden, channels, 1)
        self.gain = nn.Linear(4 * hidden, channels)

    def forward(
        self, noisy: Float[Tensor, "M C H W"], step: Int[Tensor, " M"]
    ) -> Float[Tensor, "M C H W"]:
        """Return the prediction for each map."""
        condition = functional.silu(self.step(step))
        values = self.enter(noisy)
        for block in self.blocks:
            values = block(values, condition)
        return self.gain(condition)[..., None, None] * noisy + self.leave(self.norm(values))
