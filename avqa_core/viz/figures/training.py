"""Curves of a training run, from the events it yields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from avqa_core.viz.figures.accuracy import Number
from avqa_core.viz.style import BLUE, GREEN, GREY, INK, ORANGE, PINK, RED, mark_of, new_figure

Curve = tuple[Sequence[Number], Sequence[Number]]
_LOSSES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (RED, ":"), (PINK, "-"), (GREY, "--"))


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
    figure, panels = new_figure(columns=2 if accuracies else 1, height=3.0)
    for index, (name, (steps, values)) in enumerate(losses.items()):
        colour, line = _LOSSES[index % len(_LOSSES)]
        smooth = moving_average(values, smoothing)
        if smoothing > 1:
            panels[0].plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        panels[0].plot(steps, smooth, line, color=colour, label=name)
    panels[0].set(xlabel="step", ylabel="loss")
    panels[0].set_ylim(bottom=0)
    for name, (steps, fractions) in (accuracies or {}).items():
        mark = mark_of(name)
        panels[1].plot(
            steps, [100 * value for value in fractions], mark.line, marker=mark.marker,
            color=mark.colour, label=mark.label,
        )  # fmt: skip
    if accuracies:
        panels[1].set(xlabel="step", ylabel="validation accuracy (%)", ylim=(0, 100))
        if floor is not None:
            panels[1].axhline(100 * floor, color=INK, linestyle="--", linewidth=1, label="floor")
    for panel in panels:
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    return figure


def moving_average(values: Sequence[Number], width: int) -> np.ndarray:
    """Return the mean of the last ``width`` values at each place, of fewer at the beginning."""
    given = np.asarray(values, dtype=float)
    sums = np.concatenate([[0.0], np.cumsum(given)])
    ends = np.arange(1, len(given) + 1)
    starts = np.maximum(ends - width, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
