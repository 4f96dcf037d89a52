"""Reading stored results: accuracies over seeds, paired differences, floors and ceilings."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avqa_core.data.annotations import ALL_CATEGORIES
from avqa_core.errors import ConfigError
from avqa_core.metrics import Interval, Tally, overall, seed_interval
from avqa_core.report import Report, ReportRow
from avqa_core.types import QuestionCategory

FORMAT = 1
_CATEGORIES = {str(category): category for category in ALL_CATEGORIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """One run: its cost, its size and its counts by scenario and ``str(category)``."""

    experiment: str
    seed: int
    world: str
    trained_parameters: int
    total_parameters: int
    steps: int
    seconds: float
    evaluation_seconds: float
    losses: Mapping[str, float]
    provenance: Mapping[str, Any]
    counts: Mapping[str, Mapping[str, Tally]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow(ReportRow):
    """One category of one scenario of one run."""

    experiment: str
    seed: int


class Stored:
    """The stored results of one profile.

    Wherever ``categories`` is asked for, it takes names of groups (``"Audio"``) and of categories
    (``"Audio-Visual Temporal"``); None means all questions.

    Attributes:
        profile: whose plan was run.
        content: the file as it is.
        date: of the last run of ``avqa results``.
        provenance: what made the runs.
        experiments: their descriptions by name.
    """

    def __init__(self, profile: str, content: Mapping[str, Any] | None = None) -> None:
        content = content or {}
        self.profile, self.content = profile, content
        self.date: str = content.get("date", "")
        self.provenance: Sequence[Mapping[str, Any]] = content.get("provenance", ())
        self.experiments: Mapping[str, Mapping[str, Any]] = content.get("experiments", {})
        self._worlds: Mapping[str, Any] = content.get("worlds", {})
        self._runs: dict[tuple[str, int], StoredRun] = {}
        for run in content.get("runs", ()):
            one = _run(run, self.provenance)
            self._runs[one.experiment, one.seed] = one

    def __len__(self) -> int:
        return len(self._runs)

    def names(self, group: str | None = None) -> list[str]:
        """Return the experiments, of one ``group`` or all, in the order of the plan."""
        return [
            name for name, one in self.experiments.items() if group is None or one["group"] == group
        ]

    def has(self, *names: str) -> bool:
        """Tell whether every one of the experiments is there."""
        return all(name in self.experiments for name in names)

    def has_category(self, name: str, category: str) -> bool:
        """Tell whether an experiment was asked questions of a category."""
        counts = next(iter(self._any_run(name).counts.values()))
        return category in counts

    def world_identity(self, name: str) -> str | None:
        """Return what a world was made from, None if no run in it is stored."""
        world = self._worlds.get(name)
        return None if world is None else str(world["identity"])

    def about(self, name: str) -> str:
        """Return an experiment in words."""
        return str(self._experiment(name)["about"])

    def seeds(self, name: str) -> list[int]:
        """Return the seeds an experiment was run with."""
        self._experiment(name)
        return sorted(seed for experiment, seed in self._runs if experiment == name)

    def shared_seeds(self, *names: str) -> list[int]:
        """Return the seeds that all of some experiments were run with."""
        return sorted(set.intersection(*(set(self.seeds(name)) for name in names)))

    def run(self, name: str, seed: int) -> StoredRun:
        """Return one run.

        Raises:
            ConfigError: it is not among the results.
        """
        if (name, seed) not in self._runs:
            raise ConfigError(
                f"expected stored results of {name} with seed {seed}, got none: run "
                f"'avqa results --profile {self.profile} --only {name.split('/')[0]}'"
            )
        return self._runs[name, seed]

    def rows(self, name: str | None = None) -> Iterator[StoredRow]:
        """Yield every count, of one experiment or all."""
        for run in self._runs.values():
            if name not in (None, run.experiment):
                continue
            for scenario, counts in run.counts.items():
                for category, tally in counts.items():
                    kind = _CATEGORIES[category]
                    yield StoredRow(
                        experiment=run.experiment,
                        seed=run.seed,
                        scenario=scenario,
                        group=kind.group,
                        kind=kind.kind,
                        correct=tally.correct,
                        total=tally.total,
                        floor=self._worlds[run.world]["floors"].get(category),
                        ceiling=self._ceilings(run.world, scenario).get(category),
                    )

    def report(self, name: str, seed: int) -> Report:
        """Return one run as the report that every figure takes."""
        run = self.run(name, seed)
        rows = tuple(
            ReportRow(
                scenario=row.scenario,
                group=row.group,
                kind=row.kind,
                correct=row.correct,
                total=row.total,
                floor=row.floor,
                ceiling=row.ceiling,
            )
            for row in self.rows(name)
            if row.seed == seed
        )
        return Report(split="test", seed=seed, rows=rows, provenance=run.provenance)

    def reports(self, name: str) -> list[Report]:
        """Return one report a seed."""
        return [self.report(name, seed) for seed in self.seeds(name)]

    def tally(
        self, name: str, seed: int, scenario: str, categories: Collection[str] | None = None
    ) -> Tally:
        """Return how many of how many questions one run answered right."""
        counts = self.run(name, seed).counts
        if scenario not in counts:
            raise ConfigError(
                f"expected {name} to be tested in {', '.join(counts)}, got {scenario!r}: ask for "
                "one of these"
            )
        return overall(
            tally for name, tally in counts[scenario].items() if _is_wanted(name, categories)
        )

    def accuracies(
        self, name: str, scenario: str, categories: Collection[str] | None = None
    ) -> dict[int, float]:
        """Return the fraction of right answers by seed."""
        return {
            seed: self.tally(name, seed, scenario, categories).accuracy for seed in self.seeds(name)
        }

    def accuracy(
        self, name: str, scenario: str, categories: Collection[str] | None = None
    ) -> Interval:
        """Return the mean over seeds with its 95 % interval."""
        return seed_interval(list(self.accuracies(name, scenario, categories).values()))

    def floor(self, name: str, categories: Collection[str] | None = None) -> float | None:
        """Return what the question alone gives in the world of an experiment."""
        run = self._any_run(name)
        return _weighted(self._worlds[run.world]["floors"], run, categories)

    def ceiling(
        self, name: str, scenario: str, categories: Collection[str] | None = None
    ) -> float | None:
        """Return what a perfect observer could reach in the world of an experiment."""
        run = self._any_run(name)
        return _weighted(self._ceilings(run.world, scenario), run, categories)

    def num_clips(self, name: str, split: str = "train") -> int | None:
        """Return how many clips of a split the world of an experiment has, None if not told."""
        clips = self._worlds[self._any_run(name).world].get("clips", {})
        return None if split not in clips else int(clips[split])

    def cost(self, name: str) -> dict[str, int | float]:
        """Return parameters, steps and mean seconds of an experiment."""
        of = [self.run(name, seed) for seed in self.seeds(name)]
        return {
            "trained_parameters": of[0].trained_parameters,
            "total_parameters": of[0].total_parameters,
            "steps": of[0].steps,
            "seconds": sum(one.seconds for one in of) / len(of),
        }

    def total_seconds(self) -> float:
        """Return what all runs took, training and testing, one after the other."""
        return sum(run.seconds + run.evaluation_seconds for run in self._runs.values())

    def _experiment(self, name: str) -> Mapping[str, Any]:
        if name not in self.experiments:
            raise ConfigError(
                f"expected an experiment out of {', '.join(self.experiments) or 'none'}, got "
                f"{name!r}: run 'avqa results --profile {self.profile}'"
            )
        return self.experiments[name]

    def _any_run(self, name: str) -> StoredRun:
        return self.run(name, self.seeds(name)[0])

    def _ceilings(self, world: str, scenario: str) -> Mapping[str, float]:
        return self._worlds[world]["ceilings"].get(scenario, {})


def stored(profile: str, path: Path | None = None, *, missing_ok: bool = False) -> Stored:
    """Return the stored results of ``profile``; see ``avqa_core.experiments.stored``.

    Raises:
        ConfigError: there is no such file, or it is damaged.
    """
    path = path or default_path(profile)
    if missing_ok and not path.exists():
        return Stored(profile)
    try:
        content = json.loads(path.read_text())
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        return Stored(profile, content)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ConfigError(
            f"expected stored results at {path}, got {error!r}: make them with 'avqa results "
            f"--profile {profile}'"
        ) from error


def default_path(profile: str) -> Path:
    """Return where the book keeps the results of a profile."""
    from avqa_core.profiles import checkout

    return checkout() / "book" / "results" / f"{profile}.json"


def _run(run: Mapping[str, Any], provenance: Sequence[Mapping[str, Any]]) -> StoredRun:
    counts = {
        scenario: {
            category: Tally(right, total)
            for category, right, total in zip(run["categories"], correct, run["total"], strict=True)
        }
        for scenario, correct in run["correct"].items()
    }
    names = ("experiment", "seed", "world", "trained_parameters", "total_parameters", "steps")
    return StoredRun(
        **{name: run[name] for name in (*names, "seconds", "evaluation_seconds", "losses")},
        provenance=provenance[run["provenance"]],
        counts=counts,
    )


def _is_wanted(category: str, categories: Collection[str] | None) -> bool:
    if categories is None or category in categories:
        return True
    kind: QuestionCategory | None = _CATEGORIES.get(category)
    return kind is not None and kind.group in categories


def _weighted(
    values: Mapping[str, float], run: StoredRun, categories: Collection[str] | None
) -> float | None:
    """Return the mean over questions, None unless every category has a value."""
    counts = next(iter(run.counts.values()))
    wanted = {name: one.total for name, one in counts.items() if _is_wanted(name, categories)}
    if not wanted or any(name not in values for name in wanted):
        return None
    return sum(values[name] * total for name, total in wanted.items()) / sum(wanted.values())
