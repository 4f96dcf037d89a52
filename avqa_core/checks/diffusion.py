"""Chapter 3: from a clean pair to a noisy one, and back from a velocity."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from avqa_core import rng
from avqa_core.checks.verdict import Verdict, expect, is_close, tensor, verdict
from avqa_core.diffusion.schedule import Schedule


def noised(solution: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """Check Eq. 5 in one go, a function of x_0, the noise and alpha_bar."""
    generator = rng.named(0, "check noised")
    clean, noise = (torch.randn(3, 5, generator=generator) for _ in range(2))

    def check() -> str:
        for left in Schedule("sigmoid", 10).alpha_bar[1:]:
            value = tensor(solution(clean, noise, left), clean.shape)
            wanted = left.sqrt() * clean + (1 - left).sqrt() * noise
            if is_close(value, wanted):
                continue
            expect(
                not is_close(value, left * clean + (1 - left) * noise),
                "the shares are right as variances; amplitudes are their square roots",
            )
            expect(
                not is_close(value, (1 - left).sqrt() * clean + left.sqrt() * noise),
                "signal and noise are swapped: alpha_bar is what is left of the signal",
            )
            expect(False, f"not x_k at alpha_bar = {float(left):.3f}")
        return "x_k for every step of the sigmoid schedule"

    return verdict(check)


def clean_from_velocity(solution: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """Check x_0 from a velocity, a function of the velocity, x_k and alpha_bar."""
    generator = rng.named(0, "check velocity")
    clean, noise = (torch.randn(3, 5, generator=generator) for _ in range(2))

    def check() -> str:
        for left in Schedule("sigmoid", 10).alpha_bar[1:]:
            signal, rest = left.sqrt(), (1 - left).sqrt()
            noisy, velocity = signal * clean + rest * noise, signal * noise - rest * clean
            value = tensor(solution(velocity, noisy, left), clean.shape)
            if is_close(value, clean):
                continue
            expect(
                not is_close(value, noise),
                "this is the noise: swap the two factors and mind the sign",
            )
            expect(
                not is_close(value, signal * noisy + rest * velocity),
                "one sign is wrong: insert x_k and v and see which terms must cancel",
            )
            expect(False, f"not x_0 at alpha_bar = {float(left):.5f}")
        return "x_0 comes back at every step, also where next to nothing is left of it"

    return verdict(check)
