"""The check of the exercise on floors; see ``checks`` for what a verdict is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from avqa_core.checks import Verdict

Numbers = Mapping[str, float]


def routed(solution: Callable[[Numbers, Numbers, Mapping[str, int]], float]) -> Verdict:
    """Check the accuracy of answering each category by the better of two.

    Args:
        solution: (accuracy of one, accuracy of the other, number of questions), each by category,
            to the fraction of all questions that is right.
    """
    network, floor = {"A": 0.2, "B": 0.9}, {"A": 0.6, "B": 0.5}
    totals = {"A": 30, "B": 10}
    wanted, macro = (30 * 0.6 + 10 * 0.9) / 40, (0.6 + 0.9) / 2
    try:
        said = float(solution(network, floor, totals))
    except Exception as error:
        return Verdict(False, f"your function stopped with {type(error).__name__}: {error}")
    if math.isclose(said, wanted):
        return Verdict(True, "each category by the better of the two, every question counting once")
    if math.isclose(said, macro):
        return Verdict(False, "that is the mean over categories: let every question count once")
    for name, one in (("first", network), ("second", floor)):
        if math.isclose(said, sum(one[key] * totals[key] for key in one) / 40):
            return Verdict(False, f"that is the {name} everywhere: choose in each category")
    return Verdict(False, f"expected {wanted:.3f} of 30 and 10 questions, got {said:.3f}")
