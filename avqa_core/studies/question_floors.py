"""How often the question alone is right: look-up tables and a trained encoder, clip by clip.

Fitted on one set of questions, scored on another. Every count comes with an interval from redrawing
whole clips, because the questions about one clip are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from avqa_core import rng
from avqa_core.bandstand.floor import TABLES, LookUp
from avqa_core.data.annotations import in_table_order
from avqa_core.errors import AnnotationError
from avqa_core.metrics import Interval, clustered_bootstrap
from avqa_core.studies.question_reader import EpochDone, QuestionReader, ReaderConfig, learn
from avqa_core.types import QAExample

CONSTANT = "constant"
ENCODER = "encoder"
LOOK_UPS = (CONSTANT, *TABLES)
ALL = "all"
NEW_CLIPS = "all, clips not fitted on"
# What a number of this study is computed from; a stored one is stale when any of these changes.
SOURCES = tuple(
    f"avqa_core.{name}"
    for name in (
        "backbones.answer_head",
        "backbones.question_encoder",
        "bandstand.floor",
        "bandstand.scene",
        "data.annotations",
        "data.avqa_annotations",
        "data.rows",
        "data.vocabulary",
        "metrics",
        "rng",
        "studies.question_floors",
        "studies.question_reader",
        "types",
    )
)

# One row for each seed, one column for each test question; a look-up table has one row.
Right = Bool[np.ndarray, "seeds questions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRow:
    """How often one floor is right in one part of the test questions.

    Attributes:
        floor: ``constant`` (one answer to everything), a table of ``bandstand.floor`` or
            ``encoder``.
        scope: ``str(category)``, a group, ``all`` or ``all, clips not fitted on``.
        correct: right answers, one number for each seed.
        total: questions of the scope.
        low: lower end of the 95 % interval of the mean over seeds, from redrawing clips.
        high: its upper end.
    """

    floor: str
    scope: str
    correct: tuple[int, ...]
    total: int
    low: float
    high: float

    @property
    def accuracy(self) -> Interval:
        """The mean over seeds with its interval."""
        mean = sum(self.correct) / (len(self.correct) * self.total)
        return Interval(mean, self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class GainRow:
    """By how much one floor is better than another in one part of the questions, clip by clip."""

    floor: str
    scope: str
    total: int
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReaderDone:
    """One encoder has learned; ``stopped`` is its last pass."""

    seed: int
    reader: QuestionReader
    stopped: EpochDone


def answered(examples: Sequence[QAExample]) -> list[QAExample]:
    """Return the questions whose answer is told, in their order.

    Raises:
        AnnotationError: there is none.
    """
    found = [one for one in examples if one.answer is not None]
    if not found:
        raise AnnotationError(
            f"expected questions with answers, got {len(examples)} questions and no answer: "
            "choose another file"
        )
    return found


def right_tables(fit: Sequence[QAExample], test: Sequence[QAExample]) -> dict[str, Right]:
    """Return by table which questions it answers right.

    A question that a table has never seen falls back to the next coarser one: filled question,
    template with its slots other than instruments filled, template, category, everything. Among
    equally common answers the alphabetically first is taken.

    Raises:
        AnnotationError: one side has no answers.
    """
    fit, test = answered(fit), answered(test)
    found = {}
    for table in TABLES:
        look_up = LookUp(fit, table)
        found[table] = np.array([[look_up.answer(one) == one.answer for one in test]])
    constant = np.array([[look_up.overall == one.answer for one in test]])
    return {CONSTANT: constant, **found}


def train_readers(
    fit: Sequence[QAExample], config: ReaderConfig, seeds: Sequence[int]
) -> Iterator[EpochDone | ReaderDone]:
    """Train one encoder for each seed, yielding every pass and every finished encoder."""
    for seed in seeds:
        passes: list[EpochDone] = []
        for event in learn(fit, config, seed=seed):
            if isinstance(event, QuestionReader):
                yield ReaderDone(seed, event, passes[-1])
            else:
                passes.append(event)
                yield event


def right_readers(readers: Sequence[QuestionReader], test: Sequence[QAExample]) -> Right:
    """Return for each encoder which questions it answers right."""
    test = answered(test)
    true = np.array([one.answer for one in test])
    return np.stack([np.array(reader.answers(test)) == true for reader in readers])


def floor_rows(
    right: Mapping[str, Right],
    test: Sequence[QAExample],
    *,
    fitted_videos: frozenset[str] = frozenset(),
    seed: int,
) -> list[FloorRow]:
    """Count every floor in every category, group and altogether.

    Args:
        right: by floor, as ``right_tables`` and ``right_readers`` return it.
        test: the questions.
        fitted_videos: clips that the fitting questions are about too; where any is among the test
            clips, the others are counted once more on their own.
        seed: of the redraws.
    """
    test = answered(test)
    return [
        FloorRow(
            floor=floor,
            scope=scope,
            correct=tuple(of[:, rows].sum(axis=1).tolist()),
            total=int(rows.sum()),
            low=interval.low,
            high=interval.high,
        )
        for floor, of in right.items()
        for scope, rows in scopes(test, fitted_videos).items()
        for interval in [_interval(of, np.zeros_like(of), test, rows, seed)]
    ]


def gain_rows(
    ours: Mapping[str, Right], theirs: Mapping[str, Right], test: Sequence[QAExample], *, seed: int
) -> list[GainRow]:
    """Return by how much each floor of ``ours`` is better than its namesake of ``theirs``."""
    test = answered(test)
    return [
        GainRow(
            floor=floor,
            scope=scope,
            total=int(rows.sum()),
            gain=interval.estimate,
            low=interval.low,
            high=interval.high,
        )
        for floor, of in ours.items()
        for scope, rows in scopes(test).items()
        for interval in [_interval(of, theirs[floor], test, rows, seed)]
    ]


def scopes(
    test: Sequence[QAExample], fitted_videos: frozenset[str] = frozenset()
) -> dict[str, Bool[np.ndarray, " questions"]]:
    """Return which questions belong to each category, each group, all, and all of new clips."""
    found: dict[str, Bool[np.ndarray, " questions"]] = {}
    categories = in_table_order(one.category for one in test)
    for category in categories:
        found[str(category)] = np.array([one.category == category for one in test])
    for group in dict.fromkeys(category.group for category in categories):
        found[group] = np.array([one.category.group == group for one in test])
    found[ALL] = np.ones(len(test), dtype=bool)
    is_new = np.array([one.video_id not in fitted_videos for one in test])
    if not is_new.all():
        found[NEW_CLIPS] = is_new
    return {scope: rows for scope, rows in found.items() if rows.any()}


def _interval(
    ours: Right,
    theirs: Right,
    test: Sequence[QAExample],
    rows: Bool[np.ndarray, " questions"],
    seed: int,
) -> Interval:
    """Return the mean difference over seeds; a redrawn clip brings the answers of all of them."""
    videos = [one.video_id for one, is_counted in zip(test, rows, strict=True) if is_counted]
    found = clustered_bootstrap(
        ours[:, rows].ravel().tolist(),
        theirs[:, rows].ravel().tolist(),
        videos * len(ours),
        generator=np.random.default_rng(rng.derive(seed, "redrawn clips")),
    )
    return Interval(*(round(one, 6) for one in (found.estimate, found.low, found.high)))
