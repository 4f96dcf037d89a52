"""How much noise each diffusion step adds, and everything derived from it (Sec. 3.2, Eq. 5).

Steps are counted as in the paper: x_0 is clean and x_K the noisiest, so every table here has K + 1
entries, entry k belongs to x_k, and entry 0 says "no noise yet".
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from avqa_core.config import require
from avqa_core.errors import ConfigError

ScheduleKind = Literal["linear", "sigmoid", "cosine"]

LINEAR_FIRST, LINEAR_LAST = 1e-4, 0.02
SIGMOID_REACH = 3.0
COSINE_OFFSET = 0.008
LARGEST_BETA = 0.999


def betas(kind: ScheduleKind, num_steps: int) -> list[float]:
    """Return beta_1 ... beta_K, the variance that each step adds.

    Departure: the paper names no schedule. The released program uses ``sigmoid``, which leaves
    4e-5 of the signal's variance at K = 10. The default everywhere here is ``linear``, which
    leaves 90 % and so suits a chain that starts from a feature instead of from pure noise.

    Args:
        kind: ``linear`` from 1e-4 to 0.02 whatever K is; ``sigmoid`` and ``cosine`` prescribe
            alpha_bar on (0, 1] and cut each beta at 0.999.
        num_steps: K.

    Raises:
        ConfigError: no such schedule, or K < 1.
    """
    require(num_steps >= 1, f"num_steps: expected at least 1, got {num_steps}: raise it")
    if kind == "linear":
        if num_steps == 1:
            return [LINEAR_FIRST]
        slope = (LINEAR_LAST - LINEAR_FIRST) / (num_steps - 1)
        return [LINEAR_FIRST + slope * step for step in range(num_steps)]
    if kind not in ("sigmoid", "cosine"):
        raise ConfigError(f"schedule: expected linear, sigmoid or cosine, got {kind!r}: choose one")
    remaining = _sigmoid_remaining if kind == "sigmoid" else _cosine_remaining
    levels = [remaining(step / num_steps) for step in range(num_steps + 1)]
    return [min(max(1 - after / before, 0.0), LARGEST_BETA) for before, after in pairwise(levels)]


def _sigmoid_remaining(progress: float) -> float:
    """alpha_bar(u) = (s(3) - s(6u - 3)) / (s(3) - s(-3)) with the logistic function s."""
    end, start = _logistic(SIGMOID_REACH), _logistic(-SIGMOID_REACH)
    return (end - _logistic(SIGMOID_REACH * (2 * progress - 1))) / (end - start)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def _cosine_remaining(progress: float) -> float:
    """alpha_bar(u) = f(u) / f(0), f a squared cosine that leaves a first beta above zero."""
    return _quarter_turn(progress) / _quarter_turn(0.0)


def _quarter_turn(progress: float) -> float:
    return math.cos((progress + COSINE_OFFSET) / (1 + COSINE_OFFSET) * math.pi / 2) ** 2


class Schedule(nn.Module):
    """The noise schedule as buffers, indexed by the step k = 0 ... K.

    Attributes:
        beta: variance that step k adds; ``beta[0]`` is 0.
        alpha_bar: share of the signal's variance left in x_k; ``alpha_bar[0]`` is 1.
        signal: sqrt(alpha_bar), the factor on x_0 in x_k.
        noise: sqrt(1 - alpha_bar), the factor on the noise in x_k.
    """

    beta: Float[Tensor, " K1"]
    alpha_bar: Float[Tensor, " K1"]
    signal: Float[Tensor, " K1"]
    noise: Float[Tensor, " K1"]

    def __init__(self, kind: ScheduleKind, num_steps: int) -> None:
        super().__init__()
        self.kind, self.num_steps = kind, num_steps
        beta = [0.0, *betas(kind, num_steps)]
        alpha_bar = [1.0]
        for one in beta[1:]:
            alpha_bar.append(alpha_bar[-1] * (1 - one))
        # Python floats carry the products in double precision; only the results are rounded.
        tables = {
            "beta": beta,
            "alpha_bar": alpha_bar,
            "signal": [math.sqrt(left) for left in alpha_bar],
            "noise": [math.sqrt(1 - left) for left in alpha_bar],
        }
        for name, values in tables.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))

    def extra_repr(self) -> str:
        """Name the schedule where the module is printed."""
        return f"{self.kind}, num_steps={self.num_steps}"
