"""What trained networks do when sensors fail, over methods and seeds, as one JSON file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from operator import add
from pathlib import Path

from avqa_core.abstention import Confidences
from avqa_core.config import require
from avqa_core.data.availability import Scenario
from avqa_core.data.dataset import QADataset
from avqa_core.data.folder import DataFolder
from avqa_core.experiments import worker
from avqa_core.experiments.schedule import Planned
from avqa_core.metrics import Interval, seed_interval
from avqa_core.run_calibration import Answers, answers
from avqa_core.studies import sensor_failures, stored_counts
from avqa_core.studies.sensor_failures import WHOLE, Failures, Fitted, Split, Sureness
from avqa_core.studies.stored_counts import Provenance
from avqa_core.training import runs
from avqa_core.training.distributed import resolve_device

FORMAT = 1
# A frozen backbone fed in four ways, and two that learned with modalities absent.
EXPERIMENTS = (
    "plug_in/zeros",
    "plug_in/slot_mean",
    "plug_in/rmm",
    "plug_in/recommended",
    "joint/modality_dropout",
    "joint/recommended",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRun:
    """One run of an experiment, and what it did.

    Attributes:
        experiment: its name.
        about: the same in words.
        seed: of its training.
        identity: hash of all that decided its weights.
        made_by: number of its provenance.
        failures: what was counted.
    """

    experiment: str
    about: str
    seed: int
    identity: str
    made_by: int
    failures: Failures


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldResults:
    """Everything that one call of ``avqa field`` found.

    Attributes:
        date: of the call.
        command: for the record.
        provenance: of the counting.
        made_by: of the training of the runs, each once.
        num_clips: of the test split.
        num_segments: of a clip.
        runs: in the order of the plan.
        format: layout of the file.
    """

    date: str
    command: str
    provenance: Provenance
    made_by: tuple[Provenance, ...]
    num_clips: int
    num_segments: int
    runs: tuple[FieldRun, ...]
    format: int = FORMAT

    @property
    def names(self) -> list[str]:
        """The experiments, in their order."""
        return list(dict.fromkeys(one.experiment for one in self.runs))

    def of(self, experiment: str) -> list[FieldRun]:
        """Return the runs of an experiment, one a seed.

        Raises:
            ConfigError: it is not among the results.
        """
        found = [one for one in self.runs if one.experiment == experiment]
        require(
            bool(found),
            f"expected an experiment out of {', '.join(self.names) or 'none'}, got {experiment!r}: "
            "run it with 'avqa results', then count with 'avqa field'",
        )
        return found

    def accuracies(self, experiment: str, scenario: str) -> dict[int, float]:
        """Return the fraction of right answers by seed.

        Raises:
            ConfigError: the experiment or the scenario is not among the results.
        """
        found = {}
        for one in self.of(experiment):
            counts = {count.scenario: count.correct for count in one.failures.counts}
            require(
                scenario in counts,
                f"expected a scenario out of {', '.join(counts)}, got {scenario!r}: make the "
                "results anew with 'avqa field'",
            )
            found[one.seed] = counts[scenario] / one.failures.total
        return found

    def accuracy(self, experiment: str, scenario: str) -> Interval:
        """Return the mean over seeds with its 95 % interval."""
        return seed_interval(list(self.accuracies(experiment, scenario).values()))

    def sureness(self, experiment: str, scenario: str, fitted: Fitted) -> list[Sureness]:
        """Return how sure the answers were, one a seed; ``scenario`` is one of ``WHOLE``."""
        require(
            scenario in WHOLE,
            f"expected a scenario out of {', '.join(WHOLE)}, got {scenario!r}: ask for one of them",
        )
        return [
            sure
            for one in self.of(experiment)
            for sure in one.failures.sureness
            if (sure.scenario, sure.fitted) == (scenario, fitted)
        ]

    def pooled(self, experiment: str, scenario: str, fitted: Fitted) -> Confidences:
        """Return the answers of all seeds together by how sure they were."""
        of = self.sureness(experiment, scenario, fitted)
        return reduce(add, (one.confidences for one in of))

    def write(self, path: Path) -> None:
        """Write as JSON with one count a line, in one step."""
        stored_counts.write(path, self)


def read(path: Path, *, missing_ok: bool = False) -> FieldResults | None:
    """Read what ``FieldResults.write`` wrote; with ``missing_ok`` no file is None.

    Raises:
        ConfigError: the file is missing, damaged or of another format.
    """
    if missing_ok and not path.exists():
        return None
    return stored_counts.read(
        path, FieldResults, layout=FORMAT, called="counts of failing sensors", command="avqa field"
    )


def stored(profile: str) -> FieldResults | None:
    """Return the counts that the book keeps of a profile, None if there are none yet."""
    return read(default_path(profile), missing_ok=True)


def default_path(profile: str) -> Path:
    """Return where the book keeps the counts of a profile."""
    return stored_counts.place(f"field_{profile}.json")


def measure(
    finished: Sequence[Planned], *, command: str = "", known: FieldResults | None = None
) -> Iterator[FieldResults]:
    """Count for every run; yield all results so far after each of them.

    A run that ``known`` has, counted by this source and with the answers the run itself reports, is
    taken from there, before any other is counted: who stops in the middle loses nothing. Runs of
    ``known`` that are not among those asked for stay, as long as they were counted by this source.

    Args:
        finished: runs in one world.
        command: for the record.
        known: an earlier result.

    Raises:
        ConfigError: there is no run, or they do not share their data.
        AvqaError: a run cannot be read.
    """
    require(bool(finished), "expected finished runs, got none: make them with 'avqa results'")
    places = {one.job.data for one in finished if one.job is not None}
    require(len(places) == 1, f"expected runs in one world, got {len(places)}: name fewer groups")
    data = DataFolder(places.pop())
    splits: dict[Split, QADataset] = {
        "val": data.dataset("val", cache=True),
        "test": data.dataset("test", cache=True),
    }
    provenance = Provenance.now(worker.EVALUATION_SEED, sensor_failures.SOURCES)
    num_clips = len(splits["test"].clips)
    carried = _carried(finished, known, provenance, num_clips)
    kept = [_counted_before(one, known, provenance) for one in finished]
    order = sorted(range(len(finished)), key=lambda place: kept[place] is None)
    counted: dict[int, Failures] = {}
    for place in order:
        counted[place] = kept[place] or _counted(finished[place], data, splits)
        told = [_record(finished[one], counted[one]) for one in sorted(counted)]
        made_by, found = _shared([*told, *carried])
        yield FieldResults(
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
            command=command,
            provenance=provenance,
            made_by=made_by,
            num_clips=num_clips,
            num_segments=splits["test"].dims.num_segments,
            runs=found,
        )


def _record(one: Planned, failures: Failures) -> tuple[Provenance, FieldRun]:
    assert one.outcome is not None
    run = FieldRun(
        experiment=one.experiment.name,
        about=one.experiment.about,
        seed=one.experiment.seed,
        identity=one.outcome.identity,
        made_by=0,
        failures=failures,
    )
    return Provenance.of(one.outcome.provenance), run


def _carried(
    finished: Sequence[Planned], known: FieldResults | None, provenance: Provenance, num_clips: int
) -> list[tuple[Provenance, FieldRun]]:
    """Return the runs that were counted earlier, on the same clips, and are not asked for now."""
    if known is None or (known.provenance.source_hash, known.num_clips) != (
        provenance.source_hash,
        num_clips,
    ):
        return []
    asked = {one.experiment.key for one in finished}
    return [
        (known.made_by[one.made_by], one)
        for one in known.runs
        if (one.experiment, one.seed) not in asked
    ]


def _shared(
    records: Sequence[tuple[Provenance, FieldRun]],
) -> tuple[tuple[Provenance, ...], tuple[FieldRun, ...]]:
    """Return what made the runs, each once, and the runs by experiment and seed."""
    made_by: list[Provenance] = []
    found = []
    for told, run in records:
        if told not in made_by:
            made_by.append(told)
        found.append(replace(run, made_by=made_by.index(told)))
    place = {name: number for number, name in enumerate(EXPERIMENTS)}
    found.sort(key=lambda one: (one.seed, place.get(one.experiment, len(place))))
    return tuple(made_by), tuple(found)


def _counted_before(
    planned: Planned, known: FieldResults | None, provenance: Provenance
) -> Failures | None:
    """Return what was counted of a run, if neither the run nor the counting has changed since."""
    outcome = planned.outcome
    if outcome is None or known is None or known.provenance.source_hash != provenance.source_hash:
        return None
    reported = {name: sum(of.values()) for name, of in outcome.correct.items()}
    for one in known.runs:
        counts = {count.scenario: count.correct for count in one.failures.counts}
        if one.identity == outcome.identity and all(
            counts[name] == reported.get(name) for name in WHOLE
        ):
            return one.failures
    return None


def _counted(one: Planned, data: DataFolder, splits: dict[Split, QADataset]) -> Failures:
    """Let the network of a run answer, where and as its own test was answered."""
    job = one.job
    assert job is not None
    if job.experiment.training is None:
        model = worker.as_it_starts(job.experiment, data, worker.parent_of(job, data))
    else:
        model = runs.load_run(one.folder, "best")[0]

    def answer(split: Split, scenario: Scenario) -> Answers:
        return answers(
            model,
            splits[split],
            scenario,
            seed=worker.EVALUATION_SEED,
            batch_size=worker.BATCH_SIZE,
            device=resolve_device(job.experiment.device),
        )

    return sensor_failures.measure(
        answer, splits["test"].dims.num_segments, seed=worker.EVALUATION_SEED
    )
