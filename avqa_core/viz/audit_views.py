"""The audit of a printed table as a reader meets it: which cells fit, what follows, how likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from avqa_core.audit.explaining import weighted_average
from avqa_core.audit.findings import Order, RowAudit, TableAudit
from avqa_core.audit.near_misses import one_digit_edits
from avqa_core.audit.program import Point
from avqa_core.audit.recovery import Recovered, possible_sizes
from avqa_core.audit.rounding import consistent_counts
from avqa_core.audit.statements import Statement
from avqa_core.audit.tables import ScoreTable
from avqa_core.types import QuestionCategory
from avqa_core.viz.display import Rich
from avqa_core.viz.style import BLUE, FLOOR_COLOUR, GREY, INK, ORANGE, new_figure
from avqa_core.viz.tables import Cell, Column, table

FILES = {"avqa-test.original": "first release", "avqa-test": "corrected"}
_SHORT = {"Audio": "A", "Visual": "V", "Audio-Visual": "AV"}
# What a cell fits, as bits: first candidate file 1, second 2.
_SIGNS = ("\N{MULTIPLICATION SIGN}", "1", "2", "=")
_COLOURS = ("white", ORANGE, BLUE, GREY)


def file_label(name: str) -> str:
    """Return how the book calls a test file."""
    return FILES.get(name, name)


def fit_figure(found: TableAudit, order: Order) -> Figure:
    """Draw which of two test files each cell can come from, as headed and under an order.

    Args:
        found: an audit against two files.
        order: heading -> category.
    """
    rows = [row.row.name for row in found.rows]
    figure, panels = new_figure(columns=2, height=1.5 + 0.22 * len(rows), sharey=True)
    for panel, chosen, title in (
        (panels[0], {}, "columns as headed"),
        (panels[1], order, _exchanged(order)),
    ):
        _draw_fits(panel, _fits(found, chosen))
        panel.set_title(title)
        names = [_heading(one) for one in found.table.headings]
        panel.set_xticks(range(len(names)), names, rotation=60, ha="right")
    panels[0].set_yticks(range(len(rows)), rows)
    first, second = (file_label(one.name) for one in found.files)
    for sign, colour, label in zip(
        _SIGNS, _COLOURS, ("neither", f"{first} only", f"{second} only", "both"), strict=True
    ):
        panels[0].plot([], [], "s", color=colour, mec=INK, mew=0.5, ms=8, label=f"{sign} {label}")
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def _fits(found: TableAudit, order: Order) -> np.ndarray:
    """Return for each row and column which files the cell fits, as bits."""
    fits = np.zeros((len(found.rows), len(found.table.headings)), dtype=int)
    for place, row in enumerate(found.rows):
        for column, heading in enumerate(found.table.headings):
            cell = row.row.cells[heading]
            for bit, file in enumerate(found.files):
                total = file.counts[order.get(heading, heading)]
                if cell is not None and consistent_counts(cell, total):
                    fits[place, column] |= 1 << bit
    return fits


def _draw_fits(panel: Axes, fits: np.ndarray) -> None:
    panel.imshow(fits, cmap=ListedColormap(_COLOURS), vmin=0, vmax=3, aspect="auto")
    for (row, column), value in np.ndenumerate(fits):
        colour = "white" if value == 2 else INK
        panel.text(column, row, _SIGNS[value], ha="center", va="center", color=colour, fontsize=9)
    panel.set_xticks(np.arange(fits.shape[1] + 1) - 0.5, minor=True)
    panel.set_yticks(np.arange(fits.shape[0] + 1) - 0.5, minor=True)
    panel.grid(visible=False)
    panel.grid(visible=True, which="minor", color=INK, linewidth=0.4)
    panel.tick_params(which="both", length=0)


def _heading(category: QuestionCategory) -> str:
    return f"{_SHORT.get(category.group, category.group)} {category.kind}"


def _exchanged(order: Order) -> str:
    """Say which columns stand under each other's heading."""
    moved = [_heading(heading) for heading, one in order.items() if heading != one]
    return f"{' and '.join(moved)} exchanged"


def averages_figure(found: TableAudit, order: Order, group: str) -> Figure:
    """Draw how far a printed average is from its cells, as headed and under an order.

    Args:
        found: an audit; rows without an explanation or an average are left out.
        order: heading -> category.
        group: whose average.
    """
    shown = [row for row in found.rows if row.best is not None and row.row.averages.get(group)]
    figure, (panel,) = new_figure(height=1.3 + 0.22 * len(shown))
    panel.axvline(0, color=FLOOR_COLOUR, linestyle="--", linewidth=1, zorder=0)
    for label, chosen, sign, colour in (
        ("columns as headed", None, "o", ORANGE),
        (_exchanged(order), order, "s", BLUE),
    ):
        offsets = [_offset(found, row, group, chosen) for row in shown]
        filled = colour if chosen else "white"
        panel.plot(offsets, range(len(shown)), sign, mfc=filled, color=colour, label=label)
    panel.set_yticks(range(len(shown)), [row.row.name for row in shown])
    panel.invert_yaxis()
    panel.set_xlabel(f"{group} average: from the cells minus printed (points)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _offset(found: TableAudit, row: RowAudit, group: str, order: Order | None) -> float:
    """Return the average of a row's cells minus the printed one, on the file that explains it."""
    printed = row.row.averages[group]
    assert row.best is not None and printed is not None
    file = next(one for one in found.files if one.name == row.best.questions)
    return weighted_average(row.row, file, file.groups[group], order) - printed.percent


def verdict_table(audits: Mapping[str, TableAudit], *, caption: str) -> Rich:
    """Return one row a row: the test file, the order of its columns, what does not follow.

    Args:
        audits: by the number of the table.
        caption: what the table shows.
    """
    columns = [
        Column("row", "table, row"),
        Column("file", "test file"),
        Column("order", "exchanged headings"),
        Column("others", "cells that fit the other file", digits=0),
        Column("averages", "averages off: printed, from the cells"),
        Column("tried", "explanations", digits=0),
    ]
    rows = [
        _verdict(row) | {"row": f"{number}, {row.row.name}"}
        for number, found in audits.items()
        for row in found.rows
    ]
    return table(columns, rows, caption=caption)


def _verdict(row: RowAudit) -> dict[str, Cell]:
    best = row.best
    if best is None:
        fewest = min(row.misfits, key=lambda one: len(one.headings))
        wrong = ", ".join(map(str, fewest.headings))
        return {"row": row.row.name, "file": "none", "averages": f"no fraction: {wrong}"}
    other = [one for one in row.misfits if one.questions != best.questions]
    return {
        "row": row.row.name,
        "file": file_label(best.questions),
        # Joined without a break, so that a row of the table stays one line.
        "order": "\N{NO-BREAK SPACE}↔\N{NO-BREAK SPACE}".join(
            sorted(_heading(one).replace(" ", "\N{NO-BREAK SPACE}") for one in best.moved)
        )
        or "none",
        "others": min((one.num_cells - len(one.headings) for one in other), default=None),
        "averages": "; ".join(
            f"{one.group} {one.printed.text}, {one.recomputed.text}" for one in best.failing
        )
        or "all follow",
        "tried": len(row.explanations),
    }


def mending_table(found: TableAudit, *, caption: str) -> Rich:
    """Return, for each row that does not add up, the single digits that would change that."""
    columns = [
        Column("row", "row"),
        Column("where", "number"),
        Column("printed", "printed"),
        Column("instead", "with one digit changed"),
        Column("failing", "averages that then still do not follow"),
    ]
    rows: list[dict[str, Cell]] = [
        {
            "row": row.row.name,
            "where": f"{edit.where} average" if isinstance(edit.where, str) else str(edit.where),
            "printed": edit.printed.text,
            "instead": edit.instead.text,
            "failing": ", ".join(edit.failing) or "none",
        }
        for row in found.rows
        if row.best is None or row.best.failing
        for edit in one_digit_edits(row, found.files)
    ]
    return table(columns, rows, caption=caption)


def sizes_table(
    scores: ScoreTable, found: Recovered, *, limit: int, shown: int, caption: str
) -> Rich:
    """Return, for each column, the smallest numbers of questions that allow all of its values."""
    columns = [
        Column("type", "question type"),
        Column("possible", f"smallest numbers of questions that fit {len(scores.rows)} rows"),
        Column("recovered", "recovered", digits=0),
    ]
    rows: list[dict[str, Cell]] = []
    for heading in scores.headings:
        values = [cell for row in scores.rows if (cell := row.cells[heading]) is not None]
        sizes = possible_sizes(values, limit)[:shown]
        rows.append(
            {
                "type": heading.kind,
                "possible": ", ".join(map(str, sizes)),
                "recovered": found.counts[heading],
            }
        )
    rows.append({"type": "all", "recovered": found.total})
    return table(columns, rows, caption=caption)


def order_table(found: TableAudit, *, caption: str) -> Rich:
    """Return for each row of one group of columns the order that explains it and its average."""
    columns = [
        Column("row", "row"),
        Column("order", "order of the columns"),
        Column("printed", "printed average"),
        Column("cells", "from the cells"),
        Column("excess", "right answers more in the cells", digits=0),
        Column("explanations", "orders that fit the cells", digits=0),
    ]
    rows: list[dict[str, Cell]] = []
    for row in found.rows:
        if row.best is None:
            rows.append({"row": row.row.name, "order": "none fits"})
            continue
        (check,) = row.best.averages
        rows.append(
            {
                "row": row.row.name,
                "order": _order_name(row.best.order),
                "printed": check.printed.text,
                "cells": check.recomputed.text,
                "excess": check.excess,
                "explanations": len(row.explanations),
            }
        )
    return table(columns, rows, caption=caption)


def _order_name(order: Order) -> str:
    headings, categories = list(order), list(order.values())
    if headings == categories:
        return "as headed"
    return "reversed" if headings == categories[::-1] else "another"


def points_table(points: Sequence[Point], *, caption: str) -> Rich:
    """Return the paper beside its released program, and what chooses here."""
    columns = [
        Column("topic", "point"),
        Column("paper", "paper"),
        Column("program", "released program"),
        Column("field", "field here"),
        Column("chosen", "preset paper / released_code"),
        Column("test", "shown by"),
    ]
    rows: list[dict[str, Cell]] = [
        {
            "topic": one.topic,
            "paper": one.paper,
            "program": one.program,
            "field": one.field or one.here,
            "chosen": f"{' / '.join(one.chosen)}{f' ({one.here})' if one.here else ''}"
            if one.chosen
            else None,
            "test": one.test.replace("tests/", "", 1) or None,
        }
        for one in points
    ]
    return table(columns, rows, caption=caption)


def statements_table(statements: Sequence[Statement], *, caption: str) -> Rich:
    """Return statements with the cases in which they hold, and the verdict that follows."""
    columns = [
        Column("text", "statement"),
        Column("holds", "holds in", digits=0),
        Column("of", "of", digits=0),
        Column("verdict", "verdict"),
    ]
    rows: list[dict[str, Cell]] = [
        {"text": one.text, "holds": one.holds, "of": one.of, "verdict": one.verdict}
        for one in statements
    ]
    return table(columns, rows, caption=caption)
