"""How likely arithmetic would be satisfied by numbers that are no accuracies at all.

A check is worth what it refuses. For single cells the chance is exact; over all hypotheses that
were tried it is bounded by their sum; simulation says how far the bound is from the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from avqa_core.audit.explaining import explanations, num_orders
from avqa_core.audit.findings import AverageCheck, Explanation, Orders
from avqa_core.audit.questions import Questions, groups_of
from avqa_core.audit.rounding import (
    Printed,
    count_bounds,
    printed_count,
    scale_of,
    share_in_common,
    share_of_values,
)
from avqa_core.audit.tables import ALL, ScoreRow, ScoreTable
from avqa_core.metrics import Tally
from avqa_core.types import QuestionCategory


def chance_of_cells(
    headings: Sequence[QuestionCategory],
    files: Sequence[Questions],
    orders: Orders = "within_groups",
    decimals: int = 2,
) -> float:
    """Return at most how likely a row of random cells has any explanation.

    Cells are independent and even over all numbers from 0 to 100 with so many decimals. Each order
    of each file has the same product of shares; their sum bounds the chance that any passes.
    """
    shares = [prod(share_of_values(file.counts[one], decimals) for one in headings)
              for file in files]  # fmt: skip
    return min(1.0, num_orders(headings, orders) * sum(shares))


def fewest_decimals(table: ScoreTable) -> int:
    """Return the fewest decimals of any cell: with fewer, more numbers pass."""
    cells = [one for row in table.rows for one in row.cells.values() if one is not None]
    return min((one.decimals for one in cells), default=0)


def chance_of_the_other_file(
    headings: Sequence[QuestionCategory],
    scored_on: Questions,
    checked_on: Questions,
    orders: Orders = "within_groups",
    decimals: int = 2,
) -> float:
    """Return at most how likely a true row of one file passes as a row of the other.

    Every count of right answers is taken as equally likely, cell by cell. For orders that exchange
    columns the largest of the exchanged shares stands in, which keeps the bound one.
    """
    shares = []
    for group in groups_of(headings).values():
        as_headed = [share_in_common(scored_on.counts[one], checked_on.counts[one], decimals)
                     for one in group]  # fmt: skip
        crossed = [
            max(share_in_common(scored_on.counts[one], checked_on.counts[other], decimals)
                for other in group)
            for one in group
        ]  # fmt: skip
        several = num_orders(group, orders)
        shares.append(prod(as_headed) if several == 1 else several * prod(crossed))
    return min(1.0, prod(shares))


def chance_of_averages(row: ScoreRow, found: Explanation) -> float:
    """Return how likely random averages would all follow from a row's cells, exactly.

    A random average is even over what any average of its parts could be: from the smallest to the
    largest cell of its group, for ``All`` from the smallest to the largest average of a group.
    """
    return prod(_chance_of_average(row, found, one) for one in found.averages)


def _chance_of_average(row: ScoreRow, found: Explanation, check: AverageCheck) -> float:
    low, high = _extremes(row, found, check)
    scale, cells = check.printed.scale, check.from_cells
    units = np.arange(round(low * scale), round(high * scale) + 1)
    first, last = count_bounds(units, check.total, check.printed.decimals)
    return float(np.mean(np.maximum(first, cells[0]) <= np.minimum(last, cells[-1])))


def _extremes(row: ScoreRow, found: Explanation, check: AverageCheck) -> tuple[float, float]:
    """Return the smallest and the largest fraction that an average could take."""
    groups = [one for one in found.averages if one.group != ALL]
    if check.group == ALL and len(groups) > 1:
        parts = [one.from_cells[0] / one.total for one in groups]
    else:
        cells = row.cells if check.group == ALL else row.in_group(check.group)
        parts = [one.percent / 100 for one in cells.values() if isinstance(one, Printed)]
    return min(parts), max(parts)


def simulated_cells(
    headings: Sequence[QuestionCategory],
    files: Sequence[Questions],
    *,
    generator: np.random.Generator,
    num_rows: int,
    decimals: int = 2,
) -> Tally:
    """Draw rows of random cells and count those that have any explanation."""
    scale = scale_of(decimals)
    drawn = generator.integers(0, scale + 1, size=(num_rows, len(headings)))
    blank = Printed("", 0, decimals)
    rows = (
        ScoreRow("random", dict(zip(headings, map(blank.moved_to, map(int, units)), strict=True)),
                 {})
        for units in drawn
    )  # fmt: skip
    return Tally(
        sum(any(any(True for _ in explanations(row, one)) for one in files) for row in rows),
        num_rows,
    )


def simulated_alterations(
    scored_on: Questions,
    files: Sequence[Questions],
    *,
    generator: np.random.Generator,
    num_rows: int,
    largest: int = 100,
    decimals: int = 2,
) -> Tally:
    """Draw true rows, change one cell of each, and count those in which the change is noticed.

    A change is noticed if no explanation is left in which every average follows.

    Args:
        scored_on: the file of the true rows; counts of right answers are drawn evenly.
        files: the candidates that the audit knows.
        generator: source of the draws.
        num_rows: how many.
        largest: a cell moves by one to so many units of its last digit, up or down.
        decimals: of the print.
    """
    noticed = 0
    for _ in range(num_rows):
        row = true_row(scored_on, generator=generator, decimals=decimals)
        heading = list(row.cells)[int(generator.integers(len(row.cells)))]
        cell = row.cells[heading]
        assert cell is not None
        step = int(generator.integers(1, largest + 1)) * (1 if generator.random() < 0.5 else -1)
        moved = cell.units + step if 0 <= cell.units + step <= cell.scale else cell.units - step
        changed = ScoreRow(row.name, {**row.cells, heading: cell.moved_to(moved)}, row.averages)
        left = (one for file in files for one in explanations(changed, file))
        noticed += all(one.failing for one in left)
    return Tally(noticed, num_rows)


def true_row(
    questions: Questions, *, generator: np.random.Generator, decimals: int = 2
) -> ScoreRow:
    """Return a row as an honest program would print it, its right answers drawn evenly."""
    right = {one: int(generator.integers(0, n + 1)) for one, n in questions.counts.items()}
    cells = {one: printed_count(right[one], n, decimals) for one, n in questions.counts.items()}
    averages: dict[str, Printed | None] = {}
    for group, members in {**questions.groups, ALL: list(questions.counts)}.items():
        total = questions.total_of(members)
        averages[group] = printed_count(sum(right[one] for one in members), total, decimals)
    return ScoreRow("drawn", dict(cells), averages)
