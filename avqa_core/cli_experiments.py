"""The commands that run many experiments, and the one that compares two of their reports.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from avqa_core.experiments.making import Making

Several = tuple[str, ...]
# as in avqa_core.profiles, which would count as the source of every run that a command starts
Profile = Literal["smoke", "book", "full"]


def results(
    profile: Profile = "book",
    out: Path = Path("build/results"),
    only: Several = (),
    jobs: int = 2,
    seeds: int | None = None,
    list: bool = False,
    data: Path | None = None,
    keep_stale: bool = False,
    keep_stored: bool = False,
    replay: bool = False,
    beginnings: Path | None = None,
    store: Path | None = None,
) -> int:
    """Run the experiments of the book and write the numbers that its pages read.

    Says first how many runs there are, how long they take and where they go on. Each run is a
    process of one thread; finished ones are skipped, killed ones go on from their resume point.

    Args:
        profile: smoke (seconds), book (two CPU cores) or full (a GPU).
        out: folder of all runs.
        only: groups and experiments to run, e.g. table4 plug_in/rmm; all but the groups unet,
            coupling, table1, table3 and field if not given, and "all" for these too.
        jobs: runs at once.
        seeds: how many; those of the profile if not given.
        list: only tell where every run stands, and the command that runs it alone.
        data: data folder; the built-in world of the profile if not given.
        keep_stale: count runs that were made by other source instead of running them again.
        keep_stored: count runs that the stored results have already and this source made; what a
            missing run starts from is taken from the networks kept beside them, or trained again.
        replay: run nothing; of what other source made repeat the first steps and the test, and
            count what agrees bit for bit as made by this source.
        beginnings: run nothing; write into this file what this source computes in the first steps
            of every experiment, from random weights. With --replay: compare with such a file of
            another checkout, and count what agrees, with or without its run folder.
        store: JSON file of the results; book/results/PROFILE.json if not given.
    """
    from avqa_core.experiments.making import Making
    from avqa_core.places import require_file_place
    from avqa_core.profiles import checkout

    worlds = checkout() / "build" / "world"
    making = Making(
        profile,
        out,
        worlds,
        only=only,
        num_seeds=seeds,
        num_jobs=jobs,
        data=usable_data(data, worlds),
        keep_stale=keep_stale,
        keep_stored=keep_stored,
        store=store,
    )
    if replay:
        return _replay(making, beginnings)
    if beginnings is not None:
        require_file_place(beginnings, "--beginnings", "beginnings.json")
        return _begin(making, beginnings)
    _make(making, list_only=list)
    return 0


def grid(
    backbones: Several = ("avst",),
    completers: Several = ("zeros", "slot_mean", "rmm"),
    enhancers: Several = ("identity",),
    regimes: Several = ("plug_in",),
    scenarios: Several = ("all",),
    seeds: tuple[int, ...] = (0, 1, 2),
    profile: Profile = "book",
    out: Path = Path("build/grid"),
    jobs: int = 2,
    list: bool = False,
    data: Path | None = None,
    keep_stale: bool = False,
) -> int:
    """Train and test any backbone with any completer, any enhancer and any regime.

    Every row starts from its backbone trained on complete clips. Says first how many runs there
    are and how long they take; finished ones are skipped, killed ones go on from their resume
    point. Ends with one table, on the screen and as table.csv beside the runs.

    Args:
        backbones: registered ones, or recommended. Any part may set fields, and is then a row of
            its own: rmm:num_slots=25,addressing=renormalised or avr_diffusion:denoiser=unet.
        completers: what stands in for an absent half.
        enhancers: what refines the pair; AVR diffusion takes its light denoiser.
        regimes: of plain, joint, modality_dropout and plug_in.
        scenarios: all four with whole modalities, or any list, e.g. "mixed(0.3,0)"; named as for
            'avqa evaluate'.
        seeds: one run of each row for each of them.
        profile: smoke (seconds), book (two CPU cores) or full (a GPU): sizes and steps.
        out: folder of all runs.
        jobs: runs at once.
        list: only tell where every run stands, and the command that runs it alone.
        data: data folder; the built-in world of the profile if not given.
        keep_stale: count runs that were made by other source instead of running them again.
    """
    from avqa_core.experiments import grid as grids
    from avqa_core.experiments import results as stored_results
    from avqa_core.experiments import table
    from avqa_core.experiments.making import Making
    from avqa_core.profiles import checkout

    plan = grids.plan(
        profile,
        backbone_names=backbones,
        completer_names=completers,
        enhancer_names=enhancers,
        regimes=regimes,
        seeds=seeds,
        scenarios=scenarios,
    )
    folder, worlds = out / profile, checkout() / "build" / "world"
    making = Making(
        profile,
        out,
        worlds,
        num_jobs=jobs,
        data=usable_data(data, worlds),
        keep_stale=keep_stale,
        store=folder / "grid.json",
        plan=plan,
    )

    def tell() -> None:
        stored = stored_results.stored(profile, making.store)
        table.write_csv(stored, folder / "table.csv")
        print(f"accuracy in %, mean over seeds ± 95 % interval\n{table.text(stored)}", end="")
        print(f"the same with counts: {folder / 'table.csv'}")

    _make(making, list_only=list, then=tell)
    return 0


def compare(
    ours: Annotated[Path, tyro.conf.Positional],
    theirs: Annotated[Path, tyro.conf.Positional],
    seed: int = 0,
) -> int:
    """Compare two reports about the same questions: gain, its interval over clips, McNemar's test.

    Both come from 'avqa evaluate --keep-answers'. The interval redraws whole clips; it tells how
    far the gain depends on these clips, not on the seeds that the two were trained with.

    Args:
        ours: report.json of one model.
        theirs: report.json of the other.
        seed: of the redraws.
    """
    import numpy as np

    from avqa_core import comparison
    from avqa_core.config import require
    from avqa_core.report import Report

    require(seed >= 0, f"--seed: expected at least 0, got {seed}")
    reports = (Report.load(ours), Report.load(theirs))
    rows = comparison.compared(*reports, generator=np.random.default_rng(seed))
    print(comparison.table(rows), end="")
    return 0


def usable_data(data: Path | None, worlds: Path) -> Path | None:
    """Return the data folder to work with, looked through; say which questions do not count.

    Args:
        data: what was asked for; None stands for a built-in world, which needs no look.
        worlds: folder of all built worlds, which takes one with fewer questions too.

    Raises:
        AvqaError: questions or features are missing, unfinished or damaged.
    """
    from avqa_core.experiments import subsets

    if data is None:
        return None
    return subsets.usable(data, worlds, lambda line: sys.stderr.write(f"{line}\n"))


def _begin(making: Making, path: Path) -> int:
    """Write what this source computes at the beginning of every experiment."""
    from avqa_core.experiments import beginnings
    from avqa_core.progress import Stage, shown_stages

    with making.alone():
        found = {
            one.beginning.experiment: one.beginning
            for one in shown_stages(
                making.begin(), lambda one: Stage("begin", one.num_done, one.num_runs, "run")
            )
        }
    beginnings.write(path, beginnings.Beginnings(found, making.sources()))
    print(f"{len(found)} beginnings in {path}")
    return 0


def _replay(making: Making, path: Path | None) -> int:
    """Repeat in part what other source made, say what differs, and store the rest."""
    from avqa_core.experiments import beginnings
    from avqa_core.progress import Stage, shown_stages

    differ = 0
    before = None if path is None else beginnings.read(path)
    with making.alone():
        events = making.replay() if before is None else making.replay_beginnings(before)
        for event in shown_stages(
            events, lambda one: Stage("replay", one.num_done, one.num_runs, "run")
        ):
            name = event.run.experiment.name
            differ += bool(event.differences)
            print(f"{name}: {'; '.join(event.differences) or 'the same'}")
        print(f"{making.collect()} runs in {making.store}")
    return 1 if differ else 0


def _make(making: Making, *, list_only: bool, then: Callable[[], None] = lambda: None) -> None:
    """Say what is to be done; do it with a progress bar, unless it is only to be listed.

    Args:
        making: the runs.
        list_only: do nothing.
        then: called once the runs are collected, also after a stop or a run that failed: what the
            others gave is there.
    """
    from avqa_core.experiments.processes import RunEnded, RunStarted
    from avqa_core.progress import Stage, shown_stages

    ended = Stage("runs", 0, 0, "run")

    def place(event: object) -> Stage | None:
        nonlocal ended
        if isinstance(event, RunEnded):
            ended = Stage("runs", event.num_ended, event.num_runs, "run", event.run.experiment.name)
            return ended
        if isinstance(event, RunStarted) and ended.total:
            return ended._replace(note=event.run.experiment.name)
        return None

    for line in making.describe():
        print(line, flush=True)
    if list_only:
        for line in making.listed():
            print(line)
        return
    with making.alone():
        try:
            for event in shown_stages(making.run(), place):
                if isinstance(event, RunEnded) and event.outcome is None:
                    sys.stderr.write(f"failed: {event.run.experiment.name}: {event.reason}\n")
        finally:
            print(f"{making.collect()} runs in {making.store}")
            then()
