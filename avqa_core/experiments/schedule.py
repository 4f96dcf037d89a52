"""What is left to be done: which runs are finished, which go on from where, and how long it takes.

A run lives in ``OUT/<name>-seed<n>-<hash>``. The hash covers the whole experiment, its data and its
parent, so that a changed experiment is another run and never overwrites the old one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

from avqa_core.experiments import budgets
from avqa_core.experiments.experiment import Experiment, Job, Outcome
from avqa_core.experiments.results import StoredRun
from avqa_core.experiments.worlds import Worlds
from avqa_core.training import runs

Key = tuple[str, int]


@dataclass(frozen=True)
class Cost:
    """Seconds of one experiment on one thread."""

    step: float
    evaluation: float


@dataclass(frozen=True)
class Planned:
    """One run and where it stands.

    Attributes:
        experiment: what is run.
        folder: where.
        job: what the worker needs; None while the world is not built yet.
        outcome: what it gave, None if it is not finished.
        done_steps: steps up to its last resume point.
        is_stale: whether it was made, so far, by source that has changed since.
        is_stored: whether the stored results have it, so that nobody has to make it here.
    """

    experiment: Experiment
    folder: Path
    job: Job | None
    outcome: Outcome | None
    done_steps: int
    is_stale: bool
    is_stored: bool = False

    @property
    def parent(self) -> Key | None:
        """The key of the run it starts from."""
        name = self.experiment.parent
        return None if name is None else (name, self.experiment.seed)

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.is_stored or (self.outcome is not None and not self.is_stale)

    @property
    def state(self) -> str:
        """Where it stands, in words."""
        if self.is_stored:
            return "stored"
        if self.is_stale:
            return "made by other source: starts again"
        if self.outcome is not None:
            return "finished"
        return f"goes on at step {self.done_steps}" if self.done_steps else "new"

    def seconds_left(self, costs: Mapping[str, Cost]) -> float:
        """Return about how long it still takes."""
        if self.is_finished:
            return 0.0
        cost = costs.get(self.experiment.name) or guessed(self.experiment)
        done = 0 if self.is_stale else self.done_steps
        left = cost.step * (self.experiment.num_steps - done)
        return budgets.SECONDS_TO_START + left + cost.evaluation

    def open(self) -> None:
        """Make the folder ready for a worker; what other source made in it is removed."""
        if self.is_stale and self.folder.exists():
            # Moved first: a folder half of which is removed would look like a run to go on with.
            gone = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.stale")
            self.folder.rename(gone)
            shutil.rmtree(gone)
        self.write_job()

    def write_job(self) -> None:
        """Put into the folder what a worker needs to begin, or to go on with what is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        assert self.job is not None
        self.job.write(self.folder)


def planned(
    experiments: Sequence[Experiment], out: Path, worlds: Worlds, *, keep_stale: bool = False
) -> list[Planned]:
    """Return where every run stands; parents have to come before their children.

    Args:
        experiments: what is to be run.
        out: folder of all run folders.
        worlds: where the data is.
        keep_stale: count what other source made as if this source had made it.
    """
    found: dict[Key, Planned] = {}
    for experiment in experiments:
        world = worlds.find(experiment.world)
        parent = found.get((experiment.parent, experiment.seed)) if experiment.parent else None
        data, data_hash = world if world is not None else (Path(), "")
        identity = experiment.identity(data_hash, _identity_of(parent))
        folder = out / f"{experiment.name.replace('/', '-')}-seed{experiment.seed}-{identity[:8]}"
        job = Job(
            experiment=experiment,
            identity=identity,
            data=str(data),
            data_hash=data_hash,
            parent_run=None if parent is None else str(parent.folder),
        )
        outcome = Outcome.find(folder)
        is_stale = not keep_stale and _is_stale(folder, outcome)
        # A child of a run that starts again has to start again too.
        is_stale = is_stale or (folder.exists() and parent is not None and parent.is_stale)
        if outcome is not None and not set(experiment.scenarios) <= set(outcome.correct):
            outcome = None  # trained, but not answered in all that is wanted now
        found[experiment.key] = Planned(
            experiment=experiment,
            folder=folder,
            job=job if world is not None else None,
            outcome=outcome,
            done_steps=_done_steps(folder),
            is_stale=is_stale,
        )
    return list(found.values())


def without_stored(
    runs_of: Sequence[Planned],
    stored: Container[Key],
    networks: Mapping[Key, Path] = MappingProxyType({}),
) -> list[Planned]:
    """Return the runs again, those that are stored already marked as such.

    One whose weights an unfinished run starts from is marked only if they are kept too; the run
    then starts from those.

    Args:
        runs_of: all runs, parents before their children.
        stored: keys of the runs that are stored and fresh.
        networks: the run folders of stored runs whose weights are kept.
    """
    starts: set[Key] = set()
    marked: dict[Key, Planned] = {}
    for one in reversed(runs_of):
        key = one.experiment.key
        if not one.is_finished and key in stored and (key not in starts or key in networks):
            one = replace(one, is_stored=True)
        elif not one.is_finished and one.parent is not None:
            starts.add(one.parent)
        marked[key] = one
    return [_from_kept(one, marked, networks) for one in reversed(marked.values())]


def costs(known: Iterable[tuple[str, Outcome | StoredRun]]) -> dict[str, Cost]:
    """Return what finished runs took, by the name of their experiment."""
    by_name: dict[str, list[Outcome | StoredRun]] = {}
    for name, outcome in known:
        by_name.setdefault(name, []).append(outcome)
    return {
        name: Cost(
            fmean(one.seconds / max(1, one.steps) for one in of),
            fmean(one.evaluation_seconds for one in of),
        )
        for name, of in by_name.items()
    }


def guessed(experiment: Experiment) -> Cost:
    """Return a guess from what has to be computed, for an experiment that never ran."""
    regime = experiment.objective.regime
    passes = {"plain": 1, "plug_in": 2}.get(regime, 3)
    diffusion = getattr(experiment.model.enhancer, "diffusion", None)
    chain = 0.0
    if diffusion is not None and regime in ("plug_in", "joint"):
        chain = 2 * budgets.SECONDS_PER_SAMPLER_STEP * (len(diffusion.path) - 1)
        if type(experiment.model.enhancer.denoiser).__name__ == "UNetConfig":  # type: ignore[attr-defined]
            chain *= budgets.UNET_TO_LIGHT
    evaluation = budgets.SECONDS_PER_EVALUATION * len(experiment.scenarios) / 4
    rows = 0 if experiment.training is None else experiment.training.batch_size
    return Cost((passes * budgets.SECONDS_PER_PASS + chain) * rows / 32, evaluation)


def _from_kept(
    one: Planned, runs_of: Mapping[Key, Planned], networks: Mapping[Key, Path]
) -> Planned:
    """Let an unfinished run whose parent is only stored start from the weights that are kept."""
    if one.is_finished or one.job is None or one.parent is None:
        return one
    if not runs_of[one.parent].is_stored:
        return one
    return replace(one, job=replace(one.job, parent_run=str(networks[one.parent])))


def _identity_of(run: Planned | None) -> str | None:
    return None if run is None or run.job is None else run.job.identity


def _is_stale(folder: Path, outcome: Outcome | None) -> bool:
    """Tell whether something is there that other source made, finished or not."""
    if outcome is not None:
        return not runs.is_fresh(outcome.provenance)
    try:
        return not runs.is_fresh(json.loads((folder / "run.json").read_text()))
    except OSError:
        return False  # nothing was begun
    except (ValueError, KeyError):
        return True


def _done_steps(folder: Path) -> int:
    """Return the step of the last resume point, 0 if there is none."""
    try:
        name = (folder / "checkpoints" / "last").read_text().strip()
        return int(name.split("-")[1])
    except (OSError, ValueError, IndexError):
        return 0
