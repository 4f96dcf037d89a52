"""Run chapters through papermill under a profile, two at a time, where something changed."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from avqa_core import fingerprint, profiles
from book.tools import cells, finish, pace, pairing, parameters
from book.tools.layout import Layout

TOOLS = Path(__file__).parent

# what computes, draws and lays out a page: another version of it may show another page
SHOWN_BY = ("torch", "numpy", "matplotlib", "seaborn", "myst-nb", "ipywidgets")

# at least; ``full`` has chapters that promise hours
CELL_LIMIT_SECONDS = 3600


@dataclass(frozen=True)
class Job:
    """One chapter to be run, as plain values that another process can take."""

    root: Path
    script: Path
    profile: str
    given: dict[str, Any]
    mark: str
    threads: int

    @property
    def finished(self) -> Path:
        """Return where the finished notebook goes."""
        return Layout(self.root).executed(self.profile) / f"{self.script.stem}.ipynb"


@dataclass(frozen=True)
class Outcome:
    """What became of one chapter."""

    chapter: str
    seconds: float
    skipped: bool = False
    error: str | None = None


def run(
    layout: Layout,
    profile: str,
    names: list[str] | None = None,
    overrides: dict[str, Any] | None = None,
    workers: int = 2,
    force: bool = False,
    threads: int | None = None,
) -> Iterator[Outcome]:
    """Run chapters and yield what became of each; those that are up to date are skipped.

    Args:
        layout: of the book.
        profile: under which.
        names: of the chapters; all if None.
        overrides: of single parameters.
        workers: chapters at once.
        force: run what is up to date too.
        threads: of each chapter; None shares the cores among them.

    Raises:
        BookError: an unknown chapter or parameter, before anything has started.
    """
    os.environ[profiles.CHECKOUT_VARIABLE] = str(layout.root)
    scripts = [layout.chapter(name) for name in names] if names else layout.chapters()
    if any(_needs_world(script) for script in scripts):
        build_world(profile, (overrides or {}).get("data_dir"))
    jobs = [_job(layout, script, profile, overrides or {}) for script in scripts]
    if threads is None:
        threads = 1 if workers > 1 and len(jobs) > 1 else os.cpu_count() or 1
    waiting = []
    for job in jobs:
        if not force and finish.mark_of(job.finished) == job.mark:
            yield Outcome(job.script.stem, 0.0, skipped=True)
        else:
            waiting.append(Job(**{**job.__dict__, "threads": threads}))
    # the longest first, so that the last to end is a short one
    waiting.sort(key=lambda job: -profiles.budget(job.script.stem, profile))
    if waiting:
        with ProcessPoolExecutor(min(workers, len(waiting)), get_context("spawn")) as pool:
            running = {pool.submit(_execute, job): job.script.stem for job in waiting}
            for future in as_completed(running):
                yield _outcome(running[future], future)


def build_world(profile: str, data_dir: str | None = None) -> Path:
    """Build the built-in world of a profile under a progress bar, or find it built."""
    from avqa_core.bandstand.world import WorldProgress
    from avqa_core.progress import Stage, shown_stages

    def place(event: Any) -> Stage | None:
        if isinstance(event, WorldProgress):
            return Stage(event.stage, event.done, event.total, "clip")
        return None

    return profiles.world(profile, data_dir, lambda events: shown_stages(events, place))


def _job(layout: Layout, script: Path, profile: str, overrides: dict[str, Any]) -> Job:
    notebook = pairing.convert(layout, script)
    given = parameters.of_profile(script.stem, profile) | overrides
    parameters.check(notebook, given)
    return Job(layout.root, script, profile, given, _mark(layout, script, given), threads=1)


def _mark(layout: Layout, script: Path, given: dict[str, Any]) -> str:
    """Return the hash of everything that decides what the executed chapter shows."""
    stored = [path for path in layout.results.rglob("*") if path.is_file()]
    return fingerprint.of_text(
        script.read_text(),
        json.dumps(given, sort_keys=True, default=str),
        fingerprint.of_package(),
        _of_tools(),
        fingerprint.of_files(stored, layout.results),
        finish.data_hash(script, profiles.resolve(script.stem, **given)) or "no clips",
        f"python {sys.version_info[:2]}",
        *(f"{name} {version(name)}" for name in SHOWN_BY),
    )


@cache
def _of_tools() -> str:
    """Return the hash of these tools, which do not change while they run."""
    return fingerprint.of_files(sorted(TOOLS.glob("*.py")), TOOLS)


def _needs_world(script: Path) -> bool:
    return "profiles.world(" in script.read_text()


def _execute(job: Job) -> Outcome:
    """Run one chapter in this process and write the finished notebook."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    os.environ |= {
        profiles.CHECKOUT_VARIABLE: str(job.root),
        "OMP_NUM_THREADS": str(job.threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait for each other leave the cores to others
        "MKL_NUM_THREADS": str(job.threads),
        "PYTHONHASHSEED": "0",
    }
    layout = Layout(job.root)
    raw = layout.executed(job.profile) / "raw" / f"{job.script.stem}.ipynb"
    raw.parent.mkdir(parents=True, exist_ok=True)
    _forget(job)
    before = pace.measured()
    started, used = time.monotonic(), _cpu_seconds()
    try:
        papermill.execute_notebook(
            str(layout.converted / f"{job.script.stem}.ipynb"),
            str(raw),
            parameters=job.given,
            progress_bar=False,
            cwd=str(job.root),
            execution_timeout=_cell_limit(job),
            # a kernel that is told to end while it still tidies up calls that an error
            extra_arguments=["--IPKernelApp.log_level=50"],
        )
    except PapermillExecutionError as error:
        seconds = time.monotonic() - started
        return Outcome(job.script.stem, seconds, error=_explain(error, raw))
    except Exception as error:
        # a kernel that dies or never starts is not a fault of the cell: say which chapter it was
        seconds = time.monotonic() - started
        return Outcome(job.script.stem, seconds, error=f"{type(error).__name__}: {error}")
    seconds = time.monotonic() - started
    used = _cpu_seconds() - used
    slowness = pace.slowness(before, pace.measured())
    facts = finish.facts(job.script, job.given, seconds, job.mark, used, slowness)
    cells.write(finish.finished(cells.read(raw), facts), job.finished)
    return Outcome(job.script.stem, seconds)


def _forget(job: Job) -> None:
    """Remove the page of an earlier run and its media, of which this one may write fewer."""
    job.finished.unlink(missing_ok=True)
    made = profiles.resolve(job.script.stem, **job.given).media_dir
    shutil.rmtree(made, ignore_errors=True)


def _cell_limit(job: Job) -> int:
    """Return for how long a cell may run: one may need all that the chapter promises."""
    return round(max(CELL_LIMIT_SECONDS, 2 * profiles.budget(job.script.stem, job.profile)))


def _outcome(chapter: str, future: Future[Outcome]) -> Outcome:
    """Return what became of a chapter, also where its process died or could not finish the page."""
    error = future.exception()
    if error is None:
        return future.result()
    return Outcome(chapter, 0.0, error=f"{type(error).__name__}: {error}")


def _cpu_seconds() -> float:
    """Return the processor time of all kernels that this process has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _explain(error: Any, raw: Path) -> str:
    """Return the failing cell and the error, without the escape codes of a coloured traceback."""
    lines = (error.source or "").strip().splitlines()
    head = lines[0] if lines else "?"
    return f"cell {error.exec_count} ('{head} …'): {error.ename}: {error.evalue} (see {raw})"


def report(outcomes: Iterator[Outcome]) -> None:
    """Print each outcome as it comes and stop at the end if any chapter failed.

    Raises:
        BookError: a chapter failed.
    """
    failed = []
    for outcome in outcomes:
        if outcome.error:
            failed.append(f"{outcome.chapter}: {outcome.error}")
        state = "failed" if outcome.error else "up to date" if outcome.skipped else "run"
        print(f"{outcome.chapter}: {state} ({outcome.seconds:.0f} s)", flush=True)
    cells.report("run", failed)
