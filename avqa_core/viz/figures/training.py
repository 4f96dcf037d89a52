"""Curves of a training run, from the events it yields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from avqa_core.viz.figures.accuracy import Number
from avqa_core.viz.style import BLUE, GREEN, GREY, INK, ORANGE, PINK, RED, mark_of, new_figure

Curve = tuple[Sequence[Number], Sequence[Number]]
_COLOURS = (BLUE, ORANGE, GREEN, RED, PINK, GREY)
_LARGEST_NUM_POINTS = 200
_LINES = ("-", "--", "-.", ":")  # with six colours, twelve losses no two of which look alike


def training_curves(
    losses: Mapping[str, Curve],
    accuracies: Mapping[str, Curve] | None = None,
    *,
    floor: float | None = None,
    smoothing: int = 1,
) -> Figure:
    """Draw every loss term by name over steps, and the accuracies measured on the way.

    Args:
        losses: term -> (steps, values).
        accuracies: scenario -> (steps, fractions).
        floor: what the question alone gives, as a fraction.
        smoothing: how many steps the moving average covers; the raw values stay visible, pale.
    """
    rows = 2 if accuracies else 1
    # One below the other with names beside them: a run has more losses than fit under a panel.
    figure, panels = new_figure(rows=rows, height=2.4 * rows, sharex=True)
    for index, (name, (steps, values)) in enumerate(losses.items()):
        colour, line = _COLOURS[index % len(_COLOURS)], _LINES[index % len(_LINES)]
        smooth, thin = moving_average(values, smoothing), _thinned(len(values))
        if smoothing > 1:  # thousands of pale points are a picture, not a drawing
            panels[0].plot(steps, values, color=colour, alpha=0.25, linewidth=0.8, rasterized=True)
        panels[0].plot(steps[thin], smooth[thin], line, color=colour, label=_in_words(name))
    panels[0].set(ylabel="loss", yscale="log")  # a weighted sum stands far above its terms
    for name, (steps, fractions) in (accuracies or {}).items():
        mark = mark_of(name)
        panels[1].plot(
            steps, [100 * value for value in fractions], mark.line, marker=mark.marker,
            color=mark.colour, label=mark.label,
        )  # fmt: skip
    if accuracies:
        panels[1].set(ylabel="validation accuracy (%)", ylim=(0, 100))
        if floor is not None:
            panels[1].axhline(100 * floor, color=INK, linestyle="--", linewidth=1, label="floor")
    panels[-1].set_xlabel("step")
    for panel in panels:
        panel.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def _thinned(count: int) -> slice:
    """Return which of ``count`` points a line is drawn through; the last one is among them."""
    every = max(1, count // _LARGEST_NUM_POINTS)
    return slice((count - 1) % every, None, every)


def _in_words(loss: str) -> str:
    """Return the name of a loss as a reader says it: ``audio missing: answer``."""
    return loss.replace("/", ": ").replace("_", " ")


def moving_average(values: Sequence[Number], width: int) -> np.ndarray:
    """Return the mean of the last ``width`` values at each place, of fewer at the beginning."""
    given = np.asarray(values, dtype=float)
    sums = np.concatenate([[0.0], np.cumsum(given)])
    ends = np.arange(1, len(given) + 1)
    starts = np.maximum(ends - width, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
