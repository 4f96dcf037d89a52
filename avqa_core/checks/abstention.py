"""Chapter 10: from which confidence on an answer may be given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from avqa_core.checks.verdict import Verdict, expect, returned, verdict

Solution = Callable[[Sequence[float], Sequence[bool], float], float | None]

# By falling confidence: right, wrong, right, right, wrong; so 1, 1/2, 2/3, 3/4 and 3/5 are right.
SURE = (0.5, 0.95, 0.7, 0.9, 0.8)
RIGHT = (False, True, True, False, True)


def lowest_threshold(solution: Solution) -> Verdict:
    """Check the lowest threshold at which the answered are right often enough.

    Args:
        solution: (confidences, whether each answer is right, wanted accuracy) to a threshold, None
            if there is none.
    """

    def check() -> str:
        said = returned(solution(SURE, RIGHT, 0.7))
        expect(said != 0.95, "you stop at the first threshold that fails: a lower one may do")
        expect(said != 0.8, "at 0.8 two of three are right, 67 %: look at 0.7 too")
        expect(said != 0.5, "at 0.5 everything is answered, and only 60 % of it is right")
        expect(said == 0.7, f"expected 0.7 for an accuracy of 0.7, got {said}")
        impossible = solution((0.9, 0.8), (False, False), 0.7)
        expect(impossible is None, f"expected None where no threshold will do, got {impossible}")
        return "the lowest threshold whose answers are right often enough"

    return verdict(check)
