"""Live controls of the published page: no kernel, no server, no network, no library.

Each control is one object: a web page takes its HTML with a short inline script, LaTeX its still
picture, a terminal its text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import UInt8
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from avqa_core.errors import ConfigError
from avqa_core.viz.display import Rich, pixels_of, png_of
from avqa_core.viz.media import data_uri, encode_picture, frame_sheet
from avqa_core.viz.style import BLUE, GREY, SEQUENTIAL, new_figure
from avqa_core.viz.toggle_data import LARGEST_NUM_STATES, LETTERS, ToggleData


@cache
def asset(name: str) -> str:
    """Return the text of a file that lies beside this module in ``assets``."""
    return resources.files("avqa_core.viz").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def palette(name: str = SEQUENTIAL, levels: int = len(LETTERS)) -> tuple[str, ...]:
    """Return ``levels`` colours of a matplotlib colour map as ``#rrggbb``."""
    colours = matplotlib.colormaps[name](np.linspace(0, 1, levels))
    return tuple(to_hex(colour) for colour in colours)


def static_toggles(
    data: ToggleData, *, name: str, frames: UInt8[np.ndarray, "T height width 3"] | None = None
) -> Rich:
    """Return the live toggles of a page: mute a clip, cover it, and see the answer change.

    Args:
        data: every state of the control.
        name: tells this control from others on the page; its ids are made from it.
        frames: pictures of the first clip, for the still image of print and LaTeX.
    """
    figure = _still_figure(data, frames)
    still = encode_picture(pixels_of(figure, dpi=80))
    first = data.clips[0]
    html = _fill(
        asset("toggles.html"),
        STYLE=asset("live.css"),
        SCRIPT=asset("toggles.js"),
        DATA=_json({**data.to_json(), "palette": palette()}),
        ID=identity(name, data.provenance),
        LABEL="Live toggles: audio and visual on or off",
        SHEET=escape(first.media.sheet),
        SOUND=escape(first.media.sound),
        SEEN=escape(first.seen),
        PROVENANCE=escape(data.provenance),
        NO_HEAT="No slots to show here: nothing is recalled while both halves are present, and "
        "completers without slots have none.",
        STILL=f'<img src="{data_uri(still, "image/webp")}" alt="{escape(_alt(data))}">',
    )
    return Rich(html=html, text=_as_text(data), png=png_of(figure, dpi=110))


@dataclass(frozen=True, slots=True)
class StepSlider:
    """A figure with states: one picture each, drawn beforehand, chosen by a slider.

    Attributes:
        frames: WebP bytes of each state.
        labels: what each state is, in words; announced when it is chosen.
        control: label of the slider, e.g. ``diffusion step k``.
        alt: one sentence on what all the pictures show.
        name: tells this control from others on the page.
        still: PNG bytes for print and LaTeX.
        start: state shown first.
    """

    frames: tuple[bytes, ...]
    labels: tuple[str, ...]
    control: str
    alt: str
    name: str
    still: bytes
    start: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.frames) <= LARGEST_NUM_STATES or len(self.frames) != len(self.labels):
            raise ConfigError(
                f"expected 1 to {LARGEST_NUM_STATES} frames with a label each, got "
                f"{len(self.frames)} frames and {len(self.labels)} labels: show fewer states"
            )
        if not 0 <= self.start < len(self.frames):
            raise ConfigError(
                f"expected a start between 0 and {len(self.frames) - 1}, got {self.start}"
            )

    @classmethod
    def from_figures(
        cls,
        figures: Sequence[Figure],
        labels: Sequence[str],
        *,
        control: str,
        alt: str,
        name: str,
        start: int = 0,
    ) -> StepSlider:
        """Draw each figure once."""
        frames = [encode_picture(pixels_of(figure, dpi=110), lossless=True) for figure in figures]
        still = png_of(figures[start], dpi=150)
        return cls(tuple(frames), tuple(labels), control, alt, name, still, start)

    def show(self) -> Rich:
        """Return the object that a notebook cell displays."""
        uris = [data_uri(frame, "image/webp") for frame in self.frames]
        html = _fill(
            asset("slider.html"),
            STYLE=asset("live.css"),
            SCRIPT=asset("slider.js"),
            DATA=_json({"frames": uris, "labels": self.labels, "alt": self.alt}),
            ID=identity(self.name, self.control),
            LABEL=escape(f"Slider: {self.control}"),
            CONTROL=escape(self.control),
            FIRST=uris[self.start],
            ALT=escape(f"{self.alt} {self.labels[self.start]}."),
            LAST=str(len(uris) - 1),
            START=str(self.start),
            STATE=escape(self.labels[self.start]),
        )
        text = f"{self.alt} Slider over {self.control}: {'; '.join(self.labels)}"
        return Rich(html=html, text=text, png=self.still)

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return self.show()._repr_mimebundle_()


def identity(name: str, salt: str) -> str:
    """Return an HTML id made from ``name``, the same at every run."""
    digest = hashlib.blake2b(f"{name}\x1f{salt}".encode(), digest_size=3).hexdigest()
    return f"avqa-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}-{digest}"


def _fill(template: str, **values: str) -> str:
    """Put values into ``__PLACES__`` in one pass, except ID, which also stands inside values."""
    identifier = values.pop("ID")
    filled = re.sub(r"__([A-Z_]+?)__", lambda place: values.get(place[1], place[0]), template)
    return filled.replace("__ID__", identifier)


def _json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")


def _still_figure(data: ToggleData, frames: np.ndarray | None) -> Figure:
    """Draw the first clip and question: its pictures and the answers in all four scenarios."""
    question = data.clips[0].questions[0]
    heights = (1.1, 1.0) if frames is not None else (1.0,)
    figure, panels = new_figure(
        rows=len(heights), height=0.2 + 2.4 * len(heights), height_ratios=heights
    )
    if frames is not None:
        panels[0].imshow(frame_sheet(frames))
        panels[0].set_axis_off()
    shown, labels = panels[-1], []
    titles = data.to_json()["scenarios"]
    for row, (name, title) in enumerate(titles.items()):
        answer, share = question.views[name].answers[0]
        right = answer == question.truth
        shown.barh(row, 100 * share, height=0.6, color=BLUE if right else GREY)
        shown.text(100 * share + 1, row, "right" if right else "wrong", va="center", fontsize=9)
        labels.append(f"{title}: {answer}")
    shown.set(xlim=(0, 110), yticks=range(len(labels)), yticklabels=labels)
    shown.set_xticks(range(0, 101, 20))
    shown.set_xlabel(f"probability (%) of the answer to: {question.text}", fontsize=9)
    shown.invert_yaxis()
    return figure


def _alt(data: ToggleData) -> str:
    question = data.clips[0].questions[0]
    return f"The model's answers to {question.text} with each half of the clip on or off."


def _as_text(data: ToggleData) -> str:
    question = data.clips[0].questions[0]
    lines = [f"{data.clips[0].title}: {question.text} (truth: {question.truth})"]
    for name, title in data.to_json()["scenarios"].items():
        answer, share = question.views[name].answers[0]
        lines.append(f"  {title}: {answer} ({100 * share:.0f} %)")
    lines.append(f"{data.num_states} states; open the page in a browser to use the toggles.")
    return "\n".join(lines)
