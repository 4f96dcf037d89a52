"""Differences as text."""

from __future__ import annotations

import math

from avqa_core.metrics import Interval
from avqa_core.viz.points import in_points, in_words, spanned


def test_a_gain_has_its_sign_and_its_interval():
    assert in_points(Interval(0.063, 0.054, 0.071)) == "+6.3 (+5.4 to +7.1)"
    assert in_words(Interval(0.063, 0.054, 0.071), 3) == "+6.3 points (+5.4 to +7.1, 3 seeds)"


def test_every_number_is_written_with_its_ends_alike():
    assert spanned(Interval(0.51, 0.502, 0.518), unit=" %") == "51.0 % (50.2 to 51.8)"
    assert spanned(Interval(-0.25, -0.5, 0.0), "+.2f", 1.0) == "-0.25 (-0.50 to +0.00)"


def test_one_seed_has_no_interval():
    assert spanned(Interval(0.5, math.nan, math.nan)) == "50.0"
    assert in_words(Interval(-0.0001, math.nan, math.nan), 1) == "+0.0 points (one seed)"


def test_an_end_near_zero_stays_on_its_side():
    """A verdict rests on which side of zero it lies."""
    assert in_points(Interval(-0.009, -0.017, -0.0004)) == "-0.9 (-1.7 to -0.0)"
