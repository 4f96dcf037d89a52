"""The U-Net of the AVR enhancer (Sec. 3.2, the "autoencoder" that Eq. 7 trains).

Departure: the paper describes no network. The released program runs a general image U-Net over
the fused feature map; this is its topology, built anew. At its published sizes (64 stem channels,
multipliers 1 and 2, C = 512) it has 4,685,120 parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.config import require
from avqa_core.diffusion.denoiser import (
    ChannelNorm,
    Denoiser,
    DenoiserConfig,
    StepEmbedding,
    denoisers,
)
from avqa_core.errors import FeatureError

NUM_GROUPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig(DenoiserConfig):
    """Sizes of the U-Net; the defaults are those of the released program.

    ``multipliers`` gives each resolution's channels as a multiple of ``stem_channels``; the grid
    is halved between one resolution and the next.
    """

    stem_channels: int = 64
    multipliers: tuple[int, ...] = (1, 2)
    stem_kernel: int = 7
    attention_heads: int = 4
    head_channels: int = 32
    memory_tokens: int = 4

    def __post_init__(self) -> None:
        require(
            self.stem_channels % NUM_GROUPS == 0 and self.stem_channels > 0,
            f"unet: expected stem_channels divisible by {NUM_GROUPS}, the groups of its "
            f"normalisation, got {self.stem_channels}: choose a multiple",
        )
        require(
            len(self.multipliers) >= 1 and min(self.multipliers) >= 1,
            f"unet: expected at least one multiplier, each >= 1, got {self.multipliers}",
        )
        require(
            self.stem_kernel >= 1 and self.stem_kernel % 2 == 1,
            f"unet: expected an odd stem_kernel, got {self.stem_kernel}: choose 3, 5 or 7",
        )
        require(
            min(self.attention_heads, self.head_channels, self.memory_tokens) >= 1,
            "unet: expected attention_heads, head_channels and memory_tokens of at least 1",
        )


class Block(nn.Module):
    """3x3 convolution, group norm, the step's scale and shift if given, SiLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.GroupNorm(NUM_GROUPS, channels_out)

    def forward(
        self,
        values: Float[Tensor, "M I H W"],
        scale: Float[Tensor, "M O 1 1"] | None = None,
        shift: Float[Tensor, "M O 1 1"] | None = None,
    ) -> Float[Tensor, "M O H W"]:
        """Return the map after the block."""
        values = self.norm(self.convolution(values))
        if scale is not None and shift is not None:
            values = values * (scale + 1) + shift
        return functional.silu(values)


class ResidualBlock(nn.Module):
    """Two blocks around a skip; the step speaks to the first."""

    def __init__(self, channels_in: int, channels_out: int, step_width: int) -> None:
        super().__init__()
        self.condition = nn.Sequential(nn.SiLU(), nn.Linear(step_width, 2 * channels_out))
        self.first = Block(channels_in, channels_out)
        self.second = Block(channels_out, channels_out)
        same = channels_in == channels_out
        self.skip = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(
        self, values: Float[Tensor, "M I H W"], step: Float[Tensor, "M E"]
    ) -> Float[Tensor, "M O H W"]:
        """Return the map after the block."""
        scale, shift = self.condition(step)[..., None, None].chunk(2, dim=1)
        return self.second(self.first(values, scale, shift)) + self.skip(values)


class _Attention(nn.Module):
    """What linear and full attention share: heads over the places, learned memory tokens."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__()
        self.heads, self.head_channels = config.attention_heads, config.head_channels
        inner = self.heads * self.head_channels
        self.norm = ChannelNorm(channels)
        self.memory = nn.Parameter(
            torch.randn(2, self.heads, config.memory_tokens, self.head_channels)
        )
        self.query_key_value = nn.Conv2d(channels, 3 * inner, 1, bias=False)
        self.leave = nn.Conv2d(inner, channels, 1)

    def _heads(self, values: Float[Tensor, "M C H W"]) -> list[Float[Tensor, "M h p d"]]:
        """Return query, key and value by head and place, memory tokens first in the last two."""
        split = rearrange(
            self.query_key_value(self.norm(values)),
            "M (three h d) H W -> three M h (H W) d",
            three=3,
            h=self.heads,
        )
        memory = repeat(self.memory.to(split), "two h m d -> two M h m d", M=values.shape[0])
        key, value = (torch.cat([memory[one], split[one + 1]], dim=-2) for one in range(2))
        return [split[0], key, value]

    @staticmethod
    def _grid(heads: Float[Tensor, "M h p d"], height: int) -> Float[Tensor, "M C H W"]:
        return rearrange(heads, "M h (H W) d -> M (h d) H W", H=height)


class LinearAttention(_Attention):
    """Attention whose cost grows with the number of places, not with its square; residual."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__(channels, config)
        self.leave_norm = ChannelNorm(channels)

    def forward(self, values: Float[Tensor, "M C H W"]) -> Float[Tensor, "M C H W"]:
        """Return the map plus what each place gathered."""
        query, key, value = self._heads(values)
        query = query.softmax(dim=-1) / math.sqrt(self.head_channels)
        context = key.softmax(dim=-2).transpose(-1, -2) @ value
        gathered = self._grid(query @ context, values.shape[-2])
        return values + self.leave_norm(self.leave(gathered))


class FullAttention(_Attention):
    """Softmax attention between all places; residual."""

    def forward(self, values: Float[Tensor, "M C H W"]) -> Float[Tensor, "M C H W"]:
        """Return the map plus what each place gathered."""
        query, key, value = self._heads(values)
        gathered = functional.scaled_dot_product_attention(query, key, value)
        return values + self.leave(self._grid(gathered, values.shape[-2]))


def _down(channels_in: int, channels_out: int) -> nn.Module:
    """Halve the grid: 2x2 places become channels, then a 1x1 convolution."""
    return nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels_in, channels_out, 1))


def _up(channels_in: int, channels_out: int) -> nn.Module:
    """Double the grid: nearest neighbour, then a 3x3 convolution."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(channels_in, channels_out, 3, padding=1)
    )


class Stage(nn.Module):
    """One resolution: two residual blocks, attention, a change of size."""

    def __init__(
        self,
        config: UNetConfig,
        channels: tuple[int, int],
        attention: type[_Attention],
        resize: nn.Module,
    ) -> None:
        super().__init__()
        step_width = 4 * config.stem_channels
        self.first = ResidualBlock(*channels, step_width)
        self.second = ResidualBlock(*channels, step_width)
        self.attention = attention(channels[1], config)
        self.resize = resize


@denoisers.register("unet", UNetConfig)
class UNet(Denoiser):
    """Down, middle, up, with every block's output handed across; H and W must halve cleanly."""

    def __init__(self, config: UNetConfig, channels: int) -> None:
        super().__init__()
        stem, pad = config.stem_channels, config.stem_kernel // 2
        widths = [stem, *(stem * one for one in config.multipliers)]
        levels = len(config.multipliers)
        self.grid_multiple = 2 ** (levels - 1)
        self.stem = nn.Conv2d(channels, stem, config.stem_kernel, padding=pad)
        self.step = StepEmbedding(stem)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (narrow, wide) in enumerate(pairwise(widths)):
            deepest = level == levels - 1
            attention = FullAttention if deepest else LinearAttention
            shrink = nn.Conv2d(narrow, wide, 3, padding=1) if deepest else _down(narrow, wide)
            self.down.append(Stage(config, (narrow, narrow), attention, shrink))
            # The top of the way up is where the way down began, and keeps the size.
            grow = nn.Conv2d(wide, narrow, 3, padding=1) if level == 0 else _up(wide, narrow)
            self.up.insert(0, Stage(config, (wide + narrow, wide), attention, grow))
        self.middle = nn.ModuleList(
            [
                ResidualBlock(widths[-1], widths[-1], 4 * stem),
                FullAttention(widths[-1], config),
                ResidualBlock(widths[-1], widths[-1], 4 * stem),
            ]
        )
        self.final = ResidualBlock(2 * stem, stem, 4 * stem)
        self.leave = nn.Conv2d(stem, channels, 1)

    def forward(
        self, noisy: Float[Tensor, "M C H W"], step: Int[Tensor, " M"]
    ) -> Float[Tensor, "M C H W"]:
        """Return the prediction for each map.

        Raises:
            FeatureError: the grid cannot be halved as often as the network wants.
        """
        height, width = noisy.shape[-2:]
        if height % self.grid_multiple or width % self.grid_multiple:
            raise FeatureError(
                f"expected a grid divisible by {self.grid_multiple}, got {height} x {width}: "
                "use the denoiser 'light', fewer multipliers, or features on an even grid"
            )
        condition = self.step(step)
        stem = values = self.stem(noisy)
        handed: list[Tensor] = []
        for stage in self._stages(self.down):
            values = stage.first(values, condition)
            handed.append(values)
            values = stage.attention(stage.second(values, condition))
            handed.append(values)
            values = stage.resize(values)
        first, attention, second = self.middle
        values = second(attention(first(values, condition)), condition)
        for stage in self._stages(self.up):
            values = stage.first(torch.cat([values, handed.pop()], dim=1), condition)
            values = stage.second(torch.cat([values, handed.pop()], dim=1), condition)
            values = stage.resize(stage.attention(values))
        return self.leave(self.final(torch.cat([values, stem], dim=1), condition))

    @staticmethod
    def _stages(stages: nn.ModuleList) -> Iterator[Stage]:
        for stage in stages:
            assert isinstance(stage, Stage)
            yield stage
