"""What changes with one number: slots, diffusion steps, share of missing clips."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avqa_core.viz.figures.accuracy import Number, Seeds
from avqa_core.viz.figures.lines import draw_seeds
from avqa_core.viz.style import FLOOR_COLOUR, Mark, marks_of, new_figure


def ablation_lines(
    accuracies: Mapping[str, Mapping[Number, Seeds]],
    *,
    xlabel: str,
    paper: Mapping[str, Mapping[Number, Number]] | None = None,
    references: Mapping[str, Number] | None = None,
) -> Figure:
    """Draw accuracy over one number, a line each, beside the paper's values.

    Args:
        accuracies: scenario or method -> x -> one fraction a seed.
        xlabel: what x is, e.g. ``slots L``.
        paper: the same keys -> x -> the paper's fraction, drawn open and dotted in a panel of its
            own: another data set has other levels, only the shape is to be compared.
        references: label -> fraction of a horizontal line, such as a floor or a control.
    """
    marks = marks_of(dict.fromkeys([*accuracies, *(paper or {})]))
    figure, panels = new_figure(columns=2 if paper else 1, height=3.2)
    ours = panels[0]
    for name, points in accuracies.items():
        shown = {x: [100 * value for value in seeds] for x, seeds in points.items()}
        draw_seeds(ours, shown, marks[name], marks[name].label)
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
    for panel in panels:
        panel.set_xticks(_ticks(accuracies, paper))
    figure.legend(
        *ours.get_legend_handles_labels(), loc="outside lower center",
        ncols=min(4, len(accuracies)),
    )  # fmt: skip
    return figure


def _paper_line(panel: Axes, values: Mapping[Number, Number], mark: Mark) -> None:
    places = sorted(values)
    panel.plot(
        places, [100 * values[place] for place in places], ":", marker=mark.marker,
        color=mark.colour, markerfacecolor="white",
    )  # fmt: skip


def _ticks(*families: Mapping[str, Mapping[Number, object]] | None) -> list[Number]:
    places = {place for family in families if family for line in family.values() for place in line}
    return sorted(places)
