"""Statements about printed tables, judged by counting the rows in which they hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from avqa_core.audit.findings import Order, RowAudit, TableAudit


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and in how many of the cases it speaks about it holds."""

    text: str
    holds: int
    of: int

    @property
    def verdict(self) -> str:
        """The verdict, which follows from the two numbers alone."""
        if self.of and self.holds == self.of:
            return "follows from the digits"
        return "does not hold" if not self.holds else "holds for some"


def about_rows(
    text: str, rows: Sequence[RowAudit], condition: Callable[[RowAudit], bool]
) -> Statement:
    """Judge a statement about rows."""
    return Statement(text, sum(map(condition, rows)), len(rows))


def about_tables(
    tables: Sequence[TableAudit],
    exchanged: Order,
    *,
    baselines: Collection[str],
    first: str,
    second: str,
) -> list[Statement]:
    """Judge what the book says about tables whose rows come from two test files.

    Args:
        tables: audits against both files.
        exchanged: the order of columns that the statements are about.
        baselines: methods said to come from the first file, by the first part of a row's name.
        first: name of that file.
        second: name of the file that all other rows are said to come from.
    """
    rows = [row for one in tables for row in one.rows]
    plain = [row for row in rows if row.row.name.split(", ")[0] in baselines]
    others = [row for row in rows if row not in plain]
    headed = {one: one for one in exchanged}
    return [
        about_rows(
            "AV Location and AV Counting stand under each other's heading",
            rows,
            lambda row: ordered_as(row, exchanged),
        ),
        about_rows(
            "some explanation leaves every column as headed",
            rows,
            lambda row: any(dict(one.order) == headed for one in row.explanations),
        ),
        about_rows(
            f"plain {', '.join(baselines)}: scored on the first release and on no other file",
            plain,
            lambda row: scored_on(row, first),
        ),
        about_rows(
            "all others: scored on the corrected file and on no other",
            others,
            lambda row: scored_on(row, second),
        ),
        averages_follow(tables, "averages follow from the cells"),
    ]


def scored_on(row: RowAudit, name: str) -> bool:
    """Tell whether a file, and no other, explains a row."""
    return bool(row.explanations) and {one.questions for one in row.explanations} == {name}


def ordered_as(row: RowAudit, order: Order) -> bool:
    """Tell whether a row's best explanation has this order and no other fits as well."""
    return row.best is not None and row.is_decided and dict(row.best.order) == dict(order)


def averages_follow(found: Sequence[TableAudit], text: str) -> Statement:
    """Judge the statement that every printed average follows from its cells."""
    checks = [
        check
        for one in found
        for row in one.rows
        if row.best is not None
        for check in row.best.averages
    ]
    return Statement(text, sum(check.follows for check in checks), len(checks))
