"""The checks of the exercises in chapters 4, 5 and 13."""

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


def _paired(ours, control):
    shared = ours.keys() & control.keys()
    return sum(ours[one] - control[one] for one in shared) / len(shared)


def _of_means(ours, control):
    return sum(ours.values()) / len(ours) - sum(control.values()) / len(control)


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (_paired, True, "seed by seed"),
        (lambda a, b: -_paired(a, b), False, "ours minus control"),
        (_of_means, False, "one side lacks"),
        (lambda a, b: sum(a[one] - b[one] for one in a) / 2, False, "KeyError"),
    ],
)
def test_paired_gain(solution, solved, reason):
    verdict = checks.paired_gain(solution)
    assert bool(verdict) is solved and reason in verdict.message


def _gained_more(high, low):
    shared = high.keys() & low.keys()
    gains = [(high[one][0] - high[one][1]) - (low[one][0] - low[one][1]) for one in shared]
    return sum(gains) / len(gains)


def _of_mean_gains(high, low):
    means = [sum(one - other for one, other in of.values()) / len(of) for of in (high, low)]
    return means[0] - means[1]


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (_gained_more, True, "within a seed first"),
        (lambda high, low: -_gained_more(high, low), False, "gain of low from that of high"),
        (_of_mean_gains, False, "one side lacks"),
    ],
)
def test_gained_more(solution, solved, reason):
    verdict = checks.gained_more(solution)
    assert bool(verdict) is solved and reason in verdict.message
