"""Checks of the book's exercises: each says what is off, or that all is as it should be."""

from __future__ import annotations

import math
from collections.abc import Callable

FINE = "as it should be"
_CASES = ((0.4, 0.4, 0.9, 0.0), (0.9, 0.4, 0.9, 1.0), (0.5, 0.4, 0.9, 0.2), (0.3, 0.4, 0.8, -0.25))


def recovered_share(solution: Callable[[float, float, float], float]) -> str:
    """Check the share of what a control leaves below the ceiling that is won back.

    Args:
        solution: takes accuracy, control and ceiling.
    """
    for accuracy, control, ceiling, wanted in _CASES:
        given = f"recovered({accuracy}, {control}, {ceiling})"
        try:
            came = solution(accuracy, control, ceiling)
        except Exception as error:  # whatever a reader's function does is told, not raised
            return f"{given} raises {type(error).__name__}: {error}"
        if not isinstance(came, int | float) or not math.isclose(came, wanted, abs_tol=1e-9):
            return f"{given} is {came!r}, expected {wanted}: {_hint(accuracy, control, ceiling)}"
    return FINE


def _hint(accuracy: float, control: float, ceiling: float) -> str:
    if accuracy == control:
        return "at the control nothing is won back"
    if accuracy == ceiling:
        return "at the ceiling all of it is won back"
    if accuracy < control:
        return "below the control the share is negative; do not cut it off"
    return "divide what was won by what there was to win"
