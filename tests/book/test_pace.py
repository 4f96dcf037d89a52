"""A promise in seconds is worth the same on a slow machine and on a fast one."""

import pytest

from book.tools import pace


def test_slowness_is_the_mean_of_the_measurements_against_the_reference() -> None:
    assert pace.slowness(pace.REFERENCE_SECONDS) == 1.0
    before, after = pace.REFERENCE_SECONDS, 2 * pace.REFERENCE_SECONDS
    assert pace.slowness(before, after) == pytest.approx(1.5)


def test_the_measurement_counts_work_and_not_the_wait_for_a_core(monkeypatch) -> None:
    clock = iter([3.0, 5.5])
    monkeypatch.setattr(pace.time, "process_time", lambda: next(clock))
    assert pace.measured() == pytest.approx(2.5)
