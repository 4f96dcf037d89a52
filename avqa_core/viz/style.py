"""One look for every figure: fixed colour and marker for each method, modality and scenario.

Colour never carries a fact alone: each entry also has its own marker, line style and label. All
figures are opaque white, so that they read on a dark page too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

FIGURE_WIDTH = 6.4
SEQUENTIAL = "cividis"
SIGNED = "vlag"
FONT_SIZE = 9.0

# seaborn's "colorblind" palette, written out so that a later seaborn cannot recolour the book.
BLUE, ORANGE, GREEN, RED, PINK, BROWN, ROSE, GREY, YELLOW, SKY = (
    "#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc",
    "#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9",
)  # fmt: skip
INK = "#1b1f24"
FLOOR_COLOUR = "#6b6b6b"
CEILING_COLOUR = "#3b3b3b"
READABLE = [withStroke(linewidth=2.5, foreground="white")]  # for words that a line may cross


@dataclass(frozen=True, slots=True)
class Mark:
    """How one category is drawn everywhere in the book."""

    label: str
    colour: str
    marker: str
    line: str = "-"


METHODS: dict[str, Mark] = {
    "none": Mark("never trained for absence", GREY, "x", ":"),
    "zeros": Mark("zeros", GREY, "X", "--"),
    "noise": Mark("noise", BROWN, "*", ":"),
    "slot_mean": Mark("slot mean", PINK, "v", "--"),
    "retrieval": Mark("retrieval by clip and question", SKY, "<", "--"),
    "modality_dropout": Mark("modality dropout", INK, "P", "-."),
    "modality_dropout_wide": Mark("modality dropout, wider", GREY, "P", ":"),
    "rmm": Mark("RMM as printed", ORANGE, "s"),
    "rmm_released_code": Mark("RMM of the released code", BROWN, "p", "-."),
    "rmm_renormalised": Mark("RMM renormalised", RED, "D"),
    "avr": Mark("AVR on noise", GREEN, "^", "--"),
    "segment_transformer": Mark("segment transformer", GREEN, "h"),
    "paper": Mark("RMM and AVR", ORANGE, "p"),
    "released_code": Mark("released code's form", BROWN, "d", "-."),
    "recommended": Mark("recommended", BLUE, "o"),
    "joint/recommended": Mark("recommended, trained on", BLUE, "h", ":"),
    "missing_aware_prompts": Mark("missing-aware prompts", PINK, ">"),
    "prompts": Mark("missing-aware prompts, input", PINK, "^"),
    "prompts_prefix": Mark("missing-aware prompts, prefix", PINK, "<", ":"),
    "retrieval_without_question": Mark("retrieval by clip alone", SKY, ">", ":"),
    "retrieval_large_bank": Mark("retrieval by both, all clips", SKY, "p", ":"),
    "retrieval_without_question_large_bank": Mark("retrieval by clip, all clips", SKY, "*"),
    "modality_dropout_longer": Mark("modality dropout, longer", GREY, "p", "--"),
    "shaspec": Mark("ShaSpec", SKY, "8"),
    "actionmae": Mark("ActionMAE", RED, "H"),
    "drfuse": Mark("DrFuse", GREEN, "d"),
}

MODALITIES: dict[str, Mark] = {
    "audio": Mark("audio", ORANGE, "^", "--"),
    "visual": Mark("visual", BLUE, "s", "-"),
    "question": Mark("question", PINK, "o", ":"),
    "audio_question": Mark("audio and question", RED, "D", "-."),
    "visual_question": Mark("visual and question", GREEN, "P", "-."),
}

SCENARIOS: dict[str, Mark] = {
    "complete": Mark("both present", INK, "o", "-"),
    "audio_missing": Mark("audio missing", BLUE, "s", "--"),
    "visual_missing": Mark("visual missing", ORANGE, "^", "-."),
    "both_missing": Mark("both missing", GREY, "X", ":"),
    "mixed": Mark("mixed", GREEN, "D", ":"),
}

NETWORKS: dict[str, Mark] = {
    "avsd": Mark("AVSD", SKY, "v"),
    "pano_avqa": Mark("Pano-AVQA", GREEN, "D"),
    "avst": Mark("AVST", ORANGE, "o"),
    "pstp_net": Mark("PSTP-Net", BLUE, "s"),
}

OBSERVERS: dict[str, Mark] = {
    "avst_with_reader": Mark("AVST with the reader", BLUE, "s"),
    "readings": Mark("exact rules on linear readings", GREEN, "D"),
    "other_clip": Mark("the same, readings of another clip", GREY, "X"),
}

BOUNDS: dict[str, Mark] = {
    "floor": Mark("floor", FLOOR_COLOUR, "|", "--"),
    "ceiling": Mark("ceiling", CEILING_COLOUR, "|", ":"),
}

_SPARE_COLOURS = (BLUE, ORANGE, GREEN, RED, PINK, BROWN, SKY, GREY)
_SPARE_MARKERS = ("1", "2", "3", "4", "+", "|", "_")


def mark_of(name: str) -> Mark:
    """Return the fixed mark of a method, modality, scenario, network, observer or bound.

    A name that the book does not know, such as a reader's own plug-in, gets a mark that depends
    on the name alone, so that it looks the same on every page.
    """
    for known in (METHODS, SCENARIOS, MODALITIES, NETWORKS, OBSERVERS, BOUNDS):
        if name in known:
            return known[name]
    family = name.split("(")[0]
    if family in SCENARIOS:
        known_mark = SCENARIOS[family]
        return Mark(name, known_mark.colour, known_mark.marker, known_mark.line)
    return _spare(name)


def marks_of(names: Iterable[str]) -> dict[str, Mark]:
    """Return marks for names that share a figure, no two alike in colour and marker.

    A name the book has no mark for also gets a colour of its own, as long as there is one.
    """
    chosen: dict[str, Mark] = {}
    for name in names:
        mark, attempt = mark_of(name), 0
        while any(_clash(mark, other, attempt) for other in chosen.values()):
            attempt += 1
            mark = _spare(f"{name}#{attempt}", label=mark.label)
        chosen[name] = mark
    return chosen


def _clash(one: Mark, other: Mark, attempt: int) -> bool:
    is_spare = one.marker in _SPARE_MARKERS
    if is_spare and attempt < 10 * len(_SPARE_COLOURS):
        return one.colour == other.colour
    return (one.colour, one.marker) == (other.colour, other.marker)


def _spare(name: str, label: str | None = None) -> Mark:
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little")
    colour = _SPARE_COLOURS[number % len(_SPARE_COLOURS)]
    marker = _SPARE_MARKERS[number // len(_SPARE_COLOURS) % len(_SPARE_MARKERS)]
    return Mark(label or name.replace("_", " "), colour, marker, "-")


def use_style() -> None:
    """Set the book's look for matplotlib; call it once at the top of a notebook."""
    sns.set_theme(style="ticks", palette="colorblind", rc=_RC)
    _choose_notebook_formats()


_RC: dict[Any, Any] = {
    "font.size": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "figure.figsize": (FIGURE_WIDTH, 3.2),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "savefig.dpi": 150,
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "image.cmap": SEQUENTIAL,
    "svg.hashsalt": "avqa_core",
}


def _choose_notebook_formats() -> None:
    """Show svg on pages and keep png for LaTeX; outside IPython there is nothing to choose."""
    try:
        from IPython.core.getipython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:
        set_matplotlib_formats("svg", "png")


def new_figure(
    *, rows: int = 1, columns: int = 1, height: float = 3.2, **options: Any
) -> tuple[Figure, list[plt.Axes]]:
    """Return an opaque figure of the book's width and its panels, in reading order.

    The figure is not registered with pyplot, so that a notebook shows it once, by returning it.
    """
    with matplotlib.rc_context(_RC):
        figure = Figure(figsize=(FIGURE_WIDTH, height), layout="constrained", facecolor="white")
        panels = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(panels.ravel())
