"""Floors and ceilings of a world's test questions, as ``floor.json`` and ``ceiling.json``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avqa_core.bandstand.ceiling import Observed
from avqa_core.bandstand.floor import FloorRow, best_table, score_tables
from avqa_core.bandstand.questions import Question
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.errors import AnnotationError
from avqa_core.types import QAExample, QuestionCategory

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingRow:
    """What a perfect observer reaches in one scenario and category.

    Attributes:
        scenario: what is present.
        category: of the questions.
        total: how many questions there are.
        chance: expected fraction that is right.
        standard_error: of ``chance``, from simulating with finitely many draws.
        credit: questions on which the observer's answer is the true one, ties shared.
    """

    scenario: str
    category: QuestionCategory
    total: int
    chance: float
    standard_error: float
    credit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """Ceilings by scenario and category, and the chance of every single question."""

    rows: tuple[CeilingRow, ...]
    chances: Mapping[str, Mapping[int, float]]

    @classmethod
    def collect(cls, observed: Mapping[str, Sequence[tuple[Question, Observed]]]) -> Ceilings:
        """Return the table of what ``ceiling.observe`` gave, by scenario."""
        rows = []
        for scenario, pairs in observed.items():
            groups: dict[QuestionCategory, list[Observed]] = defaultdict(list)
            for question, one in pairs:
                groups[TEMPLATES[question.template].category].append(one)
            rows += [_row(scenario, category, group) for category, group in sorted(groups.items())]
        chances = {
            scenario: {question.question_id: round(one.chance, 6) for question, one in pairs}
            for scenario, pairs in observed.items()
        }
        return cls(rows=tuple(rows), chances=chances)

    def by_category(self, scenario: str) -> dict[str, float]:
        """Return the expected accuracy by ``str(category)``; empty for an unknown scenario."""
        return {str(row.category): row.chance for row in self.rows if row.scenario == scenario}

    def overall(self, scenario: str) -> CeilingRow:
        """Return all categories of a scenario together, weighted by their questions."""
        rows = [row for row in self.rows if row.scenario == scenario]
        totals = np.array([row.total for row in rows])
        errors = np.array([row.standard_error for row in rows]) * totals
        return CeilingRow(
            scenario=scenario,
            category=QuestionCategory("All", "All"),
            total=int(totals.sum()),
            chance=float(np.array([row.chance for row in rows]) @ totals / totals.sum()),
            standard_error=float(np.sqrt(np.square(errors).sum()) / totals.sum()),
            credit=float(sum(row.credit for row in rows)),
        )

    def write(self, path: Path) -> None:
        """Write as JSON."""
        chances = {
            scenario: {str(question_id): chance for question_id, chance in known.items()}
            for scenario, known in self.chances.items()
        }
        rows = [asdict(row) | {"category": list(row.category)} for row in self.rows]
        write_json(path, {"format": FORMAT, "rows": rows, "chances": chances})

    @classmethod
    def read(cls, path: Path) -> Ceilings:
        """Read what ``write`` wrote.

        Raises:
            AnnotationError: the file is missing or damaged.
        """
        data = _read_json(path)
        try:
            rows = [
                CeilingRow(**row | {"category": QuestionCategory(*row["category"])})
                for row in data["rows"]
            ]
            chances = {
                scenario: {int(question_id): float(chance) for question_id, chance in known.items()}
                for scenario, known in data["chances"].items()
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path, error) from error
        return cls(rows=tuple(rows), chances=chances)


def _row(scenario: str, category: QuestionCategory, group: Sequence[Observed]) -> CeilingRow:
    """Average one category; the two halves of the draws tell how far simulation noise goes."""
    halves = np.array([one.halves for one in group])
    variances = np.square(halves[:, 0] - halves[:, 1]) / 4
    return CeilingRow(
        scenario=scenario,
        category=category,
        total=len(group),
        chance=float(np.mean([one.chance for one in group])),
        standard_error=float(np.sqrt(variances.sum()) / len(group)),
        credit=float(sum(one.credit for one in group)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """Accuracy of the question alone: every look-up table, and which of them is the floor."""

    chosen: str
    rows: tuple[FloorRow, ...]

    @classmethod
    def fit(
        cls, train: Sequence[QAExample], val: Sequence[QAExample], test: Sequence[QAExample]
    ) -> Floors:
        """Fit on ``train``, choose the table on ``val``, score on ``test``."""
        chosen = best_table(score_tables(train, val))
        return cls(chosen=chosen, rows=tuple(score_tables(train, test)))

    def by_category(self) -> dict[str, float]:
        """Return the accuracy of the chosen table by ``str(category)``."""
        return {
            str(row.category): row.correct / row.total
            for row in self.rows
            if row.table == self.chosen
        }

    def overall(self, table: str | None = None) -> FloorRow:
        """Return all categories together, of the chosen table unless another is named."""
        rows = [row for row in self.rows if row.table == (table or self.chosen)]
        return FloorRow(
            table=table or self.chosen,
            category=QuestionCategory("All", "All"),
            correct=sum(row.correct for row in rows),
            total=sum(row.total for row in rows),
        )

    def write(self, path: Path) -> None:
        """Write as JSON."""
        rows = [asdict(row) | {"category": list(row.category)} for row in self.rows]
        write_json(path, {"format": FORMAT, "chosen": self.chosen, "rows": rows})

    @classmethod
    def read(cls, path: Path) -> Floors:
        """Read what ``write`` wrote.

        Raises:
            AnnotationError: the file is missing or damaged.
        """
        data = _read_json(path)
        try:
            rows = [
                FloorRow(**row | {"category": QuestionCategory(*row["category"])})
                for row in data["rows"]
            ]
            return cls(chosen=str(data["chosen"]), rows=tuple(rows))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path, error) from error


def write_json(path: Path, data: Any) -> None:
    """Write JSON so that a reader finds the old file or the new one, never half of it."""
    write_lines(path, [json.dumps(data, indent=1)])


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines of text so that a reader finds the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".partial")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    temporary.replace(path)


def _read_json(path: Path) -> Any:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _damaged(path, ValueError("another format"))
    return data


def _damaged(path: Path, error: Exception) -> AnnotationError:
    return AnnotationError(
        f"expected floors or ceilings of a world at {path}, got {error!r}: build the world again "
        "with 'avqa world'"
    )
