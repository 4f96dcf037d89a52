"""``avqa results`` as a library: say what is to be done, do it, write the stored results."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from avqa_core.data.folder import DataFolder
from avqa_core.errors import ConfigError
from avqa_core.experiments import (
    beginnings,
    budgets,
    networks,
    planning,
    processes,
    replay,
    results,
    schedule,
)
from avqa_core.experiments.beginnings import Beginning, Beginnings
from avqa_core.experiments.collecting import Vouched, collect, stored_keys, vouch_stored
from avqa_core.experiments.experiment import DEFAULT_WORLD, Experiment, Job
from avqa_core.experiments.processes import RunEnded, RunStarted
from avqa_core.experiments.schedule import Cost, Planned
from avqa_core.experiments.worlds import Watch, Worlds, identity_of
from avqa_core.training import runs
from avqa_core.training.runs import RunFolder


@dataclass(frozen=True)
class Replayed:
    """A run was repeated in part; without differences its experiment counts as made now."""

    run: Planned
    differences: tuple[str, ...]
    num_done: int
    num_runs: int


@dataclass(frozen=True)
class Begun:
    """One experiment was begun from random weights."""

    run: Planned
    beginning: Beginning
    num_done: int
    num_runs: int


class Making:
    """One call of ``avqa results``.

    Args:
        profile: whose plan.
        out: where run folders lie; they go to a folder of the profile in it.
        worlds: folder of all built worlds.
        only: groups and experiments to run; all but the extra groups if empty.
        num_seeds: how many; those of the profile if None.
        num_jobs: runs at once.
        data: folder of the default world; the profile's Bandstand if None.
        keep_stale: count what was made by other source.
        keep_stored: count what ``store`` has already, unless a run that it lacks starts from it
            and its network is not kept; what it has stays in it either way.
        store: the file to write; ``book/results/<profile>.json`` if None.
        watch: hands on the progress events of a world that has to be built.
        plan: runs of another plan than the book's, parents before their children.
    """

    def __init__(
        self,
        profile: str,
        out: Path,
        worlds: Path,
        *,
        only: Sequence[str] = (),
        num_seeds: int | None = None,
        num_jobs: int = 2,
        data: Path | None = None,
        keep_stale: bool = False,
        keep_stored: bool = False,
        store: Path | None = None,
        watch: Watch = iter,
        plan: Sequence[Experiment] | None = None,
    ) -> None:
        seeds = None if num_seeds is None else range(num_seeds)
        self.profile, self.num_jobs = profile, num_jobs
        self.keep_stale, self.keep_stored = keep_stale, keep_stored
        if num_jobs < 1:
            raise ConfigError(
                f"--jobs: expected at least 1, got {num_jobs}: name a number of cores"
            )
        self.plan = planning.plan(profile, seeds) if plan is None else list(plan)
        self.experiments = planning.chosen(self.plan, only)
        self.out = out / profile
        self.store = store or results.default_path(profile)
        self._is_of_book = plan is None
        if data is not None and store is None and plan is None:
            self._check_world(data)
        self._worlds = [
            Worlds(profile, worlds, data, builds=builds, watch=watch) for builds in (False, True)
        ]

    def describe(self) -> Iterator[str]:
        """Yield what is to be done, how long it takes and from where it goes on."""
        planned = self._planned(builds=False)
        known = self._costs(planned)
        left = [one for one in planned if not one.is_finished]
        seconds = sum(one.seconds_left(known) for one in left)
        what = "results" if self._is_of_book else "grid"
        yield (
            f"{what}, profile {self.profile}: {len(planned)} runs, {len(planned) - len(left)} of "
            f"them finished, {len(left)} to do; about {_duration(seconds / self.num_jobs)} with "
            f"{self.num_jobs} at once"
        )
        for world in sorted({one.experiment.world for one in planned if one.job is None}):
            yield f"  the world {world!r} is built first (about a minute for each thousand clips)"
        for group in planning.groups(self.experiments):
            of_group = [one for one in planned if one.experiment.group == group]
            states = Counter(one.state for one in of_group)
            told = ", ".join(f"{count} {state}" for state, count in states.items())
            rest = sum(one.seconds_left(known) for one in of_group) / self.num_jobs
            yield f"  {group:<12} {len(of_group):>3} runs: {told}; about {_duration(rest)}"
        yield f"  run folders in {self.out}; results go to {self.store}"

    def listed(self) -> Iterator[str]:
        """Yield one line a run: where it stands, and the command that runs it alone.

        What such a command needs is put into its folder.
        """
        planned = self._planned(builds=False)
        known = self._costs(planned)
        for one in planned:
            line = f"  {one.experiment.name + f' seed {one.experiment.seed}':<44} {one.state}"
            if one.is_finished:
                yield line
                continue
            line += f", {_duration(one.seconds_left(known))} left"
            if one.job is None:
                yield f"{line}, once its world is built"
            elif one.is_stale:
                yield line  # a worker alone would go on with what other source has made
            else:
                one.write_job()
                yield f"{line}: {processes.command(one)}"
        if any(one.job is None and not one.is_finished for one in planned):
            yield (
                "  commands are told once the worlds are built; without --list they are built "
                "first, and what was begun can be stopped and goes on"
            )

    def alone(self) -> AbstractContextManager[None]:
        """Keep every other call for the same folder out for the length of the block.

        Raises:
            CheckpointError: another call is at work there.
        """
        return RunFolder(self.out).locked()

    def run_here(self) -> Iterator[RunEnded]:
        """Run what is not finished in this process; see ``processes.run_here``."""
        return processes.run_here(self._planned(builds=True))

    def run(self) -> Iterator[RunStarted | RunEnded]:
        """Run what is not finished.

        Raises:
            ConfigError: at the end, if runs failed; the others are done.
        """
        planned = self._planned(builds=True)
        failures: list[str] = []
        for event in processes.run_all(planned, self.num_jobs):
            if isinstance(event, RunEnded) and event.outcome is None:
                run = event.run.experiment
                failures.append(f"{run.name} with seed {run.seed} ({event.reason})")
            yield event
        if failures:
            raise ConfigError(
                f"expected {len(planned)} runs to end well, {len(failures)} failed, the first: "
                f"{failures[0]}; the same command tries them again"
            )

    def replay(self) -> Iterator[Replayed]:
        """Repeat, in part, what other source made; what agrees counts as made by this source.

        Of each experiment one seed is repeated, and speaks for the others: they run the same code.
        It speaks for stored runs without a folder here as well, if the same source made them.
        """
        stale: dict[str, list[Planned]] = {}
        vouched: dict[str, Vouched] = {}
        for one in self._planned(builds=False):
            if one.outcome is not None and not runs.is_fresh(one.outcome.provenance):
                stale.setdefault(one.experiment.name, []).append(one)
        context = multiprocessing.get_context("forkserver")
        # A process for each: what a run imports is part of what it was made from.
        with (
            self._vouching(vouched),
            ProcessPoolExecutor(self.num_jobs, context, max_tasks_per_child=1) as pool,
        ):
            first = {name: of[0] for name, of in stale.items()}
            found = pool.map(replay.differences, [one.folder for one in first.values()])
            for number, (one, (differences, source)) in enumerate(
                zip(first.values(), found, strict=True), start=1
            ):
                name = one.experiment.name
                if not differences and one.outcome is not None:
                    told = replay.vouched(source, one.experiment.seed, one.experiment.num_steps)
                    made_by = frozenset([one.outcome.provenance["source_hash"]])
                    vouched[name] = Vouched(made_by, told)
                    for same in stale[name]:
                        replay.vouch(same.folder, told)
                yield Replayed(one, tuple(differences), number, len(first))

    @contextmanager
    def _vouching(self, vouched: Mapping[str, Vouched]) -> Iterator[None]:
        """Write down at the end, however it comes, for what stored runs somebody vouched.

        Once: to know the runs of a file again takes a look at every world.
        """
        try:
            yield
        finally:
            if vouched:
                whole = self._planned_of(self._whole_plan(), builds=False)
                vouch_stored(whole, self.profile, self.store, vouched)

    def begin(self) -> Iterator[Begun]:
        """Take the first steps of one seed of every experiment, from random weights; write nothing.

        All read the default world, which is built if it is not there: a world is what a run reads
        and not how it computes.
        """
        world = self._worlds[True].find(DEFAULT_WORLD)
        assert world is not None  # it was built
        data, data_hash = world
        first: dict[str, Planned] = {}
        for one in self._planned_of(self.experiments, builds=False):
            first.setdefault(one.experiment.name, one)
        models = {one.name: one.model for one in self.plan}
        jobs = [
            Job(experiment=one.experiment, identity="begun", data=str(data), data_hash=data_hash)
            for one in first.values()
        ]
        parents = [
            None if one.experiment.parent is None else models[one.experiment.parent]
            for one in first.values()
        ]
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(self.num_jobs, context, max_tasks_per_child=1) as pool:
            found = pool.map(beginnings.begin, jobs, parents)
            for number, (one, begun) in enumerate(zip(first.values(), found, strict=True), start=1):
                yield Begun(one, begun, number, len(first))

    def sources(self) -> frozenset[str]:
        """Return the hashes of this source that stored runs have."""
        stored = results.stored(self.profile, self.store, missing_ok=True)
        return frozenset(one["source_hash"] for one in stored.provenance if runs.is_fresh(one))

    def replay_beginnings(self, before: Beginnings) -> Iterator[Replayed]:
        """Begin every experiment as other source did; where all agrees, its runs count as ours.

        Args:
            before: what the other source computed on this machine.
        """
        vouched: dict[str, Vouched] = {}
        here = self._planned_of(self._whole_plan(), builds=False)
        with self._vouching(vouched):
            for one in self.begin():
                name, ours = one.run.experiment.name, one.beginning
                if name not in before.found:
                    differences = ["not among the beginnings of the other source"]
                else:
                    differences = ours.differs_from(before.found[name])
                if not differences:
                    told = replay.vouched(ours.source, ours.seed, len(ours.losses), "random")
                    made_by = before.sources | {before.found[name].source_hash}
                    vouched[name] = Vouched(made_by, told)
                    for same in (run for run in here if run.experiment.name == name):
                        if _is_made_by(same, made_by):
                            replay.vouch(same.folder, told)
                yield Replayed(one.run, tuple(differences), one.num_done, one.num_runs)

    def collect(self) -> int:
        """Write all that is finished, of every group, and return the number of runs.

        Worth calling after failures and interruptions too: what is there is stored.
        """
        planned = self._planned_of(self._whole_plan(), builds=False)
        keep = stored_keys(planned, self.profile, self.store) if self.keep_stored else ()
        num_runs = collect(planned, self.profile, self.store, keep)
        if self._is_of_book:
            networks.keep(planned, self.profile, self.store)
        return num_runs

    def _whole_plan(self) -> Sequence[Experiment]:
        """Return the plan with every seed that is stored, however few this call is for."""
        if not self._is_of_book:
            return self.plan
        stored = results.stored(self.profile, self.store, missing_ok=True)
        known = {seed for name in stored.names() for seed in stored.seeds(name)}
        wanted = {one.seed for one in self.plan} | set(range(budgets.BUDGETS[self.profile].seeds))
        return planning.plan(self.profile, sorted(known | wanted))

    def _check_world(self, data: Path) -> None:
        """Refuse to put runs in another world in the place of the book's."""
        stored = results.stored(self.profile, self.store, missing_ok=True)
        of_book = stored.world_identity(DEFAULT_WORLD)
        if of_book is not None and of_book != identity_of(DataFolder(data).path):
            raise ConfigError(
                f"--data: expected --store FILE beside it, got none: the results in {self.store} "
                f"are of another world than {data}, and would be lost"
            )

    def _planned(self, *, builds: bool) -> list[Planned]:
        planned = self._planned_of(self.experiments, builds=builds)
        if not self.keep_stored:
            return planned
        stored = stored_keys(planned, self.profile, self.store)
        kept = networks.kept(planned, self.profile, self.store)
        return schedule.without_stored(planned, stored, kept)

    def _planned_of(self, experiments: Sequence[Experiment], *, builds: bool) -> list[Planned]:
        worlds = self._worlds[builds]
        return schedule.planned(experiments, self.out, worlds, keep_stale=self.keep_stale)

    def _costs(self, planned: Sequence[Planned]) -> dict[str, Cost]:
        """Return what experiments took here, or else on the machine of the stored results."""
        here = [(one.experiment.name, one.outcome) for one in planned if one.outcome is not None]
        stored = results.stored(self.profile, self.store, missing_ok=True)
        elsewhere = [
            (name, stored.run(name, seed)) for name in stored.names() for seed in stored.seeds(name)
        ]
        return schedule.costs(elsewhere) | schedule.costs(here)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _is_made_by(one: Planned, sources: frozenset[str]) -> bool:
    return one.outcome is not None and one.outcome.provenance["source_hash"] in sources
