"""The check of the exercise in chapter 4."""

from __future__ import annotations

import pytest

from avqa_core import checks


def test_the_solution_of_the_page_is_accepted():
    assert checks.recovered_share(lambda one, control, top: (one - control) / (top - control))


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        (lambda one, control, top: one - control, "at the ceiling"),
        (lambda one, control, top: one / top, "at the control"),
        (lambda one, control, top: max(0.0, (one - control) / (top - control)), "negative"),
        (lambda one, control, top: float(one > control), "divide"),
        (lambda one, control, top: None, "returns None"),
        (lambda one, control, top: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_wrong_solution_is_told_what_is_off(solution, reason):
    verdict = checks.recovered_share(solution)
    assert not verdict and reason in verdict.message
