"""Sharing a list of tasks among processes, results in order, one thread each."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")
AHEAD = 4  # tasks a process may be ahead of whoever takes the results


@runtime_checkable
class Run(Protocol):
    """A way to get a list of tasks done."""

    def __call__(
        self, work: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Result]]:
        """Call ``work`` on every task; yield each task with its result, in order."""


def chunks(items: Sequence[Task], size: int) -> list[Sequence[Task]]:
    """Cut ``items`` into runs of ``size``, the last one shorter."""
    return [items[start : start + size] for start in range(0, len(items), size)]


@contextmanager
def workers(num_workers: int) -> Iterator[Run]:
    """Give a ``Run`` over this many processes; with one, everything happens in this process.

    Processes are spawned, not forked: a fork of a process with threads may hang.
    """
    if num_workers <= 1:
        yield _run_here
        return
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_begin)
    try:
        yield _run_in(executor, AHEAD * num_workers)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """Give a worker one thread, and an end when its parent ends, however that comes about.

    A parent that is killed closes no queue, and its workers would wait for a task for ever.
    """
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run_here(
    work: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[tuple[Task, Result]]:
    for task in tasks:
        yield task, work(task)


def _run_in(executor: ProcessPoolExecutor, most_waiting: int) -> Run:
    def run(work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        waiting: deque[tuple[Task, Future[Any]]] = deque()
        for task in tasks:
            waiting.append((task, executor.submit(work, task)))
            if len(waiting) >= most_waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()

    return run
