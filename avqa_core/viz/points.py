"""Differences of accuracies as text, in percentage points."""

from __future__ import annotations

from avqa_core.metrics import Interval


def in_points(gain: Interval) -> str:
    """Return a gain in percentage points with its interval, as text."""
    ends = (gain.low, gain.high)
    if any(end != end for end in ends):  # a single seed has no interval
        return _signed(gain.estimate)
    low, high = map(_signed, ends)
    return f"{_signed(gain.estimate)} ({low} to {high})"


def in_words(gain: Interval, num_seeds: int) -> str:
    """Return a gain over seeds as it stands in a sentence, with its unit and its seeds."""
    seeds = "one seed" if num_seeds == 1 else f"{num_seeds} seeds"
    if gain.low != gain.low:  # a single seed has no interval
        return f"{_signed(gain.estimate)} points ({seeds})"
    return f"{_signed(gain.estimate)} points ({_signed(gain.low)} to {_signed(gain.high)}, {seeds})"


def _signed(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:+.1f}"  # adding zero turns -0.0 into +0.0
