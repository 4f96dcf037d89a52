"""Run the runs: each a process of one thread, as many at once as there are cores for.

The processes are forked from a server that has everything imported, because starting Python with
torch takes as long as a short run.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from avqa_core.errors import AvqaError
from avqa_core.experiments import worker
from avqa_core.experiments.experiment import LOG, Outcome
from avqa_core.experiments.schedule import Key, Planned

_LOOK_EVERY = 0.1


@dataclass(frozen=True)
class RunStarted:
    """A worker has begun, or gone on with, a run."""

    run: Planned


@dataclass(frozen=True)
class RunEnded:
    """A run has come to its end.

    ``outcome`` is None if it failed, for the ``reason`` given; of ``num_runs`` runs ``num_ended``
    have ended.
    """

    run: Planned
    outcome: Outcome | None
    reason: str
    num_ended: int
    num_runs: int


def run_all(planned: Sequence[Planned], num_jobs: int) -> Iterator[RunStarted | RunEnded]:
    """Run all that is not finished, parents before children, yielding what happens.

    A run that fails takes its descendants with it and nobody else. Whoever stops listening stops
    the workers; each goes on from its last resume point the next time.

    Args:
        planned: all runs, finished ones too.
        num_jobs: how many at once.
    """
    waiting = {one.experiment.key: one for one in planned if not one.is_finished}
    num_runs, ended = len(waiting), 0
    failed: set[Key] = set()
    working: dict[Key, tuple[Planned, BaseProcess]] = {}
    try:
        while waiting or working:
            for run in _orphans(waiting, failed):
                ended += 1
                failed.add(run.experiment.key)
                del waiting[run.experiment.key]
                reason = f"{run.experiment.parent} failed"
                yield RunEnded(run, None, reason, ended, num_runs)
            for run in _ready(waiting, working, num_jobs - len(working)):
                key = run.experiment.key
                working[key] = (waiting.pop(key), _start(run))
                yield RunStarted(run)
            for key, (run, process) in list(working.items()):
                if process.is_alive():
                    continue
                del working[key]
                ended += 1
                outcome, reason = _result(run, process)
                if outcome is None:
                    failed.add(key)
                yield RunEnded(run, outcome, reason, ended, num_runs)
            time.sleep(_LOOK_EVERY)
    finally:
        for _, process in working.values():
            process.terminate()
        for _, process in working.values():
            process.join()


def run_here(planned: Sequence[Planned]) -> Iterator[RunEnded]:
    """Run all that is not finished in this process, one after the other.

    For parts that only this process knows, such as one that a notebook cell has registered.

    Args:
        planned: all runs, parents before their children.

    Raises:
        AvqaError: a run failed.
    """
    left = [one for one in planned if not one.is_finished]
    for number, run in enumerate(left, start=1):
        run.open()
        yield RunEnded(run, worker.run(run.folder), "", number, len(left))


def _orphans(waiting: dict[Key, Planned], failed: set[Key]) -> list[Planned]:
    """Return all descendants of what failed; parents come before their children."""
    lost, gone = [], set(failed)
    for key, run in waiting.items():
        if run.parent in gone:
            gone.add(key)
            lost.append(run)
    return lost


def _ready(
    waiting: dict[Key, Planned],
    working: dict[Key, tuple[Planned, BaseProcess]],
    room: int,
) -> list[Planned]:
    """Return the runs whose parents are done, in the order of the plan, at most ``room``."""
    busy = {*waiting, *working}
    ready = [run for run in waiting.values() if run.parent not in busy]
    return ready[:room]


def _start(run: Planned) -> BaseProcess:
    run.open()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([worker.__name__])
    process = context.Process(target=worker.work, args=(run.folder,))
    process.start()
    return process


def command(run: Planned) -> str:
    """Return the command line of one run, which a scheduler may start elsewhere too."""
    return f"python -m {worker.__name__} {run.folder}"


def _result(run: Planned, process: BaseProcess) -> tuple[Outcome | None, str]:
    try:
        outcome = Outcome.find(run.folder) if process.exitcode == 0 else None
    except AvqaError as error:
        return None, str(error)
    if outcome is not None:
        return outcome, ""
    log = run.folder / LOG
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    last = lines[-1] if lines else "no message"
    return None, f"exit code {process.exitcode}: {last} (see {log})"
