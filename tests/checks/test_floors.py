"""The check of the exercise in chapter 6."""

from __future__ import annotations

import pytest

from avqa_core.checks import routed


def better(network, floor, totals):
    return sum(max(network[one], floor[one]) * totals[one] for one in totals) / sum(totals.values())


def test_the_better_of_two_in_each_category_is_accepted():
    assert routed(better)


@pytest.mark.parametrize(
    ("solution", "hint"),
    [
        (lambda network, floor, totals: 0.75, "every question count once"),
        (lambda network, floor, totals: 0.375, "the first everywhere"),
        (lambda network, floor, totals: 0.575, "the second everywhere"),
        (lambda network, floor, totals: 0.1, "expected 0.675"),
        (lambda network, floor, totals: None, "returns None"),
        (lambda network, floor, totals: "most", "stopped with ValueError"),
        (lambda network, floor, totals: network["C"], "stopped with KeyError"),
    ],
)
def test_what_is_off_is_said(solution, hint):
    """First: (30 * 0.2 + 10 * 0.9) / 40 = 0.375; second: (30 * 0.6 + 10 * 0.5) / 40 = 0.575."""
    verdict = routed(solution)
    assert not verdict and hint in verdict.message
