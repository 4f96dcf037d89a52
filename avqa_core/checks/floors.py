"""Chapter 6: choosing between a network and a floor, category by category."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from avqa_core.checks.verdict import Verdict, expect, returned, verdict

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

    def check() -> str:
        said = float(returned(solution(network, floor, totals)))
        expect(
            not math.isclose(said, macro),
            "that is the mean over categories: let every question count once",
        )
        for name, one in (("first", network), ("second", floor)):
            alone = sum(one[key] * totals[key] for key in one) / 40
            expect(
                not math.isclose(said, alone),
                f"that is the {name} everywhere: choose in each category",
            )
        expect(
            math.isclose(said, wanted),
            f"expected {wanted:.3f} of 30 and 10 questions, got {said:.3f}",
        )
        return "each category by the better of the two, every question counting once"

    return verdict(check)
