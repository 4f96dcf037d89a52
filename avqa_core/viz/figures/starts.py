"""How networks start: loss and saturation over the first steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from avqa_core.viz.style import INK, marks_of, new_figure

_LINES: tuple[Literal["--", "-", "-.", ":"], ...] = ("--", "-", "-.", ":")
_NUM_MARKERS = 8  # along a line; a marker at every step would hide which kind of line it is
Points = Sequence[tuple[int, float, float]]


def start_curves(looks: Mapping[str, Mapping[str, Points]]) -> Figure:
    """Draw the answer loss, and beside it the share of saturated units.

    Args:
        looks: network -> start, at most four -> (step, loss in nats, share of saturated units as
            a fraction).
    """
    figure, (left, right) = new_figure(columns=2, height=3.4)
    marks = marks_of(looks)
    ways = list(dict.fromkeys(way for of_network in looks.values() for way in of_network))
    lines = dict(zip(ways, _LINES[: len(ways)], strict=True))
    for network, of_network in looks.items():
        for way, points in of_network.items():
            steps, losses, shares = zip(*points, strict=True)
            look: dict[str, Any] = {
                "linestyle": lines[way],
                "color": marks[network].colour,
                "marker": marks[network].marker,
                "markevery": max(1, len(steps) // _NUM_MARKERS),
            }
            left.plot(steps, losses, **look)
            right.plot(steps, [100 * share for share in shares], **look)
    left.set(xlabel="step", ylabel="answer loss (nats)")
    right.set(xlabel="step", ylabel="saturated units (%)", ylim=(-3, 103))
    entries = [
        Line2D([], [], color=mark.colour, marker=mark.marker, label=mark.label)
        for mark in marks.values()
    ]
    entries += [Line2D([], [], color=INK, linestyle=line, label=way) for way, line in lines.items()]
    figure.legend(handles=entries, loc="outside lower center", ncols=3)
    return figure
