"""Tasks shared among processes: every result once, in order, and errors where they belong."""

from __future__ import annotations

import pytest

from avqa_core.workers import AHEAD, chunks, workers

BOTH = pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)])


@BOTH
def test_results_come_in_the_order_of_the_tasks(number):
    with workers(number) as run:
        assert list(run(abs, range(-20, 0))) == [(n, -n) for n in range(-20, 0)]


@BOTH
def test_an_error_comes_out_at_its_own_task(number):
    """The tasks before it are more than the processes may be ahead by."""
    before = 2 * AHEAD * number
    with workers(number) as run:
        results = run(int, [str(n) for n in range(before)] + ["three"])
        assert [next(results)[1] for _ in range(before)] == list(range(before))
        with pytest.raises(ValueError, match="three"):
            next(results)


def test_chunks_are_the_items_in_order_and_only_the_last_is_shorter():
    assert chunks("abcdefg", 3) == ["abc", "def", "g"]
    assert chunks("abcdef", 3) == ["abc", "def"]
    assert chunks("", 3) == []
