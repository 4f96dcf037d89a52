"""The checks of the exercises in chapter 2."""

from __future__ import annotations

import pytest

from avqa_core import checks

E_ = 2.718281828459045


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (lambda num_slots: E_ / (E_ + num_slots - 1), True, "bound"),
        (lambda num_slots: 1 / num_slots, False, "uniform"),
        (lambda num_slots: 1.0, False, "before the last softmax"),
        (lambda num_slots: E_ / (E_ + num_slots), False, "exp(1)"),
        (lambda num_slots: None, False, "returns None"),
    ],
)
def test_the_largest_weight(solution, solved, reason):
    verdict = checks.largest_weight(solution)
    assert bool(verdict) is solved and reason in verdict.message


def normalised(scores, question):
    product = scores.softmax(-1) * question.softmax(-1)
    return product / product.sum(-1, keepdim=True)


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (normalised, True, "renormalised"),
        (lambda s, q: (s + q).softmax(-1), True, "renormalised"),
        (lambda s, q: (s.softmax(-1) * q.softmax(-1)).softmax(-1), False, "as printed"),
        (lambda s, q: s.softmax(-1) * q.softmax(-1), False, "divide by the sum"),
        (lambda s, q: (s + q).softmax(0), False, "over which axis"),
        (lambda s, q: s.softmax(-1), False, "others"),
        (lambda s, q: s[0], False, "expected shape [4, 9]"),
        (lambda s, q: [1.0], False, "expected a tensor"),
    ],
)
def test_the_product_of_experts(solution, solved, reason):
    verdict = checks.product_of_experts(solution)
    assert bool(verdict) is solved and reason in verdict.message
