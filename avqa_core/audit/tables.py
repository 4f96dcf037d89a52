"""Tables of accuracies as printed: text kept as text, columns matched with question categories."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from avqa_core.audit.rounding import Printed
from avqa_core.errors import AnnotationError
from avqa_core.types import QuestionCategory

ALL = "All"
_AVERAGE_WORDS = {"avg", "average", "mean"}
_ALL_WORDS = {"all", "overall", "total"}
_BLANK = {"", "-", "\N{EN DASH}", "\N{EM DASH}", "x", "n/a"}
_NO_NAME = {"source"}  # a column that says where a row is from does not name the row


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One row of a table.

    Attributes:
        name: the texts of all columns that hold no accuracy, joined by commas.
        cells: what is printed under each heading, None where nothing is. A heading is the category
            that the table *says* the column is of.
        averages: what is printed for a group, or for ``All``.
    """

    name: str
    cells: Mapping[QuestionCategory, Printed | None]
    averages: Mapping[str, Printed | None]

    def cell(self, heading: QuestionCategory) -> Printed:
        """Return what is printed under a heading.

        Raises:
            AnnotationError: nothing is.
        """
        return self._there(self.cells.get(heading), str(heading))

    def average(self, group: str) -> Printed:
        """Return the printed average of a group, or of ``All``.

        Raises:
            AnnotationError: none is printed.
        """
        return self._there(self.averages.get(group), group)

    def _there(self, value: Printed | None, what: str) -> Printed:
        if value is None:
            raise AnnotationError(
                f"{self.name}, {what}: expected an accuracy, got an empty cell: choose another row"
            )
        return value

    def in_group(self, group: str) -> dict[QuestionCategory, Printed | None]:
        """Return the cells under the headings of one group."""
        return {one: value for one, value in self.cells.items() if one.group == group}


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Rows under the same headings, in the order of the columns."""

    name: str
    headings: tuple[QuestionCategory, ...]
    rows: tuple[ScoreRow, ...]

    def row(self, name: str) -> ScoreRow:
        """Return the row of that name.

        Raises:
            AnnotationError: there is none.
        """
        for one in self.rows:
            if one.name == name:
                return one
        raise AnnotationError(
            f"{self.name}: expected a row named one of "
            f"{'; '.join(one.name for one in self.rows)}, got {name!r}: choose one of them"
        )

    def without(self, names: Collection[str]) -> ScoreTable:
        """Return the table without some rows."""
        kept = tuple(one for one in self.rows if one.name not in names)
        return ScoreTable(self.name, self.headings, kept)


def read_table(path: Path | str, categories: Iterable[QuestionCategory]) -> ScoreTable:
    """Read a CSV file with one row a method and one column a category.

    A column is of a category if its name says so: ``Audio Counting``, ``A_cnt``, or ``Counting``
    where only one group has it. ``A_avg`` is an average of a group, ``all_avg`` that of all.
    Other columns name the row.

    Args:
        path: of the file.
        categories: of the questions that may have been scored.

    Raises:
        AnnotationError: unreadable, without any column of a category, with two columns of one, or
            with a cell that is no accuracy.
    """
    path = Path(path)
    names, lines = _lines(path)
    columns = _match(names, list(categories), path)
    rows = tuple(_row(line, columns, f"{path.name} line {n}") for n, line in enumerate(lines, 2))
    headings = tuple(one for one in columns.values() if isinstance(one, QuestionCategory))
    return ScoreTable(path.stem, headings, rows)


def heading_of(
    name: str, categories: Collection[QuestionCategory]
) -> QuestionCategory | str | None:
    """Return what a column of that name holds: a category, the group of an average, or neither."""
    words = _words(name)
    groups = list(dict.fromkeys(one.group for one in categories))
    if words and words[-1] in _AVERAGE_WORDS | _ALL_WORDS:
        return _average_of(words, groups)
    full = [one for one in categories if words == [*_words(one.group), *_words(one.kind)]]
    bare = [one for one in categories if words == _words(one.kind)]
    short = [
        one
        for one in categories
        if len(words) == 2 and words[0] == _initials(one.group) and _shortens(words[1], one.kind)
    ]
    for found in (full, bare, short):
        if len(found) == 1:
            return found[0]
    return None


def _average_of(words: list[str], groups: list[str]) -> str | None:
    rest = [word for word in words if word not in _AVERAGE_WORDS]
    if len(rest) == 1 and rest[0] in _ALL_WORDS:
        return ALL
    for group in groups:
        if rest == _words(group) or rest == [_initials(group)]:
            return group
    return None


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _initials(group: str) -> str:
    return "".join(word[0] for word in _words(group))


def _shortens(short: str, kind: str) -> bool:
    """Tell whether ``short`` leaves letters of ``kind`` out, but not its first."""
    letters = iter(kind.lower())
    return (
        len(short) >= 3
        and short[0] == kind[0].lower()
        and all(letter in letters for letter in short)
    )


def _match(
    names: list[str], categories: list[QuestionCategory], path: Path
) -> dict[str, QuestionCategory | str | None]:
    columns = {name: heading_of(name, categories) for name in names}
    found = [one for one in columns.values() if one is not None]
    twice = {str(one) for one in found if found.count(one) > 1}
    if twice or not any(isinstance(one, QuestionCategory) for one in found):
        raise AnnotationError(
            f"expected one column for each of {'; '.join(map(str, categories))} in {path}, got "
            f"{', '.join(names)}{f' (two of {min(twice)})' if twice else ''}: rename the columns"
        )
    return columns


def _lines(path: Path) -> tuple[list[str], list[dict[str, str | None]]]:
    try:
        # A byte-order mark, as spreadsheets write it, would be part of the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
            names = list(reader.fieldnames or [])
    except (OSError, ValueError, csv.Error) as error:
        raise AnnotationError(
            f"expected a CSV table at {path}, got {error}: check the path and its encoding"
        ) from error
    if not lines:
        raise AnnotationError(f"expected rows of accuracies in {path}, got none: fill it in")
    if len(set(names)) < len(names):
        raise AnnotationError(
            f"expected different column names in {path}, got {', '.join(names)}: rename them"
        )
    return names, lines


def _row(
    line: dict[str, str | None],
    columns: Mapping[str, QuestionCategory | str | None],
    where: str,
) -> ScoreRow:
    cells: dict[QuestionCategory, Printed | None] = {}
    averages: dict[str, Printed | None] = {}
    name = []
    for column, heading in columns.items():
        text = (line.get(column) or "").strip()
        if heading is None:
            if text and column.lower() not in _NO_NAME:
                name.append(text)
            continue
        blank = text.lower() in _BLANK
        value = None if blank else Printed.parse(text, f"{where}, {column}")
        if isinstance(heading, QuestionCategory):
            cells[heading] = value
        else:
            averages[heading] = value
    return ScoreRow(", ".join(name) or where, cells, averages)
