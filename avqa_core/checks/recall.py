"""Chapter 11: what a recall loss may look at."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from avqa_core import rng
from avqa_core.checks.verdict import Verdict, expect, tensor, verdict


def hidden_targets(solution: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """Check which halves of which segments may be targets of a recall loss.

    Args:
        solution: (availability, present), both bool ``[B, T, 2]`` -> bool ``[B, T, 2]``.
    """

    def check() -> str:
        generator = rng.named(0, "hidden targets")
        present = torch.rand(6, 5, 2, generator=generator) < 0.7
        availability = present & (torch.rand(6, 5, 2, generator=generator) < 0.6)
        found = tensor(solution(availability, present), present.shape)
        expect(found.dtype == torch.bool, f"expected True and False, got {found.dtype}")
        expect(
            not bool((found & ~present).any()),
            "a half that was never recorded is a target: there is nothing to compare with",
        )
        expect(
            not bool((found & availability).any()),
            "a half that the completer saw is a target: copying it would be learned",
        )
        missed = int((present & ~availability & ~found).sum())
        expect(missed == 0, f"{missed} hidden halves are no targets: they were there, and unseen")
        return "what was there and was not shown, and nothing else"

    return verdict(check)
