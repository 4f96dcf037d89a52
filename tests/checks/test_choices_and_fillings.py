"""The checks of the exercises in chapters 8 and 9."""

from __future__ import annotations

import pytest
import torch

from avqa_core import checks


def _scores(fused, weight, candidates):
    return torch.einsum("bf,baf->ba", fused @ weight, candidates)


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (_scores, True, "whatever stands beside it"),
        (lambda f, w, c: _scores(f, w, c).softmax(-1), False, "softmax"),
        (lambda f, w, c: torch.einsum("bf,caf->ba", f @ w, c), False, "keep rows apart"),
        (lambda f, w, c: -_scores(f, w, c), False, "first question's scores"),
        (lambda f, w, c: (f @ w) @ c[0].T, False, "first question's scores"),
        (lambda f, w, c: f @ w, False, "expected shape [3, 2]"),
        (lambda f, w, c: None, False, "returns None"),
    ],
)
def test_candidate_scores(solution, solved, reason):
    verdict = checks.candidate_scores(solution)
    assert bool(verdict) is solved and reason in verdict.message


def _spread(pseudo, real):
    def over_clips(one):
        return (one - one.mean(dim=0)).square().mean()

    return over_clips(pseudo) / over_clips(real)


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (_spread, True, "zero for everybody alike"),
        (lambda p, r: p.var() / r.var(), False, "segment by segment"),
        (lambda p, r: _spread(p, r) ** 0.5, False, "a variance is a square"),
        (lambda p, r: (p - p.mean(0)).square().mean(), False, "divide by the variance"),
        (lambda p, r: p.square().mean() / r.square().mean(), False, "take the mean off"),
        (lambda p, r: None, False, "returns None"),
    ],
)
def test_spread_over_clips(solution, solved, reason):
    verdict = checks.spread_over_clips(solution)
    assert bool(verdict) is solved and reason in verdict.message
