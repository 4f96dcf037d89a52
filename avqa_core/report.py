"""A report: counts per scenario and category, each beside its floor and its ceiling.

No number stands alone: a row carries how many questions it counts, what the question alone gives
(floor) and, where the world can tell, what a perfect observer of the present modalities would
reach (ceiling).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from avqa_core.config import from_dict
from avqa_core.errors import AvqaError, CheckpointError
from avqa_core.metrics import Tally, overall, wilson_interval
from avqa_core.types import QuestionCategory

FORMAT = 1
_FITTED = "floor: fitted on these very questions, so higher than on questions it never saw"
_HEADER = ("", "right", "of", "accuracy", "95 % interval", "floor", "ceiling")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One category in one scenario; ``floor`` and ``ceiling`` are fractions, None if unknown."""

    scenario: str
    group: str
    kind: str
    correct: int
    total: int
    floor: float | None = None
    ceiling: float | None = None

    @property
    def category(self) -> QuestionCategory:
        """The category as the questions carry it."""
        return QuestionCategory(self.group, self.kind)

    @property
    def tally(self) -> Tally:
        """The counts as one value."""
        return Tally(self.correct, self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a model said to every question of one scenario, for paired tests and calibration.

    ``predicted`` and ``truth`` are answers in words, ``confidence`` is the probability that the
    model gave to what it said.
    """

    scenario: str
    question_ids: tuple[int, ...]
    video_ids: tuple[str, ...]
    predicted: tuple[str, ...]
    truth: tuple[str, ...]
    confidence: tuple[float, ...]

    @property
    def is_correct(self) -> list[bool]:
        """Whether each question was answered right."""
        return [said == true for said, true in zip(self.predicted, self.truth, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Counts of several rows together, with floor and ceiling averaged over their questions."""

    tally: Tally
    floor: float | None
    ceiling: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All rows of one evaluation, with what made them."""

    split: str
    seed: int
    rows: tuple[ReportRow, ...]
    answered: tuple[Answered, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names of the scenarios, in the order of the rows."""
        return tuple(dict.fromkeys(row.scenario for row in self.rows))

    def select(self, scenario: str, group: str | None = None) -> list[ReportRow]:
        """Return the rows of ``scenario``, or of one ``group`` of it.

        Raises:
            CheckpointError: the report has no such scenario.
        """
        if scenario not in self.scenarios:
            raise CheckpointError(
                f"expected a scenario out of {', '.join(self.scenarios)}, got {scenario!r}: "
                "evaluate it first"
            )
        return [row for row in self.rows if row.scenario == scenario and group in (None, row.group)]

    def total(self, scenario: str, group: str | None = None) -> Total:
        """Return the micro average over ``scenario``, or over one ``group`` of it."""
        return _total(self.select(scenario, group))

    def accuracy(self, scenario: str, group: str | None = None) -> float:
        """Return the fraction of questions of ``scenario`` that were answered right."""
        return self.total(scenario, group).tally.accuracy

    def table(self) -> str:
        """Return all scenarios as readable text, in %."""
        lines: list[str] = []
        for scenario in self.scenarios:
            rows = self.select(scenario)
            body: list[tuple[str, ...]] = []
            for group in dict.fromkeys(row.group for row in rows):
                of_group = [row for row in rows if row.group == group]
                body += [_cells(f"  {row.kind}", _total([row])) for row in of_group]
                body.append(_cells(group, _total(of_group)))
            body.append(_cells("All", _total(rows)))
            lines += [*_aligned((scenario, *_HEADER[1:]), body), ""]
        if self.split == "train" and any(row.floor is not None for row in self.rows):
            lines.append(_FITTED)
        return "\n".join(lines)

    def save(self, path: Path) -> None:
        """Write the report as JSON, in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_text(json.dumps(asdict(self), indent=1) + "\n")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read what ``save`` wrote.

        Raises:
            CheckpointError: unreadable, or not exactly a report of this format.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8-sig"))
            if set(data) != {one.name for one in fields(cls)} or data["format"] != FORMAT:
                raise ValueError(f"not the fields of a report of format {FORMAT}")
            rows = tuple(from_dict(ReportRow, row, "rows") for row in data["rows"])
            answered = tuple(from_dict(Answered, one, "answered") for one in data["answered"])
            report = cls(**{**data, "rows": rows, "answered": answered})
            report._check()
        except (OSError, ValueError, TypeError, KeyError, RecursionError, AvqaError) as error:
            raise CheckpointError(
                f"expected a report at {path}, got {error}: make it again with 'avqa evaluate'"
            ) from error
        return report

    def _check(self) -> None:
        for row in self.rows:
            if not 0 <= row.correct <= row.total:
                raise ValueError(f"{row.correct} right out of {row.total}")
        keys = [(row.scenario, row.group, row.kind) for row in self.rows]
        if len(set(keys)) != len(keys):
            raise ValueError("a category that is counted twice")
        for one in self.answered:
            names = [each.name for each in fields(one) if each.name != "scenario"]
            numbers = {name: len(getattr(one, name)) for name in names}
            if len(set(numbers.values())) > 1:
                told = ", ".join(f"{name} {number}" for name, number in numbers.items())
                raise ValueError(f"lists of unequal length for {one.scenario} ({told})")


def _total(rows: Iterable[ReportRow]) -> Total:
    rows = list(rows)
    return Total(
        tally=overall(row.tally for row in rows),
        floor=_weighted([(row.floor, row.total) for row in rows]),
        ceiling=_weighted([(row.ceiling, row.total) for row in rows]),
    )


def _weighted(values: list[tuple[float | None, int]]) -> float | None:
    """Return the average over questions, None unless every category has a value."""
    total = sum(count for _, count in values)
    if not total or any(value is None for value, _ in values):
        return None
    return sum((value or 0.0) * count for value, count in values) / total


def _cells(name: str, total: Total) -> tuple[str, ...]:
    interval = wilson_interval(total.tally)
    return (
        name,
        str(total.tally.correct),
        str(total.tally.total),
        _percent(interval.estimate),
        f"{_percent(interval.low)} - {_percent(interval.high)}",
        _percent(total.floor),
        _percent(total.ceiling),
    )


def _percent(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{100 * value:.2f}"


def _aligned(header: tuple[str, ...], body: list[tuple[str, ...]]) -> list[str]:
    """Return lines with the first column on the left and numbers on the right of theirs."""
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    lines = []
    for cells in (header, tuple("-" * width for width in widths), *body):
        name = cells[0].ljust(widths[0])
        numbers = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        lines.append("  ".join([name, *numbers]).rstrip())
    return lines
