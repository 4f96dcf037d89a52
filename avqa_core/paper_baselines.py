"""What the paper prints with one modality missing, category by category, ready to be compared.

Tables 1 and 3 stand in ``book/results/paper`` as printed. Two things have to be known before a row
is put beside other numbers, and arithmetic tells both: an accuracy is a whole number of questions
divided by how many there are.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avqa_core.errors import AnnotationError
from avqa_core.metrics import Interval, Tally, wilson_interval
from avqa_core.studies.question_floors import FloorRow

FIRST_RELEASE, CORRECTED = "avqa-test.original.json", "avqa-test.json"
# Only as fractions of these questions are all cells of a row whole numbers.
_ON_FIRST_RELEASE = frozenset({"AVSD", "Pano-AVQA", "AVST"})
# The audio-visual columns headed Loc and Cnt hold each other's values: only so does any row's
# average follow from its cells.
_COLUMNS = {
    "A_cnt": "Audio Counting",
    "A_comp": "Audio Comparative",
    "A_avg": "Audio",
    "V_cnt": "Visual Counting",
    "V_loc": "Visual Location",
    "V_avg": "Visual",
    "AV_exist": "Audio-Visual Existential",
    "AV_loc": "Audio-Visual Counting",
    "AV_cnt": "Audio-Visual Location",
    "AV_comp": "Audio-Visual Comparative",
    "AV_temp": "Audio-Visual Temporal",
    "AV_avg": "Audio-Visual",
    "all_avg": "all",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedRow:
    """One row of Table 1 or 3.

    Attributes:
        method: as printed.
        missing: ``audio`` or ``visual``.
        test: name of the test file that its cells are fractions of.
        accuracies: fractions by ``str(category)``, group, and ``all``.
        source: where it is printed.
    """

    method: str
    missing: str
    test: str
    accuracies: Mapping[str, float]
    source: str

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
        folder: of the csv files; that of the checkout if None.

    Raises:
        AnnotationError: a file is missing or damaged.
    """
    folder = folder or _folder()
    found: dict[str, PrintedRow] = {}
    for name in ("table1_full.csv", "table3_full.csv"):
        for row in _read(folder / name):
            if row["missing"] == missing:
                found.setdefault(row["method"], _row(row, folder / name))
    return list(found.values())


def _row(row: Mapping[str, str], path: Path) -> PrintedRow:
    method = row["method"]
    try:
        accuracies = {scope: float(row[column]) / 100 for column, scope in _COLUMNS.items()}
    except (KeyError, ValueError, TypeError) as error:
        raise AnnotationError(
            f"expected an accuracy in every column of {method} in {path}, got {error!r}: compare "
            "the file with the paper"
        ) from error
    return PrintedRow(
        method=method,
        missing=row["missing"],
        test=FIRST_RELEASE if method in _ON_FIRST_RELEASE else CORRECTED,
        accuracies=accuracies,
        source=row["source"],
    )


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise AnnotationError(
            f"expected the paper's tables at {path}, got {error}: restore the file"
        ) from error
    if not rows or not {"method", "missing", "source"} <= rows[0].keys():
        raise AnnotationError(
            f"expected rows with method, missing and source in {path}, got {rows[:1]}: restore it"
        )
    return rows


def _folder() -> Path:
    from avqa_core.profiles import checkout

    return checkout() / "book" / "results" / "paper"
