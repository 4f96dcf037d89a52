"""What changes with one number: slots, diffusion steps, share of missing clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avqa_core.metrics import seed_interval
from avqa_core.viz.figures.accuracy import Number, Seeds
from avqa_core.viz.style import FLOOR_COLOUR, Mark, marks_of, new_figure


def ablation_lines(
    accuracies: Mapping[str, Mapping[Number, Seeds]],
    *,
    xlabel: str,
    paper: Mapping[str, Mapping[Number, Number]] | None = None,
    references: Mapping[str, Number] | None = None,
    ylim: tuple[Number, Number] | None = None,
) -> Figure:
    """Draw accuracy over one number, a line each, beside the paper's values.

    Args:
        accuracies: scenario or method -> x -> one fraction a seed.
        xlabel: what x is, e.g. ``slots L``.
        paper: the same keys -> x -> the paper's fraction, drawn open and dotted in a panel of its
            own: another data set has other levels, only the shape is to be compared.
        references: label -> fraction of a horizontal line, such as a floor or a control.
        ylim: limits in per cent; chosen for both panels together if None.
    """
    marks = marks_of(dict.fromkeys([*accuracies, *(paper or {})]))
    figure, panels = new_figure(columns=2 if paper else 1, height=3.2, sharey=ylim is not None)
    ours = panels[0]
    for name, points in accuracies.items():
        _line(ours, points, marks[name])
    for label, level in (references or {}).items():
        ours.axhline(100 * level, color=FLOOR_COLOUR, linestyle="--", linewidth=1)
        ours.annotate(
            label, (0, 100 * level), xycoords=("axes fraction", "data"), ha="left",
            xytext=(2, 2), textcoords="offset points", fontsize=9, color=FLOOR_COLOUR,
        )  # fmt: skip
    ours.set(xlabel=xlabel, ylabel="accuracy (%)")
    if paper:
        ours.set_title("ours, on Bandstand")
        for name, values in paper.items():
            _paper_line(panels[1], values, marks[name])
        panels[1].set(xlabel=xlabel, title="paper, on MUSIC-AVQA")
    if ylim is not None:
        ours.set_ylim(*ylim)
    for panel in panels:
        panel.set_xticks(_ticks(accuracies, paper))
    _legend_below(figure, [marks[name] for name in accuracies])
    return figure


def _line(panel: Axes, points: Mapping[Number, Seeds], mark: Mark) -> None:
    """Draw means joined by a line, with an interval and the seeds at each point."""
    places = sorted(points)
    intervals = [seed_interval([100 * value for value in points[place]]) for place in places]
    panel.plot(
        places, [one.estimate for one in intervals], mark.line, marker=mark.marker,
        color=mark.colour,
    )  # fmt: skip
    for place, interval in zip(places, intervals, strict=True):
        if len(points[place]) > 1:
            panel.vlines(place, interval.low, interval.high, color=mark.colour, linewidth=1.2)
            values = [100 * value for value in points[place]]
            panel.plot([place] * len(values), values, ".", color=mark.colour, alpha=0.5, ms=4)


def _paper_line(panel: Axes, values: Mapping[Number, Number], mark: Mark) -> None:
    places = sorted(values)
    panel.plot(
        places, [100 * values[place] for place in places], ":", marker=mark.marker,
        color=mark.colour, markerfacecolor="white",
    )  # fmt: skip


def _ticks(*families: Mapping[str, Mapping[Number, object]] | None) -> list[Number]:
    places = {place for family in families if family for line in family.values() for place in line}
    return sorted(places)


def _legend_below(figure: Figure, marks: Sequence[Mark]) -> None:
    handles = [
        figure.axes[0].plot([], [], mark.line, marker=mark.marker, color=mark.colour)[0]
        for mark in marks
    ]
    figure.legend(
        handles, [mark.label for mark in marks], loc="outside lower center",
        ncols=min(4, len(marks)),
    )  # fmt: skip
