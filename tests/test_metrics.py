"""Counts, intervals and tests against numbers worked out by hand or taken from printed tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avqa_core import metrics
from avqa_core.metrics import Interval, Tally
from avqa_core.types import QuestionCategory

COUNTING = QuestionCategory("Audio", "Counting")
COMPARATIVE = QuestionCategory("Audio", "Comparative")
LOCATION = QuestionCategory("Visual", "Location")


def test_tallies_count_per_category_and_overall():
    categories = [COUNTING, COUNTING, COUNTING, COMPARATIVE, LOCATION]
    tallies = metrics.tally_by_category(categories, [True, False, True, True, False])
    assert tallies == {COUNTING: Tally(2, 3), COMPARATIVE: Tally(1, 1), LOCATION: Tally(0, 1)}
    assert metrics.overall(tallies.values()) == Tally(3, 5)


def test_nothing_counted_has_no_accuracy():
    assert math.isnan(Tally().accuracy)
    assert math.isnan(metrics.wilson_interval(Tally()).low)


@given(st.lists(st.tuples(st.sampled_from([COUNTING, COMPARATIVE, LOCATION]), st.booleans())))
def test_counts_add_up(rows):
    tallies = metrics.tally_by_category([c for c, _ in rows], [right for _, right in rows])
    assert metrics.overall(tallies.values()) == Tally(sum(r for _, r in rows), len(rows))


def test_tallies_refuse_lists_of_unequal_length():
    with pytest.raises(ValueError):
        metrics.tally_by_category([COUNTING], [True, False])


def test_wilson_interval_of_eight_in_ten():
    interval = metrics.wilson_interval(Tally(8, 10))
    # z = 1.959964: centre (0.8 + 0.192073)/1.384146, half-width by the formula.
    assert interval.estimate == 0.8
    assert interval.low == pytest.approx(0.490162, abs=1e-6)
    assert interval.high == pytest.approx(0.943318, abs=1e-6)


@given(st.integers(0, 200), st.integers(1, 200))
def test_wilson_interval_holds_the_estimate_and_stays_in_range(correct, total):
    tally = Tally(min(correct, total), total)
    interval = metrics.wilson_interval(tally)
    assert 0 <= interval.low <= interval.estimate + 1e-12
    assert interval.estimate - 1e-12 <= interval.high <= 1
    assert interval.low < interval.high


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.30265),
        (0.975, 4, 2.77645),
        (0.975, 9, 2.26216),
        (0.95, 5, 2.01505),
        (0.995, 30, 2.75000),
        (0.025, 2, -4.30265),
        (0.5, 3, 0.0),
    ],
)
def test_student_t_quantiles_match_the_printed_table(probability, degrees, expected):
    assert metrics.student_t_quantile(probability, degrees) == pytest.approx(expected, abs=1e-4)


def test_seed_interval_of_three_seeds():
    # Mean 2, standard deviation 1: 2 -+ 4.30265 / sqrt(3).
    interval = metrics.seed_interval([1.0, 2.0, 3.0])
    assert interval.estimate == 2.0
    assert interval.high - 2.0 == pytest.approx(2.48414, abs=1e-4)
    assert 2.0 - interval.low == pytest.approx(2.48414, abs=1e-4)


def test_one_seed_has_no_interval_and_shows_nothing():
    interval = metrics.seed_interval([0.7])
    assert interval.estimate == 0.7
    assert math.isnan(interval.low)
    assert not interval.excludes(0.0)


def test_a_seed_without_a_value_leaves_none_to_the_mean():
    interval = metrics.seed_interval([0.7, math.nan, 0.9])
    assert all(map(math.isnan, (interval.estimate, interval.low, interval.high)))
    assert not interval.excludes(0.0)


def test_paired_difference_cancels_what_a_seed_does_to_both():
    theirs = {0: 0.10, 1: 0.50, 2: 0.90}
    ours = {seed: value + 0.02 for seed, value in theirs.items()}
    interval = metrics.paired_difference(ours, theirs)
    assert interval.estimate == pytest.approx(0.02)
    assert interval.excludes(0.0)
    assert not metrics.seed_interval(list(ours.values())).excludes(0.5)


def test_paired_difference_needs_the_same_seeds():
    with pytest.raises(ValueError, match="same seeds"):
        metrics.paired_difference({0: 1.0}, {1: 1.0})


def test_mcnemar_is_the_exact_binomial():
    # One question only ours, eight only theirs: 2 * (1 + 9) / 2**9.
    ours = [True] + [False] * 8 + [True] * 5
    theirs = [False] + [True] * 8 + [True] * 5
    assert metrics.mcnemar(ours, theirs) == pytest.approx(20 / 512)
    assert metrics.mcnemar(theirs, ours) == pytest.approx(20 / 512)
    assert metrics.mcnemar([True, False], [True, False]) == 1.0


def test_mcnemar_survives_thousands_of_questions():
    ours, theirs = [True] * 3000 + [False] * 2000, [False] * 3000 + [True] * 2000
    assert 0 <= metrics.mcnemar(ours, theirs) < 1e-40


def test_bootstrap_over_clips_is_wider_than_over_questions():
    # Ten clips of ten questions, of which one model gets all and the other none.
    ours = np.repeat([True, False] * 5, 10).tolist()
    theirs = np.repeat([False, True] * 5, 10).tolist()
    clips = np.repeat([f"clip {i}" for i in range(10)], 10).tolist()
    questions = [f"question {i}" for i in range(100)]
    by_clip, by_question = (
        metrics.clustered_bootstrap(
            ours, theirs, clusters, generator=np.random.default_rng(0), num_draws=500
        )
        for clusters in (clips, questions)
    )
    assert by_clip.estimate == by_question.estimate == 0.0
    assert by_clip.high - by_clip.low > 2 * (by_question.high - by_question.low)


def test_bootstrap_counts_questions_of_clips_of_any_size():
    """Two clips, of one question won and of three that are not: redraws gain 1/1, 1/4 or 0."""
    arguments = ([True, False, False, False], [False] * 4, ["a", "b", "b", "b"])
    wide, narrow = (
        metrics.clustered_bootstrap(
            *arguments, generator=np.random.default_rng(0), confidence=confidence
        )
        for confidence in (0.95, 0.4)
    )
    assert (wide.estimate, wide.low, wide.high) == (0.25, 0.0, 1.0)
    assert (narrow.estimate, narrow.low, narrow.high) == (0.25, 0.25, 0.25)


def test_intervals_have_the_confidence_that_was_asked_for():
    """t(0.95, 2) = 2.919986 over sqrt(3); z(0.95) = 1.644854 in Wilson's formula for 8 of 10."""
    seeds = metrics.seed_interval([1.0, 2.0, 3.0], 0.9)
    assert seeds.high - 2.0 == pytest.approx(1.685855, abs=1e-5)
    score = metrics.wilson_interval(metrics.Tally(8, 10), 0.9)
    assert (score.low, score.high) == pytest.approx((0.540793, 0.931442), abs=1e-5)


def test_bootstrap_is_a_function_of_its_generator():
    arguments = ([True, False, True], [False, False, True], ["a", "a", "b"])
    first, second = (
        metrics.clustered_bootstrap(*arguments, generator=np.random.default_rng(7))
        for _ in range(2)
    )
    assert first == second
    assert isinstance(first, Interval)
