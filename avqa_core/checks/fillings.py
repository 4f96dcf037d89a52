"""Chapter 9: whether what is filled in depends on the clip."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from avqa_core import rng
from avqa_core.checks.verdict import CLOSE, Verdict, expect, returned, verdict


def spread_over_clips(solution: Callable[[Tensor, Tensor], float]) -> Verdict:
    """Check how far a pseudo feature varies over clips, as a share of the real one's variance.

    Args:
        solution: pseudo and real feature, both ``[B, T, C]`` -> a number.
    """

    def check() -> str:
        generator = rng.named(0, "spread over clips")
        real = 3.0 + torch.randn(40, 6, 5, generator=generator)
        over_time = torch.arange(6.0)[:, None].expand_as(real)
        for name, pseudo, wanted, hint in (
            ("the real feature", real, 1.0, "divide by the variance of the real feature"),
            ("one vector for everybody", torch.full_like(real, 2.0), 0.0, "take the mean off"),
            (
                "a pattern over time that is the same for every clip",
                over_time,
                0.0,
                "take the mean off segment by segment: what varies over time alone knows no clip",
            ),
            ("half the real feature", 0.5 * real, 0.25, "a variance is a square"),
            ("the real feature, moved", real + over_time, 1.0, "the mean of each is its own"),
        ):
            value = float(returned(solution(pseudo.clone(), real.clone())))
            expect(
                abs(value - wanted) <= CLOSE,
                f"for {name} you return {value:g}, expected {wanted:g}: {hint}",
            )
        return "zero for everybody alike, one for the real thing"

    return verdict(check)
