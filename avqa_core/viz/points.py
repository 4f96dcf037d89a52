"""How numbers with an interval are written; differences of accuracies in percentage points."""

from __future__ import annotations

import math

from avqa_core.metrics import Interval


def spanned(one: Interval, form: str = ".1f", scale: float = 100.0, unit: str = "") -> str:
    """Return an estimate with its interval as text; a single seed has none.

    Args:
        one: what was estimated.
        form: of each of the three numbers.
        scale: that they are shown at; 100 for fractions in per cent.
        unit: behind the estimate.
    """
    estimate, low, high = (format(scale * of, form) for of in (one.estimate, one.low, one.high))
    return f"{estimate}{unit}" + ("" if math.isnan(one.low) else f" ({low} to {high})")


def in_points(gain: Interval) -> str:
    """Return a gain in percentage points with its interval, as text."""
    ends = _ends(gain)
    return f"{_signed(gain.estimate)} ({ends})" if ends else _signed(gain.estimate)


def in_words(gain: Interval, num_seeds: int) -> str:
    """Return a gain over seeds as it stands in a sentence, with its unit and its seeds."""
    told = ", ".join(part for part in (_ends(gain), seeds_text(num_seeds)) if part)
    return f"{_signed(gain.estimate)} points ({told})"


def seeds_text(number: int) -> str:
    """Return how many seeds a number is over, in words."""
    return "one seed" if number == 1 else f"{number} seeds"


def _ends(gain: Interval) -> str:
    """Return the interval as text, nothing for a single seed, which has none."""
    if math.isnan(gain.low):
        return ""
    return f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}"  # -0.0 stays below zero


def _signed(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:+.1f}"  # adding zero turns -0.0 into +0.0
