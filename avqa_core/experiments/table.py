"""Stored results as one table: for a spreadsheet, and for the terminal."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from avqa_core.experiments.results import Stored

COLUMNS = (
    "experiment", "scenario", "seeds", "correct", "total", "accuracy", "low", "high", "floor",
    "ceiling", "trained_parameters", "total_parameters", "steps", "seconds",
)  # fmt: skip
Row = dict[str, str | int | float | None]


def rows(stored: Stored) -> Iterator[Row]:
    """Yield one row for each experiment and scenario.

    ``correct`` lists the counts by seed; accuracy is the mean over seeds with its 95 % interval,
    fractions all of them; seconds are of training, mean over seeds.
    """
    for name in stored.names():
        cost, seeds = stored.cost(name), stored.seeds(name)
        for scenario in stored.run(name, seeds[0]).counts:
            tallies = [stored.tally(name, seed, scenario) for seed in seeds]
            interval = stored.accuracy(name, scenario)
            yield {
                "experiment": name,
                "scenario": scenario,
                "seeds": " ".join(map(str, seeds)),
                "correct": " ".join(str(one.correct) for one in tallies),
                "total": tallies[0].total,
                "accuracy": interval.estimate,
                "low": _known(interval.low),
                "high": _known(interval.high),
                "floor": stored.floor(name),
                "ceiling": stored.ceiling(name, scenario),
                **cost,
            }


def write_csv(stored: Stored, path: Path) -> int:
    """Write the table and return the number of its rows."""
    found = list(rows(stored))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(found)
    return len(found)


def text(stored: Stored) -> str:
    """Return the table for a terminal: a line for each experiment, a column for each scenario."""
    found = list(rows(stored))
    names = list(dict.fromkeys(str(row["experiment"]) for row in found))
    scenarios = list(dict.fromkeys(str(row["scenario"]) for row in found))
    cells = {(row["experiment"], row["scenario"]): _cell(row) for row in found}
    width = max(map(len, [*names, "ceiling"]), default=0)
    lines = [" ".join([" " * width, *(f"{one:>16}" for one in scenarios), f"{'seconds':>8}"])]
    for name in names:
        values = [f"{cells.get((name, one), '-'):>16}" for one in scenarios]
        lines.append(
            " ".join([f"{name:<{width}}", *values, f"{stored.cost(name)['seconds']:>8.0f}"])
        )
    for bound in ("floor", "ceiling"):
        by_scenario = {str(row["scenario"]): row[bound] for row in found}
        values = [f"{_percent(by_scenario[one]):>16}" for one in scenarios]
        lines.append(" ".join([f"{bound:<{width}}", *values]))
    return "\n".join(lines) + "\n"


def _cell(row: Row) -> str:
    accuracy, high = row["accuracy"], row["high"]
    assert isinstance(accuracy, float)
    spread = "" if not isinstance(high, float) else f" ± {100 * (high - accuracy):.1f}"
    return f"{100 * accuracy:.1f}{spread}"


def _percent(value: object) -> str:
    return f"{100 * value:.1f}" if isinstance(value, float) else "-"


def _known(bound: float) -> float | None:
    return None if math.isnan(bound) else bound
