"""Small files and tables whose right answers are known."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from avqa_core.audit import ALL, Questions, ScoreRow
from avqa_core.audit.rounding import Printed, printed_count
from avqa_core.types import QuestionCategory

SMALL = Questions(
    "small",
    {
        QuestionCategory("Audio", "Counting"): 7,
        QuestionCategory("Audio", "Comparative"): 11,
        QuestionCategory("Visual", "Counting"): 13,
        QuestionCategory("Visual", "Location"): 17,
    },
)
OTHER = Questions("other", dict(zip(SMALL.counts, (8, 9, 14, 19), strict=True)))


def row_of(right: Mapping[QuestionCategory, int], questions: Questions, name="row") -> ScoreRow:
    """Return the row that an honest program prints."""
    cells = {one: printed_count(k, questions.counts[one]) for one, k in right.items()}
    averages = {
        group: printed_count(sum(right[one] for one in members), questions.total_of(members))
        for group, members in {**questions.groups, ALL: list(questions.counts)}.items()
    }
    return ScoreRow(name, cells, averages)


def printed(text: str) -> Printed:
    return Printed.parse(text)


def write_csv(path: Path, names: list[str], *rows: list[str]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path
