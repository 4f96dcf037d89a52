"""What the audit of a row or a table finds, as plain values.

A hypothesis is a test file and an assignment of the columns of each group to that group's
categories. It explains a row if every cell is a rounding of k/n for the n it assigns. The sums of
those k then decide exactly whether a printed average follows from the cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from avqa_core.audit.questions import Questions
from avqa_core.audit.rounding import Printed, printed_count
from avqa_core.audit.tables import ScoreRow, ScoreTable
from avqa_core.errors import AnnotationError
from avqa_core.types import QuestionCategory

Orders = Literal["within_groups", "as_printed"]
Order = Mapping[QuestionCategory, QuestionCategory]


@dataclass(frozen=True, slots=True)
class AverageCheck:
    """One printed average against the sum of its cells.

    Attributes:
        group: whose average, or ``All``.
        printed: as printed.
        total: questions that it averages over.
        from_cells: every number of right answers that the cells allow.
        from_print: every number of right answers that prints as ``printed``; empty if none does.
    """

    group: str
    printed: Printed
    total: int
    from_cells: range
    from_print: range

    @property
    def follows(self) -> bool:
        """Whether some number of right answers gives both the cells and the average."""
        return bool(
            range(
                max(self.from_cells.start, self.from_print.start),
                min(self.from_cells.stop, self.from_print.stop),
            )
        )

    @property
    def excess(self) -> int:
        """How many right answers the cells have more than the average, at least; 0 if it follows.

        Where no whole number prints as the average, the nearest one stands for it.
        """
        nearest = round(self.printed.units * self.total / self.printed.scale)
        wanted = self.from_print or range(nearest, nearest + 1)
        return max(0, self.from_cells[0] - wanted[-1]) or min(0, self.from_cells[-1] - wanted[0])

    @property
    def recomputed(self) -> Printed:
        """What the cells give, at least, printed with as many decimals."""
        return printed_count(self.from_cells[0], self.total, self.printed.decimals)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A hypothesis under which every cell of a row is possible.

    Attributes:
        questions: name of the test file.
        order: heading -> the category whose value stands under it.
        counts: category -> every number of right answers that its cell allows.
        averages: the printed averages, groups first.
    """

    questions: str
    order: Order
    counts: Mapping[QuestionCategory, range]
    averages: tuple[AverageCheck, ...]

    @property
    def moved(self) -> dict[QuestionCategory, QuestionCategory]:
        """The part of the order that is not as the headings say."""
        return {heading: one for heading, one in self.order.items() if heading != one}

    @property
    def failing(self) -> tuple[AverageCheck, ...]:
        """The averages that do not follow from the cells."""
        return tuple(one for one in self.averages if not one.follows)


@dataclass(frozen=True, slots=True)
class Misfit:
    """How far a test file is from explaining a row: its best order and the cells that do not fit.

    Attributes:
        questions: name of the test file.
        headings: those under which the value is no rounding, under the order with the fewest.
        num_cells: how many were checked.
    """

    questions: str
    headings: tuple[QuestionCategory, ...]
    num_cells: int


@dataclass(frozen=True, slots=True)
class RowAudit:
    """Everything that arithmetic tells about one row.

    Attributes:
        row: as printed.
        as_headed: test file -> heading -> the counts its cell allows if the heading is right.
        explanations: every hypothesis that fits, those with most averages that follow first.
        misfits: one for each test file; without headings where it explains the row.
        num_hypotheses: how many were tried.
    """

    row: ScoreRow
    as_headed: Mapping[str, Mapping[QuestionCategory, range]]
    explanations: tuple[Explanation, ...]
    misfits: tuple[Misfit, ...]
    num_hypotheses: int

    @property
    def best(self) -> Explanation | None:
        """The first explanation, None where nothing explains the row."""
        return self.explanations[0] if self.explanations else None

    @property
    def explained(self) -> Explanation:
        """The first explanation.

        Raises:
            AnnotationError: nothing explains the row.
        """
        if self.best is None:
            raise AnnotationError(
                f"{self.row.name}: expected an explanation, got none under {self.num_hypotheses} "
                "hypotheses: look at the misfits"
            )
        return self.best

    @property
    def is_decided(self) -> bool:
        """Whether the averages single one explanation out; equal values may change places."""
        ranked = [(len(one.failing), one.questions, one.counts) for one in self.explanations]
        return bool(ranked) and all(one[0] > ranked[0][0] or one == ranked[0] for one in ranked)


@dataclass(frozen=True, slots=True)
class TableAudit:
    """The audit of every row of a table against the same test files.

    Attributes:
        table: as printed.
        files: the candidates.
        orders: which orders of columns were tried.
        rows: in the order of the table.
    """

    table: ScoreTable
    files: tuple[Questions, ...]
    orders: Orders
    rows: tuple[RowAudit, ...]

    def row(self, name: str) -> RowAudit:
        """Return the audit of the row of that name."""
        return self.rows[self.table.rows.index(self.table.row(name))]

    @property
    def common_orders(self) -> tuple[Order, ...]:
        """The column orders that explain every row that anything explains."""
        per_row = [[one.order for one in row.explanations] for row in self.rows if row.best]
        first, *others = per_row or [[]]
        found: list[Order] = []
        for order in first:
            if order not in found and all(order in one for one in others):
                found.append(order)
        return tuple(found)
