"""How networks start: loss and saturation over the first steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from avqa_core.viz.style import BLUE, GREEN, INK, ORANGE, RED, new_figure

_COLOURS = (BLUE, ORANGE, GREEN, RED)
_LINES: tuple[Literal["--", "-", "-.", ":"], ...] = ("--", "-", "-.", ":")
Points = Sequence[tuple[int, float, float]]


def start_curves(looks: Mapping[str, Mapping[str, Points]]) -> Figure:
    """Draw the answer loss, and beside it the share of saturated units.

    Args:
        looks: network -> start -> (step, loss in nats, share of saturated units as a fraction).
    """
    figure, (left, right) = new_figure(columns=2, height=3.4)
    ways = list(dict.fromkeys(way for of_network in looks.values() for way in of_network))
    for colour, of_network in zip(_COLOURS, looks.values(), strict=False):
        for way, points in of_network.items():
            steps, losses, shares = zip(*points, strict=True)
            line = _LINES[ways.index(way)]
            left.plot(steps, losses, line, color=colour)
            right.plot(steps, [100 * share for share in shares], line, color=colour)
    left.set(xlabel="step", ylabel="answer loss (nats)")
    right.set(xlabel="step", ylabel="saturated units (%)", ylim=(-3, 103))
    entries = [
        Line2D([], [], color=colour, label=name)
        for colour, name in zip(_COLOURS, looks, strict=False)
    ]
    entries += [
        Line2D([], [], color=INK, linestyle=line, label=way)
        for line, way in zip(_LINES, ways, strict=False)
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=3)
    return figure
