"""From printed accuracies alone back to how many questions of each kind were asked.

Every row of a column must be a rounding of k/n for one n. The more rows, the fewer small n are
left; which of them belong together, the averages over all questions decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from avqa_core.audit.questions import Questions
from avqa_core.audit.rounding import Printed, count_bounds
from avqa_core.audit.tables import ALL, ScoreRow, ScoreTable
from avqa_core.errors import AnnotationError
from avqa_core.types import QuestionCategory


@dataclass(frozen=True, slots=True)
class Recovered:
    """One set of question counts under which every cell of a table is possible.

    Attributes:
        counts: questions by category.
        follows: names of the rows whose average over all questions follows from the cells.
    """

    counts: Mapping[QuestionCategory, int]
    follows: tuple[str, ...]

    @property
    def total(self) -> int:
        """All questions."""
        return sum(self.counts.values())

    def as_questions(self, name: str) -> Questions:
        """Return the counts as a candidate test file."""
        return Questions(name, self.counts)


def possible_sizes(values: Sequence[Printed], limit: int) -> tuple[int, ...]:
    """Return every n up to ``limit`` for which all values are roundings of some k/n."""
    totals = np.arange(1, limit + 1)
    fits = np.ones(limit, dtype=bool)
    for one in values:
        low, high = count_bounds(one.units, totals, one.decimals)
        fits &= low <= high
    return tuple(int(n) for n in totals[fits])


def recover_counts(
    table: ScoreTable,
    *,
    total: int | None = None,
    depth: int = 5,
    limit: int = 20_000,
    keep: int = 5,
) -> tuple[Recovered, ...]:
    """Return the question counts that explain a table best, most averages first.

    For each column the ``depth`` smallest possible numbers of questions are tried in all
    combinations; with a known ``total`` one column, each in turn, takes what the others leave.
    Twice as many questions of each kind explain everything as well; the smallest total comes first.

    Args:
        table: every row in the order of the headings, each with an average over all questions.
        total: all questions of the file, if it is known.
        depth: sizes tried a column.
        limit: largest number of questions of a column.
        keep: how many answers to return.

    Raises:
        AnnotationError: a cell or an average is missing, or a column allows no number up to
            ``limit``.
    """
    columns, averages = _columns(table), _averages(table)
    sizes = {one: possible_sizes(values, limit) for one, values in columns.items()}
    for one, possible in sizes.items():
        if not possible:
            raise AnnotationError(
                f"{table.name}, {one}: expected values that are fractions of one number of "
                f"questions up to {limit}, got none that fits all {len(table.rows)} rows: leave "
                "out the rows whose columns stand in another order"
            )
    if total is None:
        tried = _combinations({one: some[:depth] for one, some in sizes.items()})
    else:
        tried = _with_total(sizes, depth, total)
    follows = _follow(tried, columns, averages)
    best = np.lexsort((np.sum(list(tried.values()), axis=0), -follows.sum(axis=1)))[:keep]
    return tuple(
        Recovered(
            {one: int(n[place]) for one, n in tried.items()},
            tuple(row.name for row, is_so in zip(table.rows, follows[place], strict=True) if is_so),
        )
        for place in best
    )


def _combinations(
    sizes: dict[QuestionCategory, tuple[int, ...]],
) -> dict[QuestionCategory, Int[np.ndarray, " tried"]]:
    """Return every combination of one size a column, as one array a column."""
    grids = np.meshgrid(*map(np.array, sizes.values()), indexing="ij")
    return {one: grid.ravel() for one, grid in zip(sizes, grids, strict=True)}


def _with_total(
    sizes: dict[QuestionCategory, tuple[int, ...]], depth: int, total: int
) -> dict[QuestionCategory, Int[np.ndarray, " tried"]]:
    """Return every combination that adds up: in turn, one column takes what the others leave."""
    found: list[np.ndarray] = []
    for last in sizes:
        tried = _combinations({one: some[:depth] for one, some in sizes.items() if one != last})
        left = total - np.sum(list(tried.values()), axis=0)
        fits = np.isin(left, sizes[last])
        tried[last] = left
        found.append(np.stack([tried[one][fits] for one in sizes]))
    columns = np.unique(np.concatenate(found, axis=1), axis=1)
    return dict(zip(sizes, columns, strict=True))


def _follow(
    tried: dict[QuestionCategory, Int[np.ndarray, " tried"]],
    columns: dict[QuestionCategory, list[Printed]],
    averages: list[Printed],
) -> Bool[np.ndarray, "tried rows"]:
    """Tell of each combination and each row whether the average follows from the cells."""
    totals = sum(tried.values())
    found = []
    for place, average in enumerate(averages):
        cells = [
            count_bounds(columns[one][place].units, n, columns[one][place].decimals)
            for one, n in tried.items()
        ]
        low, high = count_bounds(average.units, totals, average.decimals)
        first = np.maximum(sum(one for one, _ in cells), low)
        found.append(first <= np.minimum(sum(one for _, one in cells), high))
    return np.stack(found, axis=1)


def _columns(table: ScoreTable) -> dict[QuestionCategory, list[Printed]]:
    return {
        heading: [_present(row.cells[heading], table, row) for row in table.rows]
        for heading in table.headings
    }


def _averages(table: ScoreTable) -> list[Printed]:
    return [_present(row.averages.get(ALL), table, row) for row in table.rows]


def _present(value: Printed | None, table: ScoreTable, row: ScoreRow) -> Printed:
    if value is None:
        raise AnnotationError(
            f"{table.name}, {row.name}: expected every cell and the average over all questions, "
            "got an empty one: leave the row out"
        )
    return value
