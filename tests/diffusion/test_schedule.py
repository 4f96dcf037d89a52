"""Eq. 5: schedules against printed tables and against what every schedule must obey."""

from __future__ import annotations

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.diffusion.schedule import Schedule, betas
from avqa_core.errors import ConfigError

SIGMOID_BETA = [
    *(0.03949, 0.06749, 0.11055, 0.17039, 0.24348),
    *(0.32184, 0.40033, 0.48696, 0.62143, 0.999),
]
SIGMOID_BAR = [
    *(0.96051, 0.89568, 0.79666, 0.66092, 0.50000),
    *(0.33908, 0.20334, 0.10432, 0.03949, 0.00004),
]


def test_sigmoid_at_ten_steps_is_the_released_programs() -> None:
    schedule = Schedule("sigmoid", 10)
    assert schedule.beta[1:].tolist() == pytest.approx(SIGMOID_BETA, abs=1e-5)
    assert schedule.alpha_bar[1:].tolist() == pytest.approx(SIGMOID_BAR, abs=1e-5)
    assert float(schedule.alpha_bar[1:].mean()) == pytest.approx(0.4500, abs=1e-4)
    assert float(schedule.alpha_bar[1:].square().mean()) == pytest.approx(0.3215, abs=1e-4)


def test_sigmoid_at_other_lengths() -> None:
    five = Schedule("sigmoid", 5).alpha_bar[1:].tolist()
    assert five == pytest.approx([0.89568, 0.66092, 0.33908, 0.10432, 0.0001], abs=1e-5)
    twenty = Schedule("sigmoid", 20).alpha_bar[-3:].tolist()
    assert twenty == pytest.approx([0.03949, 0.01718, 0.00002], abs=1e-5)


def test_linear_runs_between_its_ends_and_leaves_nine_tenths() -> None:
    schedule = Schedule("linear", 10)
    assert float(schedule.beta[1]) == pytest.approx(1e-4)
    assert float(schedule.beta[10]) == pytest.approx(0.02)
    assert float(schedule.alpha_bar[10]) == pytest.approx(0.904, abs=5e-4)
    # Three steps: beta = 0.0001, 0.01005, 0.02; the product of what is kept, by hand.
    assert float(Schedule("linear", 3).alpha_bar[3]) == pytest.approx(0.9999 * 0.98995 * 0.98)


def test_cosine_by_hand() -> None:
    # cos^2(0.508 / 1.008 * pi / 2) / cos^2(0.008 / 1.008 * pi / 2) = 0.49377 / 0.99984
    assert float(Schedule("cosine", 2).alpha_bar[1]) == pytest.approx(0.4938, abs=2e-4)


@given(kind=st.sampled_from(["linear", "sigmoid", "cosine"]), num_steps=st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_every_schedule_decreases_within_zero_and_one(kind: str, num_steps: int) -> None:
    schedule = Schedule(kind, num_steps)
    bar = schedule.alpha_bar.double()
    beta = torch.tensor(betas(kind, num_steps), dtype=torch.float64)
    assert len(bar) == num_steps + 1
    assert float(bar[0]) == 1.0
    assert ((bar[1:] > 0) & (bar[1:] < 1)).all()
    assert (bar.diff() < 0).all()
    assert ((beta > 0) & (beta <= 0.999)).all()
    assert torch.allclose(bar[1:], (1 - beta).cumprod(0), rtol=1e-5)
    both = schedule.signal.square() + schedule.noise.square()
    assert torch.allclose(both, torch.ones(num_steps + 1), atol=1e-6)


def test_schedules_that_cannot_be_say_so() -> None:
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        Schedule("linear", 0)
    # Unwrapped, since the shape checker of the tests would refuse the word before we do.
    with pytest.raises(ConfigError, match="'cosinus'"):
        inspect.unwrap(betas)("cosinus", 3)
