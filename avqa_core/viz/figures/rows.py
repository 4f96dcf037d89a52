"""One row a thing, one mark a series: comparisons that read from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avqa_core.metrics import seed_interval
from avqa_core.viz.figures.accuracy import Number, Seeds
from avqa_core.viz.style import FLOOR_COLOUR, Mark, marks_of, new_figure


def marked_rows(
    values: Mapping[str, Mapping[str, Seeds]],
    *,
    xlabel: str,
    xlim: tuple[Number, Number] | None = None,
    references: Mapping[str, Number] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Draw rows of marks: each series at its mean, with a 95 % interval where it has seeds.

    Args:
        values: row -> series -> one number a seed, already in the unit of the axis.
        xlabel: what the numbers are, with the unit.
        xlim: limits of the axis.
        references: label -> number of a vertical line.
        labels: series -> how it is called, where it is not a name that the book knows.
    """
    series = list(dict.fromkeys(name for row in values.values() for name in row))
    marks = marks_of(series)
    figure, (panel,) = new_figure(height=1.1 + 0.27 * len(values))
    offsets = np.linspace(-0.18, 0.18, len(series)) if len(series) > 1 else np.zeros(1)
    for place, row in enumerate(values.values()):
        for offset, name in zip(offsets, series, strict=True):
            if len(row.get(name, ())):
                _mark(panel, place + float(offset), row[name], marks[name])
    for name, mark in marks.items():
        panel.plot(
            [], [], mark.marker, color=mark.colour, label=(labels or {}).get(name, mark.label)
        )
    for label, level in (references or {}).items():
        panel.axvline(level, color=FLOOR_COLOUR, linestyle="--", linewidth=1, zorder=0)
        panel.annotate(
            label, (level, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), ha="center",
            textcoords="offset points", fontsize=9, color=FLOOR_COLOUR,
        )  # fmt: skip
    panel.set_yticks(range(len(values)), list(values))
    panel.set(xlabel=xlabel, ylim=(len(values) - 0.4, -0.6))
    if xlim is not None:
        panel.set_xlim(*xlim)
    if len(series) > 1:
        figure.legend(loc="outside lower center", ncols=min(3, len(series)))
    return figure


def _mark(panel: Axes, place: float, seeds: Sequence[Number], mark: Mark) -> None:
    """Draw the mean of ``seeds``; with several, also each of them and their interval."""
    interval = seed_interval([float(value) for value in seeds])
    if len(seeds) > 1:
        panel.hlines(place, interval.low, interval.high, color=mark.colour, linewidth=2)
        panel.plot(list(seeds), [place] * len(seeds), ".", color=mark.colour, alpha=0.55, ms=4)
    panel.plot(interval.estimate, place, mark.marker, color=mark.colour, ms=6, mew=1.4)
