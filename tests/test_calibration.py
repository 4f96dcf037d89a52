"""Calibration and abstention on numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core import calibration, rng
from avqa_core.errors import ConfigError
from avqa_core.metrics import Tally

SURE, RIGHT = [0.95, 0.95, 0.55, 0.55], [True, True, True, False]


def test_the_error_is_the_gap_of_each_bin_by_its_size() -> None:
    """Two bins: 0.95 against 2 of 2, 0.55 against 1 of 2, so (0.05 + 0.05) / 2."""
    assert calibration.expected_calibration_error(SURE, RIGHT) == pytest.approx(0.05)
    assert [one.tally for one in calibration.bins(SURE, RIGHT)] == [Tally(1, 2), Tally(2, 2)]


def test_a_bound_belongs_to_the_bin_below_it_and_certainty_to_the_last() -> None:
    found = calibration.bins([0.0, 0.5, 0.500001, 1.0], [True] * 4, num_bins=2)
    assert [one.tally.total for one in found] == [2, 2]


def test_the_curve_answers_equals_together() -> None:
    curve = calibration.risk_coverage(SURE, RIGHT)
    assert curve.coverage == (0.5, 1.0)
    assert curve.risk == (0.0, 0.25)
    assert curve.threshold == (0.95, 0.55)
    assert curve.area == pytest.approx(0.5 * 0.0 + 0.5 * 0.25)


def test_a_threshold_answers_the_surest() -> None:
    assert calibration.answered_at(SURE, RIGHT, 0.9) == (Tally(2, 4), Tally(2, 2))
    assert calibration.answered_at(SURE, RIGHT, 0.96) == (Tally(0, 4), Tally(0, 0))


def test_the_lowest_threshold_that_is_right_often_enough() -> None:
    assert calibration.threshold_for(SURE, RIGHT, 0.75) == 0.55
    assert calibration.threshold_for(SURE, RIGHT, 0.8) == 0.95
    assert calibration.threshold_for([0.9, 0.8], [False, False], 0.8) is None
    # 17 of 25 are 68 %, though 1 - 8 / 25 is a little less in binary
    assert calibration.threshold_for([0.9] * 25, [True] * 17 + [False] * 8, 0.68) == 0.9


def test_the_temperature_of_a_coin_golden() -> None:
    """Logits (2, 0), right three times of four: the likeliest chance is 3/4, so 2 / t = log 3."""
    logits = torch.tensor([[2.0, 0.0]] * 4)
    answers = torch.tensor([0, 0, 0, 1])
    assert calibration.fit_temperature(logits, answers) == pytest.approx(2 / math.log(3), rel=1e-6)


def test_a_temperature_mends_what_was_sharpened() -> None:
    generator = rng.named(0, "logits")
    logits = torch.randn(4000, 5, generator=generator)
    answers = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)[:, 0]
    assert calibration.fit_temperature(3 * logits, answers) == pytest.approx(3.0, rel=0.05)
    errors = []
    for temperature in (1.0, 3.0):
        sure, said = calibration.confidences(3 * logits, temperature)
        right = (said == answers).tolist()
        errors.append(calibration.expected_calibration_error(sure.tolist(), right))
    assert errors[0] > 0.2 and errors[1] < 0.03


def test_unknown_answers_do_not_count() -> None:
    logits = torch.tensor([[2.0, 0.0]] * 4 + [[0.0, 99.0]])
    answers = torch.tensor([0, 0, 0, 1, -1])
    assert calibration.fit_temperature(logits, answers) == pytest.approx(2 / math.log(3), rel=1e-6)


def test_the_interval_holds_the_estimate_and_redraws_whole_clips() -> None:
    generator = np.random.default_rng(0)
    sure = generator.uniform(0.5, 1.0, 300).tolist()
    right = [bool(generator.random() < one) for one in sure]
    clips = [f"{number // 10}" for number in range(300)]
    interval = calibration.calibration_interval(
        sure, right, clips, generator=np.random.default_rng(1), num_draws=100
    )
    assert interval.low <= interval.estimate <= interval.high and interval.low < interval.high
    alone = calibration.calibration_interval(
        sure, right, ["one"] * 300, generator=np.random.default_rng(1), num_draws=10
    )
    assert alone.low == alone.high == alone.estimate, "one clip has no spread to show"


class Draws(np.random.Generator):
    """Redraws that are told beforehand."""

    def __init__(self, *draws: list[int]) -> None:
        super().__init__(np.random.PCG64())
        self.draws = list(draws)

    def integers(self, high: int, size: int) -> list[int]:
        drawn = self.draws.pop(0)
        assert max(drawn) < high and len(drawn) == size
        return drawn


@pytest.mark.parametrize(
    ("draws", "low", "high"),
    [
        # Errors of 0.1 and 0.35: none is above the estimate, some are 0.25 below it.
        (([0, 0], [0, 1]), 0.35, 0.6),
        # 0.35 and 0.6: some are 0.25 above it, none is below it.
        (([0, 1], [1, 1]), 0.1, 0.6),
    ],
)
def test_the_interval_reaches_as_far_below_as_the_redraws_above(draws, low, high) -> None:
    """Clip a is 0.9 sure and right, an error of 0.1; b is 0.6 sure and wrong, an error of 0.6."""
    found = calibration.calibration_interval(
        [0.9, 0.6], [True, False], ["a", "b"], generator=Draws(*draws), num_draws=2, coverage=1.0
    )
    assert (found.low, found.estimate, found.high) == pytest.approx((low, 0.35, high))


def test_an_interval_of_half_the_redraws_lies_between_their_quarters() -> None:
    """Errors of 0.1, 0.35, 0.35, 0.6 and 0.6, of which 0.35 is the second and 0.6 the fourth."""
    draws = Draws([0, 0], [0, 1], [1, 1], [0, 1], [1, 1])
    found = calibration.calibration_interval(
        [0.9, 0.6], [True, False], ["a", "b"], generator=draws, num_draws=5, coverage=0.5
    )
    assert (found.low, found.high) == pytest.approx((2 * 0.35 - 0.6, 0.6))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(min_value=0, max_value=1), st.booleans()), min_size=1, max_size=40
    ),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter_and_all_answered_is_the_accuracy(pairs, random) -> None:
    sure, right = (list(one) for one in zip(*pairs, strict=True))
    curve = calibration.risk_coverage(sure, right)
    assert curve.coverage[-1] == 1.0
    assert 1 - curve.risk[-1] == pytest.approx(sum(right) / len(right))
    assert list(curve.coverage) == sorted(curve.coverage)
    random.shuffle(pairs)
    shuffled = [list(one) for one in zip(*pairs, strict=True)]
    assert calibration.risk_coverage(*shuffled) == curve
    error = calibration.expected_calibration_error(sure, right)
    assert 0.0 <= error <= 1.0
    assert calibration.expected_calibration_error(*shuffled) == pytest.approx(error)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calibration.bins([0.5], [True, False]), "as many confidences as answers"),
        (lambda: calibration.bins([1.5], [True]), r"confidences in \[0, 1\], got 1.5 to 1.5"),
        (lambda: calibration.bins([], []), "as many confidences as answers"),
        (lambda: calibration.threshold_for(SURE, RIGHT, 0.0), r"accuracy in \(0, 1\], got 0.0"),
        (lambda: calibration.confidences(torch.zeros(1, 2), 0.0), "above 0, got 0.0"),
        (
            lambda: calibration.fit_temperature(torch.zeros(1, 2), torch.tensor([-1])),
            "known answers, got none",
        ),
        (
            lambda: calibration.fit_temperature(torch.full((1, 2), math.nan), torch.tensor([0])),
            "finite logits",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, message) -> None:
    with pytest.raises(ConfigError, match=message):
        call()
