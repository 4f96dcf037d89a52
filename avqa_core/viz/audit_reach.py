"""How far the audit of a printed table reaches: chances, bounds, and rows whose file is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from avqa_core.audit import chances
from avqa_core.audit.findings import TableAudit
from avqa_core.audit.questions import groups_of
from avqa_core.audit.rescoring import rescored
from avqa_core.audit.tables import ALL
from avqa_core.errors import ConfigError
from avqa_core.metrics import wilson_interval
from avqa_core.viz.display import Rich
from avqa_core.viz.tables import Cell, Column, table


def chance_table(
    found: TableAudit, *, generator: np.random.Generator, num_rows: int, caption: str
) -> Rich:
    """Return how likely random cells pass, group by group: the bound and a simulation."""
    columns = [
        Column("cells", "cells of"),
        Column("hypotheses", "hypotheses", digits=0),
        Column("bound", "at most (%)"),
        Column("simulated", "simulated (%, 95 %)"),
    ]
    rows: list[dict[str, Cell]] = []
    for group, headings in {**groups_of(found.table.headings), ALL: found.table.headings}.items():
        bound = chances.chance_of_cells(headings, found.files)
        drawn = chances.simulated_cells(
            headings, found.files, generator=generator, num_rows=num_rows
        )
        interval = wilson_interval(drawn)
        rows.append(
            {
                "cells": group,
                "hypotheses": len(found.files) * chances.num_orders(headings),
                "bound": f"{100 * bound:.2g}",
                "simulated": f"{100 * drawn.accuracy:.2g} ({round(100 * interval.low, 6):.2g} to "
                f"{100 * interval.high:.2g})",
            }
        )
    return table(columns, rows, caption=caption)


def chance_words(found: TableAudit, *, seed: int, num_rows: int) -> dict[str, str]:
    """Return the chances that prose quotes: whole rows, the other file, averages, alterations.

    Args:
        found: an audit against two files, in which every row is explained.
        seed: of the simulated alterations.
        num_rows: how many are simulated.
    """
    headings, (first, second) = found.table.headings, found.files
    cells = chances.chance_of_cells(headings, found.files)
    other = max(
        chances.chance_of_the_other_file(headings, *pair)
        for pair in ((first, second), (second, first))
    )
    averages = max(
        chances.chance_of_averages(row.row, row.best) for row in found.rows if row.best is not None
    )
    altered = chances.simulated_alterations(
        second, found.files, generator=np.random.default_rng([seed, 1]), num_rows=num_rows
    )
    interval = wilson_interval(altered)
    return {
        "one_in": _one_in(cells),
        "other_in": _one_in(other),
        "averages_in": _one_in(averages),
        "noticed": f"{100 * altered.accuracy:.1f} % (95 % interval {100 * interval.low:.1f} to "
        f"{100 * interval.high:.1f})",
    }


def _one_in(chance: float) -> str:
    """Return the number of tries, rounded down to two digits, that a chance of one is in."""
    tries = int(1 / chance)
    unit = int(10 ** max(0, len(str(tries)) - 2))
    return f"{tries // unit * unit:,}"


def control_counts(found: TableAudit, stated: Mapping[str, str]) -> dict[str, int]:
    """Count how the audit does on rows whose test file is stated.

    Args:
        found: their audit.
        stated: row -> name of the file that its source states.
    """
    explained = [row for row in found.rows if row.best is not None]
    following = sum(row.best is not None and not row.best.failing for row in explained)
    return {
        "rows": len(found.rows),
        "explained": len(explained),
        "right_file": sum(
            row.best is not None and row.best.questions == stated[row.row.name] for row in explained
        ),
        "other_file": sum(
            any(one.questions != stated[row.row.name] for one in row.explanations)
            for row in explained
        ),
        "as_headed": sum(row.best is not None and not row.best.moved for row in explained),
        "all_follow": following,
        "unexplained": len(found.rows) - len(explained),
        "unfollowed": len(explained) - following,
    }


def rescored_table(
    found: TableAudit, pairs: Mapping[str, str], shared: int, *, caption: str
) -> Rich:
    """Return gains as printed, and the bounds they have if both rows were scored on one file.

    Args:
        found: the audit of the table.
        pairs: row of a baseline -> row that is compared with it.
        shared: rows that all the files share.
    """
    columns = [
        Column("row", "baseline"),
        Column("printed", "printed (%)", digits=2),
        Column("bounds", "on the file of the other row (%)"),
        Column("ours", "with the method, printed (%)", digits=2),
        Column("gain", "gain as printed", digits=2),
        Column("gains", "gain on one file"),
    ]
    rows: list[dict[str, Cell]] = []
    for baseline, method in pairs.items():
        low, high = rescored_bounds(found, baseline, method, shared)
        before, after = (found.table.row(one).averages[ALL] for one in (baseline, method))
        assert before is not None and after is not None
        rows.append(
            {
                "row": baseline,
                "printed": before.percent,
                "bounds": f"{low:.2f} to {high:.2f}",
                "ours": after.percent,
                "gain": after.percent - before.percent,
                "gains": f"{after.percent - high:.2f} to {after.percent - low:.2f}",
            }
        )
    return table(columns, rows, caption=caption)


def rescored_bounds(
    found: TableAudit, baseline: str, method: str, shared: int
) -> tuple[float, float]:
    """Return, in per cent, what a baseline would score on the file of the row beside it.

    Raises:
        ConfigError: nothing explains one of the rows.
    """
    files = {one.name: one for one in found.files}
    best, other = (found.row(one).best for one in (baseline, method))
    if best is None or other is None:
        raise ConfigError(
            f"expected explanations of {baseline} and {method}, got none for one of them: leave "
            "the pair out"
        )
    right = range(
        sum(counts[0] for counts in best.counts.values()),
        sum(counts[-1] for counts in best.counts.values()) + 1,
    )
    if best.questions == other.questions:
        total = files[best.questions].total
        return 100 * right[0] / total, 100 * right[-1] / total
    bounds = rescored(right, files[best.questions], files[other.questions], shared)
    return 100 * bounds.low, 100 * bounds.high
