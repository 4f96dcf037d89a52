"""The checks of the exercises in chapter 3."""

from __future__ import annotations

import pytest
import torch

from avqa_core import checks


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (lambda x, e, a: a.sqrt() * x + (1 - a).sqrt() * e, True, "every step"),
        (lambda x, e, a: a * x + (1 - a) * e, False, "square roots"),
        (lambda x, e, a: (1 - a).sqrt() * x + a.sqrt() * e, False, "swapped"),
        (lambda x, e, a: x + e, False, "not x_k"),
    ],
)
def test_noising(solution, solved, reason):
    verdict = checks.noised(solution)
    assert bool(verdict) is solved and reason in verdict.message


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (lambda v, x, a: a.sqrt() * x - (1 - a).sqrt() * v, True, "comes back"),
        (lambda v, x, a: a.sqrt() * x + (1 - a).sqrt() * v, False, "one sign"),
        (lambda v, x, a: (1 - a).sqrt() * x + a.sqrt() * v, False, "this is the noise"),
        (lambda v, x, a: torch.zeros_like(x), False, "not x_0"),
    ],
)
def test_clean_from_velocity(solution, solved, reason):
    verdict = checks.clean_from_velocity(solution)
    assert bool(verdict) is solved and reason in verdict.message
