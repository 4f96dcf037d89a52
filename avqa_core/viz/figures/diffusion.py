"""Noise schedules and the path of a feature through them, Eq. 5 to 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from avqa_core.viz.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PINK,
    READABLE,
    SEQUENTIAL,
    SIGNED,
    new_figure,
)

_SCHEDULES = ((ORANGE, "s", "-"), (BLUE, "o", "--"), (GREEN, "^", "-."), (PINK, "v", ":"))


def schedule_plot(signal_shares: Mapping[str, ArrayLike]) -> Figure:
    """Draw what each schedule leaves of the signal, and its signal-to-noise ratio, step by step.

    Args:
        signal_shares: schedule -> the cumulative product of 1 - beta after steps 1..K (Eq. 5).
    """
    figure, (share_panel, ratio_panel) = new_figure(columns=2, height=3.0)
    for index, (name, given) in enumerate(signal_shares.items()):
        colour, marker, line = _SCHEDULES[index % len(_SCHEDULES)]
        share = np.concatenate([[1.0], np.asarray(given, dtype=float)])
        steps = np.arange(len(share))
        style: dict[str, Any] = {"color": colour, "linestyle": line, "marker": marker}
        style["markevery"] = max(1, len(steps) // 10)
        share_panel.plot(steps, 100 * np.sqrt(share), label=name, **style)
        ratio = share[1:] / np.maximum(1 - share[1:], 1e-12)
        ratio_panel.plot(steps[1:], ratio, label=name, **style)
    share_panel.set(xlabel="step k", ylabel="amplitude of the signal left (%)", ylim=(0, 104))
    ratio_panel.set(xlabel="step k", ylabel="signal / noise (power)", yscale="log")
    ratio_panel.axhline(1, color=INK, linewidth=1, linestyle=":")
    ratio_panel.annotate(
        "as much noise as signal", (0, 1), xycoords=("axes fraction", "data"), va="top",
        xytext=(4, -3), textcoords="offset points", fontsize=9, path_effects=READABLE, zorder=5,
    )  # fmt: skip
    handles, labels = share_panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def forward_noising(states: Mapping[str, ArrayLike]) -> Figure:
    """Draw one feature map at several steps of the forward process, all on one scale.

    Args:
        states: label of a step -> map [H, W] of one channel.
    """
    maps = {label: np.asarray(state, dtype=float) for label, state in states.items()}
    limit = max(float(np.abs(state).max()) for state in maps.values())
    figure, panels = new_figure(columns=len(maps), height=1.7)
    for panel, (label, state) in zip(panels, maps.items(), strict=True):
        image = panel.imshow(state, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation="nearest")
        panel.set_title(label)
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
    figure.colorbar(image, ax=panels, label="value", shrink=0.8)
    return figure


def reverse_path(
    distances: Mapping[str, ArrayLike], *, steps: Sequence[int], ylabel: str = "distance to real"
) -> Figure:
    """Draw how far a feature is from the real one along the reverse process.

    Args:
        distances: label -> distances [num states] or [num clips, num states]; of several clips the
            mean and the middle half are drawn.
        steps: k of each state, from the start down to 0.
        ylabel: what the distance is.
    """
    figure, (panel,) = new_figure(height=3.0)
    for index, (label, given) in enumerate(distances.items()):
        colour, marker, line = _SCHEDULES[index % len(_SCHEDULES)]
        rows = np.atleast_2d(np.asarray(given, dtype=float))
        panel.plot(
            steps, rows.mean(axis=0), linestyle=line, marker=marker, color=colour, label=label
        )
        if len(rows) > 1:
            low, high = np.quantile(rows, [0.25, 0.75], axis=0)
            panel.fill_between(steps, low, high, color=colour, alpha=0.18, linewidth=0)
    panel.set(xlabel="step k (time runs to the right)", ylabel=ylabel)
    panel.invert_xaxis()
    panel.set_ylim(bottom=0)
    panel.legend()
    return figure


def pseudo_and_real(features: Mapping[str, Float[np.ndarray, "T C"]]) -> Figure:
    """Draw features side by side on one scale, segments down, channels across.

    Args:
        features: label, e.g. ``real``, ``pseudo``, ``enhanced`` -> feature of one clip.
    """
    high = max(float(np.quantile(feature, 0.99)) for feature in features.values())
    low = min(float(np.quantile(feature, 0.01)) for feature in features.values())
    is_signed = low < 0
    limit = max(abs(low), abs(high)) or 1.0
    figure, panels = new_figure(rows=len(features), height=0.6 + 1.0 * len(features), sharex=True)
    for panel, (label, feature) in zip(panels, features.items(), strict=True):
        image = panel.imshow(
            feature, aspect="auto", cmap=SIGNED if is_signed else SEQUENTIAL,
            vmin=-limit if is_signed else 0, vmax=limit, interpolation="nearest",
            extent=(0.5, feature.shape[1] + 0.5, feature.shape[0] + 0.5, 0.5),
        )  # fmt: skip
        panel.set_title(label, loc="left")
        panel.set(ylabel="segment")
        panel.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        panel.grid(False)
    panels[-1].set_xlabel("channel")
    figure.colorbar(image, ax=panels, label="value", shrink=0.9)
    return figure
