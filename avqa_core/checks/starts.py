"""Chapter 12: what a saturated unit lets through."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from avqa_core.checks.verdict import Verdict, expect, is_close, tensor, verdict


def slope_behind(solution: Callable[[Tensor], Tensor]) -> Verdict:
    """Check the slope of tanh, told by what it gave.

    Args:
        solution: tanh(z) of any shape to the derivative of tanh at z, of the same shape.
    """
    z = torch.tensor([[-3.0, -0.5, 0.0], [0.25, 1.0, 2.0]])
    wanted = 1 / torch.cosh(z).square()

    def check() -> str:
        said = tensor(solution(torch.tanh(z)), z.shape)
        expect(
            not is_close(said, 1 / torch.cosh(torch.tanh(z)).square()),
            "that takes tanh once more: what you are given is tanh(z) already",
        )
        expect(
            not is_close(said, 1 - torch.tanh(z)),
            "square it: the slope is the same for z and -z",
        )
        expect(is_close(said, wanted), f"expected 0.0707 at z = 2, got {said.flatten()[-1]:.4f}")
        return "the slope, from 1 at rest down to nothing"

    return verdict(check)
