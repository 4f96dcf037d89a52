"""A clip as a picture: its frames in a row, its sound, and what happens when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avqa_core.viz.media import SAMPLE_RATE, loudness
from avqa_core.viz.style import BLUE, FIGURE_WIDTH, MODALITIES, SEQUENTIAL, new_figure


def clip_strip(
    frames: UInt8[np.ndarray, "T height width 3"],
    waveform: Float[np.ndarray, " samples"],
    facts: Mapping[str, Sequence[bool]] | None = None,
    *,
    log_mel: Float[np.ndarray, "time bands"] | None = None,
    fact_modality: Mapping[str, str] | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> Figure:
    """Draw frames in a row over the sound over a lane for each fact, all on one time axis.

    Args:
        frames: one picture a segment.
        waveform: mono sound of the same length.
        facts: label -> for each segment whether it holds, e.g. ``violin plays (seen)``.
        log_mel: drawn below the waveform if given.
        fact_modality: label -> ``audio`` or ``visual``, which colours its lane.
        sample_rate: of ``waveform``.
    """
    facts = facts or {}
    num_segments, seconds = len(frames), len(waveform) / sample_rate
    strip_height = FIGURE_WIDTH * 0.82 / num_segments * frames.shape[1] / frames.shape[2]
    heights = [max(strip_height, 0.3), 0.7]
    heights += [1.0] if log_mel is not None else []
    heights += [0.2 * len(facts) + 0.1] if facts else []
    figure, panels = new_figure(
        rows=len(heights), height=sum(heights) + 0.8, height_ratios=heights, sharex=True
    )
    remaining = iter(panels)
    picture = next(remaining)
    picture.imshow(np.concatenate(list(frames), axis=1), extent=(0, seconds, 0, 1), aspect="auto")
    picture.set(yticks=[])
    _waveform(next(remaining), waveform, seconds)
    if log_mel is not None:
        panel = next(remaining)
        panel.imshow(
            log_mel.T, aspect="auto", origin="lower", cmap=SEQUENTIAL,
            extent=(0, seconds, 0, log_mel.shape[1]),
        )  # fmt: skip
        panel.set_ylabel("mel band")
        panel.grid(False)
    if facts:
        _lanes(next(remaining), facts, fact_modality or {}, seconds)
    panels[-1].set(xlabel="time (s)", xlim=(0, seconds))
    return figure


def _waveform(panel: Axes, waveform: np.ndarray, seconds: float) -> None:
    levels = loudness(waveform, 400)
    times = np.linspace(0, seconds, len(levels))
    panel.fill_between(times, -levels, levels, color=MODALITIES["audio"].colour, linewidth=0)
    panel.set(ylabel="loudness", yticks=[])


def _lanes(
    panel: Axes,
    facts: Mapping[str, Sequence[bool]],
    modality: Mapping[str, str],
    seconds: float,
) -> None:
    """Draw a bar over each stretch of segments in which a fact holds."""
    for lane, (label, holds) in enumerate(facts.items()):
        mark = MODALITIES.get(modality.get(label, ""))
        length = seconds / len(holds)
        stretches = [(index * length, length) for index, held in enumerate(holds) if held]
        panel.broken_barh(
            stretches, (lane - 0.35, 0.7), facecolors=mark.colour if mark else BLUE,
            hatch="//" if mark is MODALITIES["audio"] else None, edgecolor="white", linewidth=0,
        )  # fmt: skip
    panel.set_yticks(range(len(facts)), list(facts))
    panel.set_ylim(len(facts) - 0.4, -0.6)
