"""Try every test file and every order of columns on a printed row.

Groups are independent of each other, so that orders are tried group by group; only the average
over all questions joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from math import factorial, prod

from avqa_core.audit.findings import (
    AverageCheck,
    Explanation,
    Misfit,
    Order,
    Orders,
    RowAudit,
    TableAudit,
)
from avqa_core.audit.questions import Questions, groups_of
from avqa_core.audit.rounding import Printed, consistent_counts
from avqa_core.audit.tables import ALL, ScoreRow, ScoreTable
from avqa_core.errors import AnnotationError, ConfigError
from avqa_core.types import QuestionCategory

MOST_EXPLANATIONS = 20_000


def audit(
    table: ScoreTable, files: Sequence[Questions], orders: Orders = "within_groups"
) -> TableAudit:
    """Check every row of a table against every candidate test file.

    Args:
        table: as printed.
        files: which questions may have been scored.
        orders: which columns may stand under each other's headings: those of one group, or none.

    Raises:
        AnnotationError: a file and the table do not have the same categories.
        ConfigError: the cells tell so little that too many hypotheses explain a row.
    """
    for file in files:
        _require_categories(table, file)
    rows = tuple(audit_row(row, files, orders) for row in table.rows)
    return TableAudit(table, tuple(files), orders, rows)


def audit_row(
    row: ScoreRow, files: Sequence[Questions], orders: Orders = "within_groups"
) -> RowAudit:
    """Check one row; see ``audit``."""
    found = [one for file in files for one in explanations(row, file, orders)]
    found.sort(key=lambda one: (len(one.failing), len(one.moved)))
    return RowAudit(
        row=row,
        as_headed={
            file.name: {one: _fit(value, file.counts[one]) for one, value in row.cells.items()}
            for file in files
        },
        explanations=tuple(found),
        misfits=tuple(_misfit(row, file, orders) for file in files),
        num_hypotheses=len(files) * num_orders(row.cells, orders),
    )


def num_orders(headings: Iterable[QuestionCategory], orders: Orders = "within_groups") -> int:
    """Return how many orders of the columns are tried."""
    if orders == "as_printed":
        return 1
    return prod(factorial(len(group)) for group in groups_of(headings).values())


def explanations(
    row: ScoreRow, file: Questions, orders: Orders = "within_groups"
) -> Iterator[Explanation]:
    """Yield what explains all cells of a row as scored on one file."""
    groups = groups_of(row.cells).values()
    options = []
    for headings in groups:
        fitting = _orders(row, headings, file, orders, allowed=0)
        options.append(list(islice(fitting, MOST_EXPLANATIONS + 1)))
        if not options[-1]:
            return  # what one group refuses, no other can save
    number = prod(map(len, options))
    if number > MOST_EXPLANATIONS:
        raise ConfigError(
            f"{row.name}: expected cells that tell columns apart, got {number} orders or more "
            f"that fit {file.name}: with so many questions nearly every number is possible, so "
            "audit the order as printed"
        )
    for chosen in product(*options):
        order = {heading: one for part in chosen for heading, one in part.items()}
        counts = {one: _fit(row.cells[heading], file.counts[one]) for heading, one in order.items()}
        yield Explanation(file.name, order, counts, tuple(_averages(row, file, counts)))


def _averages(
    row: ScoreRow, file: Questions, counts: dict[QuestionCategory, range]
) -> Iterator[AverageCheck]:
    """Check every printed average whose categories all have a column."""
    for group, printed in row.averages.items():
        members = list(file.counts) if group == ALL else file.groups.get(group, [])
        if printed is None or not members or any(one not in counts for one in members):
            continue
        total = file.total_of(members)
        sums = range(
            sum(counts[one][0] for one in members), sum(counts[one][-1] for one in members) + 1
        )
        yield AverageCheck(group, printed, total, sums, consistent_counts(printed, total))


def _misfit(row: ScoreRow, file: Questions, orders: Orders) -> Misfit:
    """Find the order with the fewest cells that do not fit."""
    found: list[QuestionCategory] = []
    for headings in groups_of(row.cells).values():
        for allowed in range(len(headings) + 1):
            order = next(_orders(row, headings, file, orders, allowed), None)
            if order is not None:
                found += [
                    heading
                    for heading, one in order.items()
                    if not _fit(row.cells[heading], file.counts[one])
                ]
                break
    return Misfit(file.name, tuple(found), sum(value is not None for value in row.cells.values()))


def _orders(
    row: ScoreRow,
    headings: Sequence[QuestionCategory],
    file: Questions,
    orders: Orders,
    allowed: int,
) -> Iterator[dict[QuestionCategory, QuestionCategory]]:
    """Yield every order of one group's columns that leaves at most ``allowed`` misfits."""
    fits = [
        [bool(_fit(row.cells[heading], file.counts[one])) for one in headings]
        for heading in headings
    ]
    if orders == "as_printed":
        if sum(not fits[place][place] for place in range(len(headings))) <= allowed:
            yield {heading: heading for heading in headings}
        return
    for places in _permutations(fits, allowed):
        yield {heading: headings[place] for heading, place in zip(headings, places, strict=True)}


def _permutations(
    fits: list[list[bool]], allowed: int, taken: tuple[int, ...] = ()
) -> Iterator[tuple[int, ...]]:
    """Yield places for the rows of ``fits``, as long as there are not too many misfits."""
    if len(taken) == len(fits):
        yield taken
        return
    for place, is_fit in enumerate(fits[len(taken)]):
        if place not in taken and allowed >= (not is_fit):
            yield from _permutations(fits, allowed - (not is_fit), (*taken, place))


def _fit(value: Printed | None, total: int) -> range:
    """Return the counts a cell allows; an empty cell allows all."""
    return range(total + 1) if value is None else consistent_counts(value, total)


def _require_categories(table: ScoreTable, file: Questions) -> None:
    for group, headings in groups_of(table.headings).items():
        if sorted(file.groups.get(group, [])) != sorted(headings):
            raise AnnotationError(
                f"{table.name}: expected the {group} columns "
                f"{', '.join(one.kind for one in file.groups.get(group, [])) or 'none'} of "
                f"{file.name}, got {', '.join(one.kind for one in headings)}: give a file with the "
                "categories of the table"
            )


def weighted_average(
    row: ScoreRow, file: Questions, members: Sequence[QuestionCategory], order: Order | None = None
) -> float:
    """Return the average over questions of some cells in per cent, whether they fit or not.

    Args:
        row: as printed.
        file: whose category counts are the weights.
        members: categories to average over.
        order: heading -> category; as printed if None.

    Raises:
        AnnotationError: a cell is empty.
    """
    heading_of = {one: heading for heading, one in (order or {}).items()}
    total = 0.0
    for one in members:
        cell = row.cells[heading_of.get(one, one)]
        if cell is None:
            raise AnnotationError(
                f"{row.name}, {one}: expected an accuracy, got an empty cell: leave the row out"
            )
        total += cell.percent * file.counts[one]
    return total / file.total_of(members)
