"""Chapters 4 and 5: what a method wins back, and gains seed by seed."""

from __future__ import annotations

from collections.abc import Callable

from avqa_core import comparison
from avqa_core.checks.verdict import CLOSE, Verdict, expect, returned, verdict


def recovered_share(solution: Callable[[float, float, float], float]) -> Verdict:
    """Check the share of what a control leaves below the ceiling that is won back."""

    def check() -> str:
        for accuracy, control, ceiling, hint in (
            (0.4, 0.4, 0.9, "at the control nothing is won back"),
            (0.9, 0.4, 0.9, "at the ceiling all of it is won back"),
            (0.5, 0.4, 0.9, "divide what was won by what there was to win"),
            (0.3, 0.4, 0.8, "below the control the share is negative: do not cut it off"),
        ):
            value = float(returned(solution(accuracy, control, ceiling)))
            wanted = comparison.recovered_share(accuracy, control, ceiling)
            expect(
                abs(value - wanted) <= CLOSE,
                f"for accuracy {accuracy}, control {control} and ceiling {ceiling} you return "
                f"{value:g}, expected {wanted:g}: {hint}",
            )
        return "the same share as the package's"

    return verdict(check)


def paired_gain(solution: Callable[[dict[int, float], dict[int, float]], float]) -> Verdict:
    """Check the mean gain over the seeds that two methods have in common."""

    def check() -> str:
        for ours, control, wanted, hint in (
            ({0: 0.5, 1: 0.7}, {0: 0.4, 1: 0.5}, 0.15, "take ours minus control"),
            ({0: 0.5, 2: 0.9}, {0: 0.6, 1: 0.1}, -0.1, "leave out seeds that one side lacks"),
        ):
            value = float(returned(solution(dict(ours), dict(control))))
            expect(
                abs(value - wanted) <= CLOSE,
                f"for {ours} against {control} you return {value:g}, expected {wanted:g}: {hint}",
            )
        return "a gain seed by seed, over the seeds that both have"

    return verdict(check)


Pairs = dict[int, tuple[float, float]]


def gained_more(solution: Callable[[Pairs, Pairs], float]) -> Verdict:
    """Check the difference of two gains, each of a method over its control, paired by seed."""

    def check() -> str:
        high: Pairs = {0: (0.8, 0.6), 1: (0.9, 0.6)}
        for low, wanted, hint in (
            ({0: (0.5, 0.4), 1: (0.5, 0.4)}, 0.15, "take the gain of low from that of high"),
            ({0: (0.5, 0.4), 2: (0.0, 0.9)}, 0.1, "leave out seeds that one side lacks"),
        ):
            value = float(returned(solution(dict(high), dict(low))))
            expect(
                abs(value - wanted) <= CLOSE,
                f"for {high} against {low} you return {value:g}, expected {wanted:g}: {hint}",
            )
        return "gains within a seed first, then their difference"

    return verdict(check)
