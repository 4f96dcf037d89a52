"""Reports as a reader meets them: the table of scenarios, and one scenario by category."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure

from avqa_core.metrics import wilson_interval
from avqa_core.report import Report, Total
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.accuracy import accuracy_by_category
from avqa_core.viz.results import (
    accuracies_by_category,
    ceilings_by_category,
    floors_by_category,
)
from avqa_core.viz.style import mark_of
from avqa_core.viz.tables import Cell, Column, table

_COLUMNS = (
    Column("scenario", "scenario"),
    Column("method", "method"),
    Column("right", "right", digits=0),
    Column("of", "of", digits=0),
    Column("accuracy", "accuracy (%)", scale=100, best="highest"),
    Column("interval", "95 % over questions (%)"),
    Column("floor", "floor (%)", scale=100),
    Column("ceiling", "ceiling (%)", scale=100),
)


def scenario_table(
    reports: Mapping[str, Report], *, caption: str, group: str | None = None
) -> Rich:
    """Return one row a scenario and method, the best method of each scenario marked.

    Args:
        reports: method -> one report each, of the same questions.
        caption: what the table shows.
        group: only questions of one group, such as ``Audio``; all if None.
    """
    return table(_COLUMNS, list(_rows(reports, group)), caption=caption, among="scenario")


def category_figure(reports: Mapping[str, Report], scenario: str) -> Figure:
    """Draw each category between its floor and its ceiling, one mark a method.

    Args:
        reports: method -> one report each, of the same questions.
        scenario: which one.
    """
    first = next(iter(reports.values()))
    return accuracy_by_category(
        accuracies_by_category({name: [report] for name, report in reports.items()}, scenario),
        floors=floors_by_category(first, scenario),
        ceilings=ceilings_by_category(first, scenario),
    )


def _rows(reports: Mapping[str, Report], group: str | None) -> Iterator[dict[str, Cell]]:
    scenarios = dict.fromkeys(name for report in reports.values() for name in report.scenarios)
    for scenario in scenarios:
        for method, report in reports.items():
            if scenario in report.scenarios:
                yield {
                    "scenario": mark_of(scenario).label,
                    "method": mark_of(method).label,
                    **_numbers(report.total(scenario, group)),
                }


def _numbers(total: Total) -> dict[str, Cell]:
    interval = wilson_interval(total.tally)
    return {
        "right": total.tally.correct,
        "of": total.tally.total,
        "accuracy": total.tally.accuracy,
        "interval": f"{100 * interval.low:.1f} to {100 * interval.high:.1f}",
        "floor": total.floor,
        "ceiling": total.ceiling,
    }
