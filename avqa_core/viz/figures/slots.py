"""Slot addressing, Eq. 1 and 2: who is addressed, and how sharply that can be done at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from avqa_core.viz.style import INK, MODALITIES, ORANGE, RED, SEQUENTIAL, new_figure


def addressing_heatmap(addressing: Mapping[str, ArrayLike]) -> Figure:
    """Draw weights [T, L] as one heat map each, all on the same scale from zero.

    Args:
        addressing: label, or name of an ``Addressing`` field -> weights of one row of a batch.
    """
    maps = {name: np.asarray(weights, dtype=float) for name, weights in addressing.items()}
    top = max(float(weights.max()) for weights in maps.values())
    figure, panels = new_figure(rows=len(maps), height=0.7 + 1.25 * len(maps), sharex=True)
    for panel, (name, weights) in zip(panels, maps.items(), strict=True):
        segments, slots = weights.shape
        image = panel.imshow(
            weights, aspect="auto", cmap=SEQUENTIAL, vmin=0, vmax=top, interpolation="nearest",
            extent=(-0.5, slots - 0.5, segments + 0.5, 0.5),
        )  # fmt: skip
        panel.set_ylabel("segment")
        panel.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        panel.set_title(MODALITIES[name].label if name in MODALITIES else name, loc="left")
        panel.grid(False)
    panels[-1].set_xlabel("slot")
    bar = figure.colorbar(image, ax=panels, label="weight", shrink=0.9)
    bar.ax.axhline(1 / slots, color="white", linewidth=2)
    bar.ax.axhline(1 / slots, color="black", linewidth=1, linestyle="--")
    bar.ax.text(
        0.5, 1.02, "dashed: 1/L", ha="center", va="bottom", fontsize=9, transform=bar.ax.transAxes
    )
    return figure


def joint_weight_bound(
    slot_counts: Sequence[int] = tuple(range(2, 201)), *, marked: int = 75
) -> Figure:
    """Draw the largest weight that Eq. 2 can give one slot, e / (e + L - 1), over L.

    Args:
        slot_counts: the L to draw.
        marked: the L whose value is written out.
    """
    counts = np.asarray(slot_counts, dtype=float)
    figure, (panel,) = new_figure(height=3.0)
    panel.plot(counts, np.ones_like(counts) * 100, "-.", color=RED)
    panel.plot(counts, 100 * math.e / (math.e + counts - 1), "-", color=ORANGE)
    panel.plot(counts, 100 / counts, ":", color=INK)
    bound = 100 * math.e / (math.e + marked - 1)
    panel.plot(marked, bound, "o", color=ORANGE)
    panel.annotate(
        f"{bound:.1f} % at L = {marked}", (marked, bound), xytext=(8, 14),
        textcoords="offset points", fontsize=9,
    )  # fmt: skip
    _name_bounds(panel, float(counts[-1]))
    panel.set(xlabel="slots L", ylabel="largest weight of a slot (%)", yscale="log")
    panel.set_yticks(
        [0.5, 1, 2, 5, 10, 20, 50, 100], ["0.5", "1", "2", "5", "10", "20", "50", "100"]
    )
    panel.minorticks_off()
    return figure


def _name_bounds(panel: Axes, last: float) -> None:
    """Write each curve's name where a falling curve leaves room: right above, or left below."""
    middle, early = 0.6 * last, 0.4 * last
    for place, text, shift, side, edge in (
        ((last, 100.0), "renormalised product: 1", (0, -4), "right", "top"),
        (
            (middle, 100 * math.e / (math.e + middle - 1)),
            "as printed: e / (e + L - 1)",
            (2, 4),
            "left",
            "bottom",
        ),
        ((early, 100 / early), "equal weights: 1 / L", (-2, -6), "right", "top"),
    ):
        panel.annotate(
            text, place, xytext=shift, textcoords="offset points", ha=side, va=edge, fontsize=9
        )


def slots_by_instrument(weights: Mapping[str, Float[np.ndarray, " L"]]) -> Figure:
    """Draw the mean addressing of each instrument's segments, slots sorted by their favourite.

    Args:
        weights: instrument -> mean weight of each slot over its segments.
    """
    names = list(weights)
    table = np.stack([weights[name] for name in names])
    relative = table / table.mean(axis=0, keepdims=True).clip(min=1e-12)
    order = np.lexsort((-relative.max(axis=0), relative.argmax(axis=0)))
    figure, (panel,) = new_figure(height=1.0 + 0.19 * len(names))
    image = panel.imshow(
        relative[:, order], aspect="auto", cmap=SEQUENTIAL, vmin=0, interpolation="nearest"
    )
    panel.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    panel.set_xlabel("slot, sorted by the instrument that addresses it most")
    panel.grid(False)
    figure.colorbar(image, ax=panel, label="weight / its mean over instruments")
    return figure
