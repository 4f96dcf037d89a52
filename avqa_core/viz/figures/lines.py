"""Something measured over one number, a line for each series, with its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from avqa_core.metrics import seed_interval
from avqa_core.viz.figures.accuracy import Number, Seeds
from avqa_core.viz.style import FLOOR_COLOUR, Mark, marks_of, new_figure


def seed_lines(
    values: Mapping[str, Mapping[Number, Seeds]],
    *,
    xlabel: str,
    ylabel: str,
    ylim: tuple[Number, Number] | None = None,
    is_log: bool = False,
    references: Mapping[str, Number] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """Draw means joined by lines, an interval at each point and every seed as a dot.

    Args:
        values: series -> x -> one number a seed, already in the unit of the axis.
        xlabel: what x is.
        ylabel: what the numbers are, with the unit.
        ylim: limits of the axis.
        is_log: whether the numbers span powers of ten.
        references: label -> number of a horizontal line.
        labels: series -> how it is called, where it is not a name that the book knows.
    """
    marks = marks_of(values)
    figure, (panel,) = new_figure(height=3.2)
    for name, points in values.items():
        draw_seeds(panel, points, marks[name], (labels or {}).get(name, marks[name].label))
    for label, level in (references or {}).items():
        panel.axhline(level, color=FLOOR_COLOUR, linestyle="--", linewidth=1, zorder=0)
        panel.annotate(
            label, (1, level), xycoords=("axes fraction", "data"), xytext=(-2, 3), ha="right",
            textcoords="offset points", fontsize=9, color=FLOOR_COLOUR,
        )  # fmt: skip
    panel.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if is_log else "linear")
    panel.set_xticks(sorted({x for points in values.values() for x in points}))
    if ylim is not None:
        panel.set_ylim(*ylim)
    figure.legend(loc="outside lower center", ncols=min(3, len(values)))
    return figure


def seed_panels(
    panels: Mapping[str, Mapping[str, Mapping[Number, Seeds]]],
    *,
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Draw ``seed_lines`` side by side, with one axis of values and one legend for all.

    Args:
        panels: title -> series -> x -> one number a seed, already in the unit of the axis.
        xlabel: what x is.
        ylabel: what the numbers are, with the unit.
    """
    marks = marks_of(dict.fromkeys(name for values in panels.values() for name in values))
    figure, axes = new_figure(columns=len(panels), height=3.6, sharey=True)
    entries = {}
    for panel, (title, values) in zip(axes, panels.items(), strict=True):
        for name, points in values.items():
            label = marks[name].label
            entries[label] = draw_seeds(panel, points, marks[name], label)
        panel.set(title=title, xlabel=xlabel)
        panel.set_xticks(sorted({x for points in values.values() for x in points}))
    axes[0].set_ylabel(ylabel)
    figure.legend(
        entries.values(), entries.keys(), loc="outside lower center", ncols=min(3, len(entries))
    )
    return figure


def draw_seeds(panel: Axes, points: Mapping[Number, Seeds], mark: Mark, label: str) -> Line2D:
    """Draw means joined by a line, with an interval and the seeds at each point.

    A bar over two seeds may leave the panel; it goes on outside.
    """
    places: Sequence[Number] = sorted(points)
    intervals = [seed_interval([float(value) for value in points[x]]) for x in places]
    means = [one.estimate for one in intervals]
    (line,) = panel.plot(
        places, means, linestyle=mark.line, marker=mark.marker, color=mark.colour, label=label
    )
    for x, interval in zip(places, intervals, strict=True):
        if len(points[x]) > 1:
            # Over two seeds a bar is thirteen deviations long: it must not choose the axis.
            bar = [(x, interval.low), (x, interval.high)]
            panel.add_collection(
                LineCollection([bar], colors=mark.colour, linewidths=1.2),
                autolim=len(points[x]) > 2,
            )
            panel.plot([x] * len(points[x]), list(points[x]), ".", color=mark.colour, alpha=0.5)
    return line
