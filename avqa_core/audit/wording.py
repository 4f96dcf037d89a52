"""An audit in words, row by row: what explains it, what does not follow, what would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from avqa_core.audit.chances import chance_of_cells, fewest_decimals
from avqa_core.audit.findings import Explanation, Misfit, RowAudit, TableAudit
from avqa_core.audit.near_misses import one_digit_edits
from avqa_core.audit.repeats import repeated_blocks
from avqa_core.types import QuestionCategory

# of a row; digits that more explain as well say nothing about it
MOST_EXPLANATIONS = 8


def described(found: TableAudit) -> Iterator[str]:
    """Yield the lines of a report about a whole table."""
    files = ", ".join(f"{one.name} ({one.total} questions)" for one in found.files)
    yield f"{found.table.name}: {len(found.rows)} rows, {len(found.table.headings)} cells each"
    yield f"test files: {files}"
    for row in found.rows:
        yield ""
        yield from _row(row, found)
    yield ""
    for one in repeated_blocks(found.table):
        yield f"the same {one.group} cells {', '.join(one.values)} in: {'; '.join(one.rows)}"
    yield from _few(
        [
            f"explains every row that anything explains: {order_in_words(order)}"
            for order in found.common_orders
        ]
    )
    tried = max(row.num_hypotheses for row in found.rows)
    chance = chance_of_cells(
        found.table.headings, found.files, found.orders, fewest_decimals(found.table)
    )
    yield (
        f"a row of random numbers passes one of {tried} hypotheses with a chance of at most "
        f"{chance:.2g}"
    )


def order_in_words(order: Mapping[QuestionCategory, QuestionCategory]) -> str:
    """Say which headings stand over another category's values."""
    moved = [(heading, one) for heading, one in order.items() if heading != one]
    if not moved:
        return "columns as headed"
    return ", ".join(f"under '{heading}' stands {one}" for heading, one in moved)


def _row(row: RowAudit, found: TableAudit) -> Iterator[str]:
    yield row.row.name
    if row.best is None:
        for misfit in row.misfits:
            yield f"  {_misfit_in_words(misfit)}"
    yield from _few([f"  {_explanation_in_words(one)}" for one in row.explanations])
    if row.best is None or row.best.failing:
        for edit in one_digit_edits(row, found.files)[:3]:
            yield (
                f"  with {edit.instead.text} for {edit.printed.text} in {edit.where}: "
                f"{_left(edit.failing)}"
            )


def _few(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MOST_EXPLANATIONS]
    if (left := len(lines) - MOST_EXPLANATIONS) > 0:
        yield f"  and {left} more: these digits do not decide"


def _left(failing: tuple[str, ...]) -> str:
    if not failing:
        return "every average would follow"
    return f"all but {', '.join(failing)} would follow"


def _misfit_in_words(misfit: Misfit) -> str:
    named = ", ".join(map(str, misfit.headings)) or "none"
    return (
        f"{misfit.questions}: of {misfit.num_cells} cells at least {len(misfit.headings)} no "
        f"fraction of its questions ({named})"
    )


def _explanation_in_words(one: Explanation) -> str:
    said = f"{one.questions}, {order_in_words(one.order)}"
    if not one.failing:
        return f"{said}: every average follows" if one.averages else said
    wrong = ", ".join(
        f"{check.group} printed {check.printed.text}, cells give {check.recomputed.text} "
        f"({abs(check.excess)} right answers {'more' if check.excess > 0 else 'fewer'})"
        for check in one.failing
    )
    return f"{said}: {wrong}"
