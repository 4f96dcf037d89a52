"""Confidences as counts, worked out by hand, and against the answers they were counted from."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core import calibration
from avqa_core.abstention import EDGES, Confidences, binned, require_threshold, table
from avqa_core.errors import ConfigError
from avqa_core.metrics import Tally
from avqa_core.report import Answered

# 0.8 is the lower edge of its bin, 0.805 and 0.807 share that bin, 1.0 lies in the last one.
SURE = [0.8, 0.805, 0.807, 0.31, 1.0]
RIGHT = [True, False, True, False, True]
FOUND = binned(SURE, RIGHT)
ANSWERS = st.lists(
    st.tuples(st.floats(min_value=0, max_value=1), st.booleans()), min_size=1, max_size=40
)


def test_answers_are_counted_by_how_sure_they_are():
    assert FOUND.place == (31, 80, len(EDGES) - 1)
    assert (FOUND.total, FOUND.correct) == ((1, 3, 1), (0, 2, 1))
    assert FOUND.tally == Tally(3, 5)


def test_a_whole_per_cent_is_an_edge_and_another_threshold_the_next_one():
    assert FOUND.answered_at(0.8) == (Tally(4, 5), Tally(3, 4))
    assert FOUND.answered_at(0.801) == (Tally(1, 5), Tally(1, 1))
    assert FOUND.answered_at(1.0) == (Tally(0, 5), Tally(0, 0))


def test_the_curve_begins_with_the_surest_bin():
    curve = FOUND.risk_coverage()
    assert curve.coverage == pytest.approx((0.2, 0.8, 1.0))
    assert curve.risk == pytest.approx((0.0, 1 / 4, 2 / 5))
    assert curve.threshold == (EDGES[-1], 0.8, 0.31)


def test_reliability_joins_bins_by_their_size():
    """Bins have centres 0.315, 0.805 and nearly 1; three of five questions are in the second."""
    found = FOUND.reliability()
    assert [one.tally for one in found] == [Tally(0, 1), Tally(2, 3), Tally(1, 1)]
    assert [one.confidence for one in found] == pytest.approx([0.315, 0.805, 1.0], abs=1e-5)
    (whole,) = FOUND.reliability(1)
    assert whole.confidence == pytest.approx((0.315 + 3 * 0.805 + 1.0) / 5, abs=1e-5)
    with pytest.raises(ConfigError, match="divisor of 100, got 15"):
        FOUND.reliability(15)


def test_two_seeds_add_up_bin_by_bin():
    both = FOUND + binned([0.806, 0.1], [False, False])
    assert both.place == (10, 31, 80, len(EDGES) - 1)
    assert (both.total, both.correct) == ((1, 1, 4, 1), (0, 0, 2, 1))


@settings(deadline=None, max_examples=60)
@given(ANSWERS, st.integers(min_value=0, max_value=99))
def test_counts_say_of_a_whole_per_cent_what_the_answers_say(pairs, percent):
    sure, right = (list(one) for one in zip(*pairs, strict=True))
    wanted = calibration.answered_at(sure, right, percent / 100)
    found = binned(sure, right)
    assert found.answered_at(percent / 100) == wanted
    assert found.tally == Tally(sum(right), len(right))
    assert sum(one.tally.total for one in found.reliability()) == len(right)


@pytest.mark.parametrize(
    ("place", "total", "correct"), [((110,), (1,), (1,)), ((3,), (1,), (2,)), ((3,), (1, 2), (1,))]
)
def test_impossible_counts_are_refused(place, total, correct):
    with pytest.raises(ConfigError, match="confidences: expected bins out of 110"):
        Confidences(place=place, total=total, correct=correct)


@pytest.mark.parametrize("threshold", [-0.1, 1.5, 80.0, math.nan])
def test_a_threshold_is_a_probability(threshold):
    with pytest.raises(ConfigError, match=r"--at-least.* 0\.8 answers only when"):
        require_threshold(threshold)
    with pytest.raises(ConfigError, match="--at-least"):
        FOUND.answered_at(threshold)


def test_the_table_has_a_line_for_each_scenario():
    answered = Answered(
        scenario="complete",
        question_ids=(1, 2, 3),
        video_ids=("a", "a", "b"),
        predicted=("yes", "no", "yes"),
        truth=("yes", "yes", "yes"),
        confidence=(0.9, 0.85, 0.2),
    )
    lines = table([answered], 0.8).splitlines()
    # Two of three answered, one of the two right.
    assert lines[0] == "answered only when at least 80 % sure"
    assert lines[2].split() == ["complete", "2", "3", "66.7", "%", "50.0", "%"]
    assert table([answered], 0.95).splitlines()[2].split()[-1] == "-"
