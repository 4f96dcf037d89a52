"""Accuracy with its floor, its ceiling and its spread over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avqa_core.metrics import seed_interval
from avqa_core.viz.style import (
    BOUNDS,
    CEILING_COLOUR,
    FLOOR_COLOUR,
    READABLE,
    mark_of,
    marks_of,
    new_figure,
)

Number = int | float
Seeds = Sequence[Number]
LARGEST_NUM_COLUMNS = 4


def accuracy_by_scenario(
    accuracies: Mapping[str, Mapping[str, Seeds]],
    *,
    floors: Mapping[str, Number] | None = None,
    ceilings: Mapping[str, Number] | None = None,
) -> Figure:
    """Draw one panel a scenario, one row a method: seeds as dots, mean with 95 % interval.

    Args:
        accuracies: method -> scenario -> one fraction a seed.
        floors: scenario -> what the question alone gives; the area below is shaded.
        ceilings: scenario -> what a perfect observer could reach; the area above is shaded.
    """
    methods = list(accuracies)
    scenarios = list(dict.fromkeys(name for rows in accuracies.values() for name in rows))
    marks = marks_of(methods)
    columns = min(LARGEST_NUM_COLUMNS, len(scenarios))
    rows = -(-len(scenarios) // columns)
    figure, panels = new_figure(
        rows=rows,
        columns=columns,
        height=rows * (1.2 + 0.34 * len(methods)),
        sharex=True,
        sharey=True,
    )
    for panel, scenario in zip(panels, scenarios, strict=False):
        bands = _bands(panel, (floors or {}).get(scenario), (ceilings or {}).get(scenario))
        for row, method in enumerate(methods):
            seeds = accuracies[method].get(scenario, ())
            if len(seeds):
                _seeds_on_row(panel, float(row), seeds, marks[method].colour, marks[method].marker)
        panel.set_title("\n".join([mark_of(scenario).label, *bands]))
        panel.set(xlim=(0, 100), ylim=(len(methods) - 0.4, -0.9), xlabel="accuracy (%)")
        panel.grid(axis="y", visible=False)
    for spare in panels[len(scenarios) :]:
        spare.set_axis_off()
    panels[0].set_yticks(range(len(methods)), [marks[name].label for name in methods])
    return figure


def accuracy_by_category(
    accuracies: Mapping[str, Mapping[str, Seeds]],
    *,
    floors: Mapping[str, Number],
    ceilings: Mapping[str, Number],
) -> Figure:
    """Draw one row a question category, each method on it, between its own floor and ceiling.

    Args:
        accuracies: method -> category -> one fraction a seed.
        floors: category -> fraction.
        ceilings: category -> fraction.
    """
    methods = list(accuracies)
    categories = list(dict.fromkeys(name for rows in accuracies.values() for name in rows))
    marks = marks_of(methods)
    figure, (panel,) = new_figure(height=1.2 + 0.4 * len(categories))
    offsets = np.linspace(-0.2, 0.2, len(methods)) if len(methods) > 1 else [0.0]
    for row, category in enumerate(categories):
        floor, ceiling = floors.get(category), ceilings.get(category)
        if floor is not None and ceiling is not None:
            panel.barh(
                row, 100 * (ceiling - floor), left=100 * floor, height=0.66, color="#e9ecef",
                edgecolor=FLOOR_COLOUR, linewidth=0.6, zorder=1,
            )  # fmt: skip
        for offset, method in zip(offsets, methods, strict=True):
            seeds = accuracies[method].get(category, ())
            if len(seeds):
                mark = marks[method]
                _seeds_on_row(panel, row + float(offset), seeds, mark.colour, mark.marker, False)
    for mark in marks.values():
        panel.plot([], [], mark.marker, color=mark.colour, label=mark.label)
    panel.barh([0], [0], color="#e9ecef", edgecolor=FLOOR_COLOUR, label="floor to ceiling")
    panel.set_yticks(range(len(categories)), categories)
    panel.set(xlim=(0, 100), ylim=(len(categories) - 0.4, -0.6), xlabel="accuracy (%)")
    panel.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=min(3, len(marks) + 1))
    return figure


def _seeds_on_row(
    panel: Axes, row: float, seeds: Seeds, colour: str, marker: str, is_labelled: bool = True
) -> None:
    """Draw the mean with its interval and a small dot for each seed."""
    values = [100 * float(value) for value in seeds]
    interval = seed_interval(values)
    if len(values) > 1:
        low, high = max(interval.low, 0.0), min(interval.high, 100.0)
        panel.hlines(row, low, high, color=colour, linewidth=2.2, zorder=3)
        panel.plot(values, [row] * len(values), ".", color=colour, alpha=0.55, ms=4, zorder=3)
    panel.plot(interval.estimate, row, marker, color=colour, ms=6.5, zorder=4, mew=1.4)
    if is_labelled:
        panel.annotate(
            f"{interval.estimate:.1f}", (interval.estimate, row), xytext=(0, 6),
            textcoords="offset points", ha="center", fontsize=9, path_effects=READABLE,
        )  # fmt: skip


def _bands(panel: Axes, floor: float | None, ceiling: float | None) -> list[str]:
    """Shade what the question alone gives and what nobody could reach; return both in words."""
    words = []
    if floor is not None:
        panel.axvspan(0, 100 * floor, color="#e9e9e9", zorder=0)
        panel.axvline(
            100 * floor, color=FLOOR_COLOUR, linestyle=BOUNDS["floor"].line, linewidth=1.2, zorder=1
        )
        words.append(f"floor {100 * floor:.0f}")
    if ceiling is not None:
        panel.axvspan(100 * ceiling, 100, color="#f1ead9", zorder=0)
        panel.axvline(
            100 * ceiling,
            color=CEILING_COLOUR,
            linestyle=BOUNDS["ceiling"].line,
            linewidth=1.4,
            zorder=1,
        )
        words.append(f"ceiling {100 * ceiling:.0f}")
    return words
