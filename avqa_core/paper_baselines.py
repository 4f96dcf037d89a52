"""What the paper prints with one modality missing, category by category, ready to be compared.

Tables 1 and 3 stand in ``book/results/paper`` as printed. Before a row is put beside other numbers
two things have to be known: which test file it was scored on, and what each column holds. The
arithmetic of ``avqa_core.audit`` tells both, and nothing here repeats its findings.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avqa_core import audit
from avqa_core.errors import AnnotationError
from avqa_core.metrics import Interval, Tally, wilson_interval
from avqa_core.studies.question_floors import ALL, FloorRow

FIRST_RELEASE, CORRECTED = "avqa-test.original.json", "avqa-test.json"
TABLES = ("table1_full.csv", "table3_full.csv")
COUNTS, REFERENCE = "question_counts.json", "complete_reference.csv"
INPUTS_WITHOUT = {"audio": "V+Q", "visual": "A+Q"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedRow:
    """One row of Table 1 or 3.

    Attributes:
        method: as printed.
        missing: ``audio`` or ``visual``.
        test: name of the test file that its cells are fractions of.
        accuracies: fractions by ``str(category)``, group, and ``all``, each under the category that
            its cell is of, whatever the heading says.
    """

    method: str
    missing: str
    test: str
    accuracies: Mapping[str, float]

    @property
    def is_plain(self) -> bool:
        """Whether it is a network with nothing added for a missing modality."""
        return "+" not in self.method


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A printed accuracy beside what the question alone gives on the same questions.

    Attributes:
        paper: as printed, with the score interval for a fraction of so many questions: the answers
            themselves are not published, so that clips cannot be redrawn.
        floor: with its interval from redrawn clips.
        verdict: ``below`` or ``above`` only where the two intervals do not overlap.
    """

    paper: Interval
    floor: Interval
    verdict: Literal["below", "not told apart", "above"]


def beside(row: PrintedRow, floor: FloorRow) -> Beside:
    """Compare a printed row with a floor that was scored on the same test file."""
    right = round(row.accuracies[floor.scope] * floor.total)
    paper, known = wilson_interval(Tally(right, floor.total)), floor.accuracy
    if paper.high < known.low:
        return Beside(paper=paper, floor=known, verdict="below")
    if paper.low > known.high:
        return Beside(paper=paper, floor=known, verdict="above")
    return Beside(paper=paper, floor=known, verdict="not told apart")


def printed_rows(missing: str, folder: Path | None = None) -> list[PrintedRow]:
    """Return the rows of Tables 1 and 3 with a modality missing; what both have comes once.

    Args:
        missing: ``audio`` or ``visual``.
        folder: of the tables and of the question counts; that of the checkout if None.

    Raises:
        AnnotationError: a file is missing or damaged, or the digits do not tell the test file.
    """
    folder = folder or _folder()
    files = audit.load_questions(folder / COUNTS)
    found: dict[str, PrintedRow] = {}
    for name in TABLES:
        table = audit.read_table(folder / name, files[0].counts)
        others = [row.name for row in table.rows if _named(row)[1] != missing]
        for one in audit.audit(table.without(others), files).rows:
            row = _printed(one)
            found.setdefault(row.method, row)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class OneHalf:
    """A network that reads one half of a clip and the question, and was trained so.

    Attributes:
        method: its name.
        accuracy: over all questions of the corrected test file, as a fraction.
    """

    method: str
    accuracy: float


def best_of_one_half(missing: str, folder: Path | None = None) -> OneHalf:
    """Return the best published network that never reads the half that is missing.

    Whatever stands in for an absent half competes with it: a network that never needed that half.
    The numbers are those of the MUSIC-AVQA repository.

    Args:
        missing: ``audio`` or ``visual``.
        folder: of the tables; that of the checkout if None.

    Raises:
        AnnotationError: the file is missing or damaged, or has no such network.
    """
    path = (folder or _folder()) / REFERENCE
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            found = [
                OneHalf(row["method"], float(row["all_avg"]) / 100)
                for row in csv.DictReader(stream)
                if row["inputs"] == INPUTS_WITHOUT[missing] and row["annotations"] == "update"
            ]
    except (OSError, KeyError, ValueError) as error:
        raise AnnotationError(
            f"{path}: expected networks with their inputs, got {error!r}: check it out again"
        ) from error
    if not found:
        raise AnnotationError(
            f"{path}: expected a network with the inputs {INPUTS_WITHOUT[missing]}, got none: "
            "check it out again"
        )
    return max(found, key=lambda one: one.accuracy)


def _printed(found: audit.RowAudit) -> PrintedRow:
    """Return a row as its best explanation reads it."""
    best, (method, missing) = found.explained, _named(found.row)
    if not found.is_decided:
        raise AnnotationError(
            f"{found.row.name}: expected one test file and order of columns that fit best, got "
            f"several out of {len(found.explanations)}: compare the row with the paper"
        )
    cells = {str(one): found.row.cell(heading) for heading, one in best.order.items()}
    averages = {one.group: one.printed for one in best.averages if one.group != audit.ALL}
    printed = {**cells, **averages, ALL: found.row.average(audit.ALL)}
    return PrintedRow(
        method=method,
        missing=missing,
        test=f"{best.questions}.json",
        accuracies={scope: one.percent / 100 for scope, one in printed.items()},
    )


def _named(row: audit.ScoreRow) -> tuple[str, str]:
    """Return method and missing modality, the two columns that name a row."""
    method, _, missing = row.name.rpartition(", ")
    return method, missing


def _folder() -> Path:
    from avqa_core.profiles import checkout

    return checkout() / "book" / "results" / "paper"
