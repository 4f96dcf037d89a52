"""Mean and standard deviation of a feature's channels, gathered while training.

Used where a part needs the scale of the training features: to standardise what is diffused, and
to draw noise that looks like them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

SMALLEST_MOMENTUM = 0.01
SMALLEST_SHARE = 0.01


def _unshared(sums: Tensor) -> Tensor:
    """Return the sums of this process alone."""
    return sums


class RunningStatistics(nn.Module):
    """Per-channel statistics: the plain average at first, a window of about 100 updates later.

    The window lets the statistics follow a projection that is still learning. Before the first
    update they are those of a standard normal.

    Attributes:
        reduce: adds sums over processes; a trainer on several processes sets it, so that every
            process keeps the statistics of the global batch.
    """

    mean: Float[Tensor, " C"]
    variance: Float[Tensor, " C"]
    num_updates: Int[Tensor, ""]
    reduce: Callable[[Tensor], Tensor]

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = _unshared
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("num_updates", torch.zeros((), dtype=torch.int64))

    @property
    def deviation(self) -> Float[Tensor, " C"]:
        """The standard deviation, kept away from zero.

        A channel that never fires would be divided by zero; a tenth of the typical deviation is
        the least any channel gets, whatever the scale of the features.
        """
        floor = SMALLEST_SHARE * self.variance.mean()
        return torch.maximum(self.variance, floor).clamp(min=1e-12).sqrt()

    @torch.no_grad()
    def update(self, values: Float[Tensor, "M C ..."], real: Bool[Tensor, " M"]) -> None:
        """Take in the rows of ``values`` that are ``real``; the others are never read."""
        rows = rearrange(values.detach().float(), "M C ... -> M C (...)")
        rows = torch.where(real[:, None, None], rows, 0.0)
        count = real.sum(dtype=torch.float32)[None] * rows.shape[-1]
        # Sums around the present mean: squares of raw values would lose digits.
        centred = torch.where(real[:, None, None], rows - self.mean[:, None], 0.0)
        sums = self.reduce(
            torch.cat([count, centred.sum(dim=(0, 2)), centred.square().sum(dim=(0, 2))])
        )
        count, first, second = sums.split([1, len(self.mean), len(self.mean)])
        shift, spread = first / count.clamp(min=1), second / count.clamp(min=1)
        share = 1 / (self.num_updates + 1).clamp(max=round(1 / SMALLEST_MOMENTUM))
        share = torch.where(count > 0, share, 0.0)
        step = share * shift
        self.variance.copy_((1 - share) * self.variance + share * spread - step.square())
        self.mean.add_(step)
        self.num_updates.add_((count[0] > 0).long())

    def standardise(self, values: Float[Tensor, "M C ..."]) -> Float[Tensor, "M C ..."]:
        """Return ``values`` with the statistics' mean taken off and divided by the deviation."""
        mean, deviation = self._aligned(values)
        return (values - mean) / deviation

    def restore(self, values: Float[Tensor, "M C ..."]) -> Float[Tensor, "M C ..."]:
        """Undo ``standardise``."""
        mean, deviation = self._aligned(values)
        return values * deviation + mean

    def _aligned(self, values: Tensor) -> tuple[Tensor, Tensor]:
        shape = (1, -1, *[1] * (values.dim() - 2))
        return self.mean.reshape(shape), self.deviation.reshape(shape)
