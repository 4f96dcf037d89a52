"""Differences of accuracies as text, in percentage points."""

from __future__ import annotations

import math

from avqa_core.metrics import Interval


def in_points(gain: Interval) -> str:
    """Return a gain in percentage points with its interval, as text."""
    ends = _ends(gain)
    return f"{_signed(gain.estimate)} ({ends})" if ends else _signed(gain.estimate)


def in_words(gain: Interval, num_seeds: int) -> str:
    """Return a gain over seeds as it stands in a sentence, with its unit and its seeds."""
    seeds = "one seed" if num_seeds == 1 else f"{num_seeds} seeds"
    told = ", ".join(part for part in (_ends(gain), seeds) if part)
    return f"{_signed(gain.estimate)} points ({told})"


def _ends(gain: Interval) -> str:
    """Return the interval as text, nothing for a single seed, which has none."""
    return "" if math.isnan(gain.low) else f"{_signed(gain.low)} to {_signed(gain.high)}"


def _signed(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:+.1f}"  # adding zero turns -0.0 into +0.0
