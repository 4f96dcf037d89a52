"""Which single digit, printed otherwise, would make a row add up.

An edit that mends a row shows that a slip of one digit *could* be behind it. It cannot tell that it
was, nor which of several possible slips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from avqa_core.audit.explaining import explanations
from avqa_core.audit.findings import RowAudit
from avqa_core.audit.questions import Questions
from avqa_core.audit.rounding import Printed
from avqa_core.audit.tables import ScoreRow
from avqa_core.types import QuestionCategory


@dataclass(frozen=True, slots=True)
class Edit:
    """One digit replaced in one printed number.

    Attributes:
        where: the heading of the cell, or the group of the average.
        printed: as printed.
        instead: with the digit replaced.
        failing: groups whose averages still do not follow.
    """

    where: QuestionCategory | str
    printed: Printed
    instead: Printed
    failing: tuple[str, ...]


def one_digit_edits(audited: RowAudit, files: Sequence[Questions]) -> tuple[Edit, ...]:
    """Return every edit after which the row is better explained, the best and smallest first.

    Better is an explanation where there was none, or fewer averages that do not follow.
    """
    found = []
    before = inf if audited.best is None else len(audited.best.failing)
    for where, printed, edited, row in _edited(audited.row):
        after = [one.failing for file in files for one in explanations(row, file)]
        fewest = min(after, key=len, default=None)
        if fewest is not None and len(fewest) < before:
            found.append(Edit(where, printed, edited, tuple(one.group for one in fewest)))
    return tuple(sorted(found, key=lambda one: (len(one.failing), _size(one))))


def _size(edit: Edit) -> int:
    return abs(edit.instead.units - edit.printed.units)


def _edited(
    row: ScoreRow,
) -> Iterator[tuple[QuestionCategory | str, Printed, Printed, ScoreRow]]:
    """Yield every row that differs from ``row`` in one digit, and where."""
    for heading, cell in row.cells.items():
        for other in _others(cell):
            yield heading, *other, replace(row, cells={**row.cells, heading: other[1]})
    for group, average in row.averages.items():
        for other in _others(average):
            yield group, *other, replace(row, averages={**row.averages, group: other[1]})


def _others(printed: Printed | None) -> Iterator[tuple[Printed, Printed]]:
    """Yield a value with each that differs from it in one digit; an empty place has none."""
    if printed is None:
        return
    digits = str(printed.units).rjust(len(printed.text.replace(".", "")), "0")
    for place, old in enumerate(digits):
        for new in "0123456789":
            units = int(digits[:place] + new + digits[place + 1 :])
            if new != old and units <= printed.scale:
                yield printed, printed.moved_to(units)
