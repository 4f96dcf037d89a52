"""How far the question alone gets, beside what the paper prints with a modality missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avqa_core.data.annotations import CATEGORIES
from avqa_core.metrics import Interval
from avqa_core.paper_baselines import FIRST_RELEASE, PrintedRow, beside
from avqa_core.studies.floor_results import FloorResults, Gains, Measurement
from avqa_core.studies.question_floors import ALL, ENCODER, NEW_CLIPS, FloorRow
from avqa_core.viz import style
from avqa_core.viz.display import Rich
from avqa_core.viz.points import spanned
from avqa_core.viz.style import FLOOR_COLOUR, INK, mark_of, new_figure
from avqa_core.viz.tables import Cell, Column, table

FLOORS = {
    "constant": "one answer to everything",
    "category": "most common by category",
    "template": "most common by template",
    "question": "most common by filled question",
    "encoder": "trained question encoder",
}
METHODS = {
    "AVST+MissingAwarePrompts": "AVST, missing-aware prompts",
    "AVST+ShaSpec": "AVST, ShaSpec",
    "AVST+ActionMAE": "AVST, ActionMAE",
    "AVST+DrFuse": "AVST, DrFuse",
    "AVST+Ours": "AVST, RMM and AVR (the paper)",
}
NETWORKS = {mark.label: mark for mark in style.NETWORKS.values()}
MISSING = ("audio", "visual")
CATEGORY_NAMES = tuple(map(str, CATEGORIES))
_SHADE = "#e9e9e9"
_GAP = 0.6
LABEL_SIDE = 0.5  # numbers of smaller values stand to the left, off the line of the floor
Printed = Mapping[str, Sequence[PrintedRow]]


def floors_figure(found: Measurement, printed: Printed) -> Figure:
    """Draw the floors and the printed rows under each other, one panel for each missing modality.

    Args:
        found: floors of the corrected test file; the shade ends at the most common by template.
        printed: missing modality -> rows of Tables 1 and 3.
    """
    figure, panels = new_figure(columns=2, height=4.6, sharex=True, sharey=True)
    names = [*FLOORS.values(), *NETWORKS, *METHODS.values()]
    blocks = (len(FLOORS), len(FLOORS) + len(NETWORKS))
    heights = [row + _GAP * sum(row >= start for start in blocks) for row in range(len(names))]
    for panel, missing in zip(panels, MISSING, strict=True):
        shaded = 100 * found.row("template").accuracy.estimate
        panel.axvspan(0, shaded, color=_SHADE, zorder=0)
        panel.axvline(shaded, color=FLOOR_COLOUR, linestyle="--", linewidth=1.2, zorder=1)
        for height, floor in zip(heights, FLOORS, strict=False):
            look = {"marker": "d", "color": INK}
            _point(panel, height, found.row(floor).accuracy, look)
        by_method = {row.method: row for row in printed[missing]}
        for height, method in zip(heights[blocks[0] :], [*NETWORKS, *METHODS], strict=True):
            value = by_method[method].accuracies[ALL]
            _point(panel, height, Interval(value, value, value), _look(by_method[method]))
        panel.set_title(mark_of(f"{missing}_missing").label)
        panel.set(xlim=(0, 100), ylim=(heights[-1] + 0.7, -0.7), xlabel="accuracy (%)")
        panel.grid(axis="y", visible=False)
    panels[0].set_yticks(heights, names)
    for label, fill in (("first release of the test file", "none"), ("corrected", INK)):
        panels[0].plot([], [], "o", color=INK, mfc=fill, label=label)
    panels[0].axvspan(0, 0, color=_SHADE, label="below the most common by template")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _point(panel: Axes, height: float, value: Interval, look: Mapping[str, Any]) -> None:
    """Draw one value with its interval and its number."""
    panel.hlines(height, 100 * value.low, 100 * value.high, color=look["color"], linewidth=2.2)
    panel.plot(100 * value.estimate, height, **look)
    is_right = value.estimate > LABEL_SIDE
    end, shift, side = (value.high, 6, "left") if is_right else (value.low, -6, "right")
    panel.annotate(
        f"{100 * value.estimate:.1f}", (100 * end, height), xytext=(shift, 0),
        textcoords="offset points", va="center", ha=side, fontsize=9,
    )  # fmt: skip


def category_figure(found: Measurement, printed: Printed) -> Figure:
    """Draw the networks with nothing added over the floor by template, category by category.

    Args:
        found: floors of the corrected test file; those of the first release look the same.
        printed: missing modality -> rows of Tables 1 and 3.
    """
    names = CATEGORY_NAMES
    figure, panels = new_figure(columns=2, height=4.4, sharex=True, sharey=True)
    for panel, missing in zip(panels, MISSING, strict=True):
        rows = [row for row in printed[missing] if row.is_plain]
        for height, name in enumerate(names):
            floor = found.row("template", name).accuracy
            panel.barh(height, 100 * floor.estimate, height=0.8, color=_SHADE, zorder=0)
            ends = (100 * floor.low, 100 * floor.high)
            panel.hlines(height, *ends, color=FLOOR_COLOUR, linewidth=5, alpha=0.5, zorder=1)
            for place, row in enumerate(rows):
                at = height + 0.18 * (place - (len(rows) - 1) / 2)
                panel.plot(100 * row.accuracies[name], at, linestyle="", **_look(row))
        panel.set_title(mark_of(f"{missing}_missing").label)
        panel.set(xlim=(0, 100), ylim=(len(names) - 0.4, -0.6), xlabel="accuracy (%)")
        panel.grid(axis="y", visible=False)
    panels[0].set_yticks(range(len(names)), names)
    for row in rows:
        panels[0].plot([], [], linestyle="", label=row.method, **_look(row))
    panels[0].barh([0], [0], color=_SHADE, label="floor by template")
    panels[0].plot([], [], color=FLOOR_COLOUR, linewidth=5, alpha=0.5, label="its 95 % interval")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _look(row: PrintedRow) -> dict[str, Any]:
    """Return marker and colour of a network, hollow where it was scored on the first release."""
    mark = NETWORKS.get(row.method, NETWORKS["AVST"])
    fill = "white" if row.test == FIRST_RELEASE else mark.colour
    return {"marker": mark.marker, "color": mark.colour, "mfc": fill, "mew": 1.4}


def floors_table(found: Mapping[str, Sequence[FloorRow]], *, caption: str) -> Rich:
    """Return one row for each floor, with counts and interval over all questions.

    Args:
        found: what the floors were fitted and scored on, in words -> counts.
        caption: what the table shows.
    """
    rows: list[dict[str, Cell]] = []
    for where, counts in found.items():
        for one in counts:
            if one.scope in (ALL, NEW_CLIPS) and one.floor in FLOORS:
                rows.append(
                    {
                        "where": where if one.scope == ALL else f"{where}, new clips only",
                        "floor": FLOORS[one.floor],
                        "right": _right(one),
                        "total": one.total,
                        "accuracy": one.accuracy.estimate,
                        "interval": _between(one.accuracy),
                    }
                )
    columns = (
        Column("where", "fitted and scored on"),
        Column("floor", "what is known of the question"),
        Column("right", "right"),
        Column("total", "questions", digits=0),
        Column("accuracy", "right (%)", scale=100),
        Column("interval", "95 % over clips"),
    )
    return table(columns, sorted(rows, key=lambda row: "new" in str(row["where"])), caption=caption)


def category_table(found: Measurement, *, caption: str) -> Rich:
    """Return one row for each category and group: three floors with their intervals."""
    fine = ("template", "question", "encoder")
    scopes = [one for one in dict.fromkeys(row.scope for row in found.rows) if one != NEW_CLIPS]
    rows: list[dict[str, Cell]] = []
    for scope in scopes:
        of = {floor: found.row(floor, scope) for floor in fine}
        shown = {
            floor: f"{100 * row.accuracy.estimate:.1f} [{_between(row.accuracy)}]"
            for floor, row in of.items()
        }
        rows.append({"scope": scope, "total": of["template"].total, **shown})
    columns = (
        Column("scope", "questions"),
        Column("total", "n", digits=0),
        *(Column(floor, f"{FLOORS[floor]} (%)") for floor in fine),
    )
    return table(columns, rows, caption=caption)


def baseline_table(
    found: FloorResults, fit: Sequence[str], printed: Printed, *, caption: str
) -> Rich:
    """Return one row for each printed row: it, the floors of its test file, and the verdicts."""
    rows: list[dict[str, Cell]] = []
    for missing in MISSING:
        by_method = {row.method: row for row in printed[missing]}
        for one in (by_method[method] for method in (*NETWORKS, *METHODS)):
            measured = found.of(fit, one.test)
            judged = beside(one, measured.row("template"))
            rows.append(
                {
                    "missing": missing,
                    "method": METHODS.get(one.method, one.method),
                    "test": "first release" if one.test == FIRST_RELEASE else "corrected",
                    "paper": one.accuracies[ALL],
                    "floor": judged.floor.estimate,
                    "over": one.accuracies[ALL] - judged.floor.estimate,
                    "verdict": judged.verdict,
                    "encoder": beside(one, measured.row(ENCODER)).verdict,
                }
            )
    columns = (
        Column("missing", "missing"),
        Column("method", "network"),
        Column("test", "test file"),
        Column("paper", "paper (%)", scale=100, digits=2),
        Column("floor", "floor by template (%)", scale=100, digits=2),
        Column("over", "difference (points)", scale=100),
        Column("verdict", "against the template"),
        Column("encoder", "against the encoder"),
    )
    return table(columns, rows, caption=caption)


def gains_table(found: Gains, *, caption: str) -> Rich:
    """Return by how much more files to fit on change each floor, category by category."""
    fine = ("template", "question", "encoder")
    rows: list[dict[str, Cell]] = []
    for scope in dict.fromkeys(one.scope for one in found.rows):
        of = {one.floor: one for one in found.rows if one.scope == scope}
        shown = {
            floor: spanned(Interval(of[floor].gain, of[floor].low, of[floor].high), "+.1f")
            for floor in fine
        }
        rows.append({"scope": scope, "total": of["template"].total, **shown})
    columns = (
        Column("scope", "questions"),
        Column("total", "n", digits=0),
        *(Column(floor, f"{FLOORS[floor]} (points)") for floor in fine),
    )
    return table(columns, rows, caption=caption)


def _right(one: FloorRow) -> str:
    mean = sum(one.correct) / len(one.correct)
    return f"{mean:.0f}" if len(one.correct) == 1 else f"{mean:.0f}, mean of {len(one.correct)}"


def _between(one: Interval) -> str:
    return f"{100 * one.low:.1f} to {100 * one.high:.1f}"
