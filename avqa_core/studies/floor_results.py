"""Floors of whole question files, with what they were made from, as one JSON file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from avqa_core.checksums import sha256
from avqa_core.data.annotations import duplicate_question_ids, read_annotations
from avqa_core.errors import AnnotationError, ConfigError
from avqa_core.studies import question_floors as floors
from avqa_core.studies import stored_counts
from avqa_core.studies.question_reader import EpochDone, ReaderConfig
from avqa_core.studies.stored_counts import Provenance
from avqa_core.types import QAExample

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One question file: its bytes as ``sha256sum`` names them, and what is in it."""

    name: str
    sha256: str
    rows: int
    videos: int
    repeated_ids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFacts:
    """One trained encoder: where it stopped, and what it reached on the held-out questions."""

    seed: int
    epochs: int
    best_epoch: int
    held_out_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """All floors of one test file, fitted on one set of files.

    Attributes:
        fit: names of the files fitted on, as one.
        test: name of the file scored on.
        shared_videos: how many videos both are about.
        new_questions: test questions that, filled, never occur among the fitting ones.
        readers: the trained encoders, one for each seed.
        rows: the counts.
    """

    fit: tuple[str, ...]
    test: str
    shared_videos: int
    new_questions: int
    readers: tuple[ReaderFacts, ...]
    rows: tuple[floors.FloorRow, ...]

    def row(self, floor: str, scope: str = floors.ALL) -> floors.FloorRow:
        """Return the counts of one floor in one part of the questions.

        Raises:
            ConfigError: they were not counted.
        """
        for one in self.rows:
            if (one.floor, one.scope) == (floor, scope):
                return one
        raise ConfigError(
            f"expected a floor {floor!r} of {scope!r} for {self.test}, got none: make the results "
            "anew with 'avqa floors'"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """What more files to fit on bring, question by question of one test file."""

    fit: tuple[str, ...]
    over: tuple[str, ...]
    test: str
    rows: tuple[floors.GainRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorResults:
    """Everything that one call of ``avqa floors`` found."""

    format: int = FORMAT
    date: str
    command: str
    provenance: Provenance
    reader: ReaderConfig
    files: tuple[FileFacts, ...]
    measurements: tuple[Measurement, ...]
    gains: tuple[Gains, ...]

    def of(self, fit: Sequence[str], test: str) -> Measurement:
        """Return the floors of one test file, fitted on the files named.

        Raises:
            ConfigError: they are not among the results.
        """
        for one in self.measurements:
            if (one.fit, one.test) == (tuple(fit), test):
                return one
        raise ConfigError(
            f"expected floors of {test} fitted on {' and '.join(fit)}, got none: make them with "
            "'avqa floors --out'"
        )

    def write(self, path: Path) -> None:
        """Write as JSON with one count a line, in one step."""
        stored_counts.write(path, self)


def read(path: Path) -> FloorResults:
    """Read what ``FloorResults.write`` wrote.

    Raises:
        ConfigError: the file is missing, damaged or of another format.
    """
    return stored_counts.read(
        path,
        FloorResults,
        layout=FORMAT,
        called="floors",
        command=f"avqa floors --out {path}",
    )


def stored() -> FloorResults:
    """Return the floors that the book keeps, of MUSIC-AVQA.

    Raises:
        ConfigError: they are not there.
    """
    return read(stored_counts.place("question_floors.json"))


def measure(
    fit: Sequence[Path],
    tests: Sequence[Path],
    *,
    add: Sequence[Path] = (),
    reader: ReaderConfig,
    seeds: Sequence[int],
    command: str = "",
    seed: int = 0,
) -> Iterator[EpochDone | floors.ReaderDone | FloorResults]:
    """Fit every floor on some files and score it on others; yield events and, last, the results.

    Args:
        fit: question files, fitted on as one.
        tests: question files, each scored on its own.
        add: files for a second fit, together with those of ``fit``: what do they bring?
        reader: how encoders are built and trained.
        seeds: one encoder for each of them; none leaves the encoder out.
        command: for the record.
        seed: of the redrawn clips.

    Raises:
        AnnotationError: no file to fit on or to score on, two of one name, or one is damaged.
    """
    paths = [*fit, *add, *tests]
    _require_files(fit, tests, paths)
    examples = {path.name: read_annotations(path) for path in paths}
    measurements, gains = [], []
    before: dict[str, dict[str, floors.Right]] = {}
    for files in [fit, [*fit, *add]][: 1 + bool(add)]:
        names = tuple(path.name for path in files)
        fitted = [one for name in names for one in examples[name]]
        readers = []
        for event in floors.train_readers(fitted, reader, seeds):
            yield event
            if isinstance(event, floors.ReaderDone):
                readers.append(event)
        for path in tests:
            test = floors.answered(examples[path.name])
            right = floors.right_tables(fitted, test)
            if readers:
                right[floors.ENCODER] = floors.right_readers([one.reader for one in readers], test)
            measurements.append(_measurement(names, path.name, fitted, test, right, readers, seed))
            if path.name in before:
                rows = floors.gain_rows(right, before[path.name], test, seed=seed)
                over = tuple(one.name for one in fit)
                gains.append(Gains(fit=names, over=over, test=path.name, rows=tuple(rows)))
            before[path.name] = right
    yield FloorResults(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        command=command,
        provenance=Provenance.now(0, floors.SOURCES),
        reader=reader,
        files=tuple(_facts(path, examples[path.name]) for path in paths),
        measurements=tuple(measurements),
        gains=tuple(gains),
    )


def _require_files(fit: Sequence[Path], tests: Sequence[Path], paths: Sequence[Path]) -> None:
    if not fit or not tests:
        raise AnnotationError(
            f"expected files to fit on and files to score on, got {len(fit)} and {len(tests)}: "
            "name at least one of each"
        )
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        raise AnnotationError(
            f"expected question files with names that differ, got {', '.join(names)}: name each "
            "once, and rename copies"
        )


def _measurement(
    fit: tuple[str, ...],
    name: str,
    fitted: Sequence[QAExample],
    test: Sequence[QAExample],
    right: dict[str, floors.Right],
    readers: Sequence[floors.ReaderDone],
    seed: int,
) -> Measurement:
    videos = frozenset(one.video_id for one in fitted)
    known = {one.tokens for one in fitted}
    return Measurement(
        fit=fit,
        test=name,
        shared_videos=len(videos & {one.video_id for one in test}),
        new_questions=sum(one.tokens not in known for one in test),
        readers=tuple(
            ReaderFacts(
                seed=one.seed,
                epochs=one.stopped.epoch,
                best_epoch=one.stopped.best_epoch,
                held_out_accuracy=round(one.stopped.best_accuracy, 4),
            )
            for one in readers
        ),
        rows=tuple(floors.floor_rows(right, test, fitted_videos=videos, seed=seed)),
    )


def _facts(path: Path, examples: Sequence[QAExample]) -> FileFacts:
    repeated = duplicate_question_ids(examples).values()
    return FileFacts(
        name=path.name,
        sha256=sha256(path),
        rows=len(examples),
        videos=len({one.video_id for one in examples}),
        repeated_ids=sum(repeated) - len(repeated),
    )
