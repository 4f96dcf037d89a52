"""Groups of cells that stand in more than one row, or in another table.

Two methods may score the same by chance, and a row may be repeated on purpose. Equal cells are a
place to look at, not a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avqa_core.audit.questions import groups_of
from avqa_core.audit.rounding import Printed
from avqa_core.audit.tables import ScoreRow, ScoreTable


@dataclass(frozen=True, slots=True)
class Repeat:
    """One group whose cells are the same, digit for digit, in several rows.

    Attributes:
        group: of the cells.
        values: as printed in the first of the rows.
        rows: names of the rows; of another table's after those of the first.
    """

    group: str
    values: tuple[str, ...]
    rows: tuple[str, ...]


def repeated_blocks(table: ScoreTable) -> tuple[Repeat, ...]:
    """Return the groups that stand in more than one row of a table."""
    seen: dict[tuple[str, tuple[str, ...]], tuple[tuple[str, ...], list[str]]] = {}
    for row in table.rows:
        for group, key, values in _blocks(row):
            seen.setdefault((group, key), (values, []))[1].append(row.name)
    return tuple(
        Repeat(group, values, tuple(rows))
        for (group, _), (values, rows) in seen.items()
        if len(rows) > 1
    )


def shared_blocks(table: ScoreTable, reference: ScoreTable) -> tuple[Repeat, ...]:
    """Return the groups of a table that also stand in a row of another, in whatever order."""
    known: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in reference.rows:
        for group, key, _ in _blocks(row):
            known.setdefault((group, key), []).append(row.name)
    return tuple(
        Repeat(group, values, (row.name, *known[group, key]))
        for row in table.rows
        for group, key, values in _blocks(row)
        if (group, key) in known
    )


def _blocks(row: ScoreRow) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Yield each whole group of two cells or more: its name, a key without order, its values."""
    for group, headings in groups_of(row.cells).items():
        values = [row.cells[one] for one in headings]
        texts = tuple(one.text for one in values if isinstance(one, Printed))
        if len(texts) == len(values) > 1:
            yield group, tuple(sorted(texts)), texts
