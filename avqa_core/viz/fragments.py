"""Pieces of HTML that a panel shows, drawn without matplotlib so that they take a millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.colors import Colormap

from avqa_core.viz.media import data_uri, encode_png
from avqa_core.viz.session import PathPoint, Recalled, ToggleAnswer
from avqa_core.viz.static_controls import asset
from avqa_core.viz.style import SCENARIOS, SEQUENTIAL, SIGNED

LINES = (("-", ""), ("--", "6 4"))


def boxed(content: str) -> str:
    """Return ``content`` in the box that all live controls share, in light and in dark."""
    return f'<div class="avqa-live"><style>{asset("live.css")}</style>{content}</div>'


def message_html(text: str) -> str:
    """Return a message that stands in the place of an answer."""
    return boxed(f'<p class="status" role="status" aria-live="polite">{escape(text)}</p>')


def answer_html(answer: ToggleAnswer) -> str:
    """Return question, verdict, the distribution of answers, truth and floor."""
    best, share = answer.answers[0]
    truth = answer.example.answer
    verdict = {
        True: "That is right.",
        False: f"The truth is “{_reads(truth)}”.",
        None: "The scene gives no clear answer to this question.",
    }[answer.is_right]
    status = (
        f"{SCENARIOS[answer.scenario].label}: the model answers “{_reads(best)}” "
        f"({_percent(share)}). {verdict}"
    )
    floor = "not measured for this category"
    if answer.floor is not None:
        floor = (
            f"{_reads(answer.floor.answer)}, from the question alone "
            f"(right for {_percent(answer.floor.accuracy)} of this category)"
        )
    steps = "" if answer.num_steps is None else f", {answer.num_steps} diffusion steps"
    rows = "".join(
        _bar(name, value, index == 0, name == truth)
        for index, (name, value) in enumerate(answer.answers)
    )
    return boxed(
        f'<p class="question">{escape(answer.example.question)}</p>'
        f'<p class="status avqa-answer" role="status" aria-live="polite">{escape(status)}</p>'
        f'<ol class="bars" aria-label="Most probable answers">{rows}</ol>'
        f"<dl><dt>Truth</dt><dd>{escape(_reads(truth) if truth else 'not known')}</dd>"
        f"<dt>Floor</dt><dd>{escape(floor)}</dd></dl>"
        f'<p class="note">{escape(answer.completer + steps)}, '
        f"{answer.milliseconds:.0f} ms for this answer</p>"
    )


def _bar(name: str, share: float, is_top: bool, is_true: bool) -> str:
    label = escape(f"{'▲ ' if is_top else ''}{_reads(name)}{' ✓' if is_true else ''}")
    return (
        f'<li class="{"top" if is_top else ""}"><span class="{"good" if is_true else ""}">{label}'
        f'</span><span class="track"><span class="fill" style="width: {100 * share:.1f}%"></span>'
        f'</span><span class="share">{_percent(share)}</span></li>'
    )


def addressing_html(answer: ToggleAnswer) -> str:
    """Return the addressing as a heat map, or a sentence on why there is none."""
    weights = answer.addressing
    if weights is None:
        reason = (
            "Nothing is recalled while both halves are present."
            if answer.scenario == "complete"
            else "This completer has no slots to address."
        )
        return boxed(f'<p class="note">{reason}</p>')
    segments, slots = weights.shape
    text = (
        f"{segments} segments (rows) by {slots} slots (columns); weights from "
        f"{100 * float(weights.min()):.2f} to {100 * float(weights.max()):.2f} % (dark is 0, "
        f"bright the largest), equal weights would be {100 / slots:.2f} %."
    )
    return boxed(
        f"<figure><figcaption>Slots addressed in place of the absent half</figcaption>"
        f"{heat_image(weights, f'Addressing heat map, {text}')}"
        f'<p class="note">{text}</p></figure>'
    )


def recalled_html(recalled: Sequence[Recalled]) -> str:
    """Return real, pseudo and enhanced feature of each absent modality, on one scale."""
    if not recalled:
        return boxed('<p class="note">Nothing is absent, so nothing is recalled.</p>')
    parts = []
    for one in recalled:
        features = {"real": one.real, "pseudo": one.pseudo, "enhanced": one.enhanced}
        limit = max(float(np.abs(feature).max()) for feature in features.values())
        for label, feature in features.items():
            note = ""
            if label != "real":
                note = f": cosine with the real one {one.similarity(label).mean():.2f} on average"
            text = f"{one.modality}, {label}{note}"
            parts.append(
                f"<figure><figcaption>{text}</figcaption>"
                f"{heat_image(feature, text, scale=(-limit, limit), colours=SIGNED, height='4rem')}"
                f"</figure>"
            )
    parts.append('<p class="note">Segments down, channels across; blue below zero, red above.</p>')
    return boxed("".join(parts))


def path_html(points: Sequence[PathPoint]) -> str:
    """Return the distance to the real feature along the reverse process as a small line plot."""
    if not points:
        return boxed('<p class="note">No diffusion steps were taken for this answer.</p>')
    names = list(points[0].distances)
    top = max(max(point.distances.values()) for point in points) or 1.0
    across = max(len(points) - 1, 1)
    lines, labels = [], []
    for name, (_, dashes) in zip(names, LINES, strict=False):
        places = " ".join(
            f"{40 + 250 * index / across:.1f},{90 - 80 * point.distances[name] / top:.1f}"
            for index, point in enumerate(points)
        )
        lines.append(
            f'<polyline points="{places}" fill="none" stroke="var(--bar)" stroke-width="2" '
            f'stroke-dasharray="{dashes}"/>'
        )
        ends = f"{points[0].distances[name]:.2f} to {points[-1].distances[name]:.2f}"
        labels.append(f"{name} ({'dashed' if dashes else 'solid'}): {ends}")
    steps = f"from step {points[0].step} to step {points[-1].step}"
    text = f"Distance to the real feature, {steps}. {'; '.join(labels)}."
    axes = (
        '<path d="M40 5V90H290" fill="none" stroke="var(--quiet)"/>'
        f'<text x="36" y="14" text-anchor="end" font-size="10" fill="var(--ink)">{top:.1f}</text>'
        '<text x="36" y="92" text-anchor="end" font-size="10" fill="var(--ink)">0</text>'
        f'<text x="40" y="104" font-size="10" fill="var(--ink)">k = {points[0].step}</text>'
        f'<text x="290" y="104" text-anchor="end" font-size="10" fill="var(--ink)">'
        f"k = {points[-1].step}</text>"
    )
    return boxed(
        f'<svg viewBox="0 0 300 110" style="width: 100%; max-width: 30rem" role="img" '
        f'aria-label="{escape(text)}">{axes}{"".join(lines)}</svg><p class="note">{text}</p>'
    )


def heat_image(
    values: Float[np.ndarray, "rows columns"],
    alt: str,
    *,
    scale: tuple[float, float] | None = None,
    colours: str = SEQUENTIAL,
    height: str = "7.5rem",
) -> str:
    """Return a heat map as an ``<img>``; each value is one pixel, which the browser enlarges."""
    low, high = scale or (0.0, float(values.max()))
    picture = colour_values(values, low, high, matplotlib.colormaps[colours])
    return (
        f'<img src="{data_uri(encode_png(picture), "image/png")}" alt="{escape(alt)}" '
        f'style="width: 100%; height: {height}; image-rendering: pixelated; display: block">'
    )


def colour_values(
    values: Float[np.ndarray, "rows columns"], low: float, high: float, colours: Colormap
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the colour of each value between ``low`` and ``high``."""
    span = high - low if high > low else 1.0
    return colours((values - low) / span, bytes=True)[..., :3]


def _reads(answer: str | None) -> str:
    return (answer or "").replace("_", " ")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
