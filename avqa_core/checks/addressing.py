"""Chapter 2: the addressing of slots, as printed and renormalised."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from avqa_core import rng
from avqa_core.checks.verdict import CLOSE, Verdict, expect, is_close, returned, tensor, verdict
from avqa_core.completion.rmm import joint_addressing, max_joint_weight


def largest_weight(solution: Callable[[int], float]) -> Verdict:
    """Check the largest weight that Eq. 2 as printed can put on one of L slots."""

    def check() -> str:
        for num_slots in (1, 2, 75, 100):
            value, wanted = float(returned(solution(num_slots))), max_joint_weight(num_slots)
            expect(
                not math.isclose(value, 1 / num_slots, rel_tol=CLOSE) or num_slots == 1,
                f"{value:.4f} at L = {num_slots} is the uniform weight: the winner enters the "
                "last softmax with 1, the others with 0",
            )
            expect(
                not math.isclose(value, 1.0, rel_tol=CLOSE) or num_slots == 1,
                "1 would be the weight before the last softmax: take that one too",
            )
            expect(
                math.isclose(value, wanted, rel_tol=CLOSE),
                f"expected {wanted:.4f} at L = {num_slots}, got {value:.4f}: exp(1) for the "
                "winner, exp(0) for each of the other L - 1",
            )
        return "the bound of Eq. 2, for every L that was tried"

    return verdict(check)


def product_of_experts(solution: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """Check the renormalised addressing, a function of two tensors of scores [rows, L]."""
    generator = rng.named(0, "check product of experts")
    scores, question = (3 * torch.randn(4, 9, generator=generator) for _ in range(2))

    def check() -> str:
        weights = tensor(solution(scores, question), scores.shape)
        wanted = joint_addressing(scores, question, "renormalised")
        printed = joint_addressing(scores, question, "paper")
        sums = weights.sum(dim=-1)
        expect(
            not is_close(weights, printed),
            "this is Eq. 2 as printed: the product of two softmaxes must not go through a third",
        )
        expect(
            not is_close(weights, scores.softmax(-1) * question.softmax(-1)),
            f"the product is right, but its rows sum to {float(sums[0]):.3f}: divide by the sum",
        )
        expect(
            is_close(sums, torch.ones_like(sums)),
            f"expected rows that sum to 1, got {float(sums[0]):.3f}: over which axis do you sum?",
        )
        expect(is_close(weights, wanted), "the rows sum to 1, but the weights are others")
        return "equal to the package's renormalised addressing"

    return verdict(check)
