"""Tasks shared among processes: every result once, in order, and errors where they belong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avqa_core.workers import AHEAD, chunks, workers
from tests.processes import is_alive

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


def note_and_wait(folder: str) -> None:
    """Leave the number of this process behind, and be busy for longer than any test waits."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    program = (
        "from avqa_core.workers import workers\n"
        "from tests.test_workers import note_and_wait\n"
        "if __name__ == '__main__':\n"
        "    with workers(2) as run:\n"
        f"        list(run(note_and_wait, [{str(tmp_path)!r}] * 2))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[1])
    until = time.monotonic() + 120
    while len(found := [int(one.name) for one in tmp_path.iterdir()]) < 2:
        assert parent.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    assert all(map(is_alive, found))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while any(map(is_alive, found)):
        assert time.monotonic() < until, "the workers outlive their parent"
        time.sleep(0.1)
