"""Chapter 8: the score of a candidate."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from avqa_core import rng
from avqa_core.checks.verdict import Verdict, expect, is_close, tensor, verdict


def candidate_scores(solution: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """Check the scores of candidates from a fused vector.

    Args:
        solution: fused ``[B, E]``, weight ``[E, F]`` and candidates ``[B, A, F]`` -> ``[B, A]``.
    """

    def check() -> str:
        generator = rng.named(0, "candidate scores")
        fused = torch.randn(3, 5, generator=generator)
        weight = torch.randn(5, 4, generator=generator)
        candidates = torch.randn(3, 2, 4, generator=generator)
        wanted = torch.stack(
            [torch.stack([row @ weight @ one for one in of_row])
             for row, of_row in zip(fused, candidates, strict=True)]
        )  # fmt: skip
        found = tensor(solution(fused, weight, candidates), wanted.shape)
        expect(
            not is_close(found, wanted.softmax(dim=-1)),
            "these are probabilities: leave the softmax to the loss",
        )
        others = torch.einsum("be,ef,caf->ba", fused, weight, candidates)
        expect(
            not is_close(found, others),
            "every question is scored against the candidates of all: keep rows apart",
        )
        expect(
            is_close(found, wanted),
            f"the first question's scores are {found[0].tolist()}, expected {wanted[0].tolist()}: "
            "take the product of the fused vector with W enc(candidate), candidate by candidate",
        )
        order = torch.tensor([1, 0])
        swapped = tensor(solution(fused, weight, candidates[:, order]), wanted.shape)
        expect(is_close(swapped, wanted[:, order]), "the order of the candidates changes a score")
        return "one score a candidate, whatever stands beside it"

    return verdict(check)
