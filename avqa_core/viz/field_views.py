"""What the chapter on failing sensors shows: stored counts, and the same of a live network.

Every view says which command makes what is not stored yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avqa_core.abstention import Confidences
from avqa_core.experiments.planning import MISSING_RATES
from avqa_core.metrics import Interval
from avqa_core.studies.field_results import FieldResults
from avqa_core.studies.sensor_failures import DROPS, RATIOS, WHOLE, Fitted
from avqa_core.viz.ablation_views import keys_of, not_stored, ratio_scenario
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.accuracy import Number
from avqa_core.viz.figures.lines import seed_lines
from avqa_core.viz.notices import notice
from avqa_core.viz.points import spanned
from avqa_core.viz.style import INK, mark_of, new_figure
from avqa_core.viz.tables import Cell, Column, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

FITTED: dict[Fitted, str] = {
    "none": "as trained",
    "complete": "fitted on complete clips",
    "scenarios": "fitted over all four",
    "own": "fitted on each",
}
Lines = dict[str, dict[Number, list[float]]]
Panels = Mapping[str, Mapping[str, Confidences]]


def no_counts() -> Rich:
    """Return a box with the command that makes the counts of this chapter."""
    return notice(
        "Stored counts are not there",
        "Several methods and seeds in two dozen scenarios take too long for a page, so they are "
        "read from stored counts, which finished runs of 'avqa results' give.",
        "avqa field",
    )


def label_of(experiment: str) -> str:
    """Return how a method is called in this chapter, where both regimes stand side by side."""
    group, _, method = experiment.rpartition("/")
    return mark_of(method).label + (", joint" if group == "joint" else "")


def drops_figure(found: FieldResults | None, modality: str) -> Figure | Rich:
    """Draw accuracy over the number of segments that drop out, from none to the whole modality.

    Args:
        found: stored counts.
        modality: ``audio`` or ``visual``.
    """
    if found is None:
        return no_counts()
    scenarios: dict[Number, str] = {0: "complete", found.num_segments: f"{modality}_missing"}
    scenarios |= {
        number: f"{modality}_drops({number})" for number in DROPS if number < found.num_segments
    }
    what = {"audio": "sound", "visual": "picture"}[modality]
    return _over(found, scenarios, f"segments without {what}, of {found.num_segments}")


def ratio_figure(found: FieldResults | None, missing: str) -> Figure | Rich:
    """Draw accuracy over the share of questions that miss a modality: the paper's Fig. 5.

    Args:
        found: stored counts.
        missing: ``audio_missing``, ``visual_missing``, or ``both_missing`` where each misses its
            sound and its picture with that chance.
    """
    if found is None:
        return no_counts()
    scenarios: dict[Number, str] = {
        100 * ratio: ratio_name(missing, ratio) for ratio in (0.0, *RATIOS, 1.0)
    }
    what = f"questions with {mark_of(missing).label}"
    if missing == "both_missing":
        what = "chance that each half is missing, by itself"
    return _over(found, scenarios, f"{what} (%)")


def ratio_name(missing: str, ratio: float) -> str:
    """Return the name of the scenario in which a share of the questions misses something."""
    if missing == "both_missing" and 0 < ratio < 1:
        return f"mixed({ratio},{ratio})"
    return ratio_scenario(missing, ratio)


def training_rate_figure(stored: Stored, scenario: str) -> Figure | Rich:
    """Draw test accuracy over the share of training clips that lack a half for good.

    Args:
        stored: results over seeds.
        scenario: in which the test questions are answered.
    """
    points = training_points(stored)
    if not any(points.values()):
        return not_stored(stored, [f"field/{rate}/recommended" for rate in MISSING_RATES])
    lines: Lines = {
        method: {
            100 * rate: [100 * one for one in stored.accuracies(name, scenario).values()]
            for rate, name in of.items()
        }
        for method, of in points.items()
        if of
    }
    return seed_lines(
        lines,
        xlabel="training clips that lack one half (%)",
        ylabel=f"accuracy (%), {mark_of(scenario).label}",
    )


def training_points(stored: Stored) -> dict[str, dict[float, str]]:
    """Return method -> missing rate -> experiment, of those that are stored beside rate 0."""
    found = {}
    for method in ("modality_dropout", "recommended"):
        names = {0.0: f"joint/{method}"}
        names |= {rate: f"field/{rate}/{method}" for rate in MISSING_RATES}
        there = {rate: name for rate, name in names.items() if stored.has(name)}
        found[method] = there if set(there) - {0.0} else {}
    return found


def reliability_figure(panels: Panels) -> Figure:
    """Draw how often answers are right over how sure the network was, a panel a temperature.

    Args:
        panels: title -> scenario -> its answers by how sure they were.
    """
    figure, axes = new_figure(columns=len(panels), height=3.4, sharex=True, sharey=True)
    for panel, (title, scenarios) in zip(axes, panels.items(), strict=True):
        panel.plot([0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=":")
        for scenario, confidences in scenarios.items():
            bins = confidences.reliability()
            _scenario_line(
                panel,
                scenario,
                [100 * one.confidence for one in bins],
                [100 * one.tally.accuracy for one in bins],
            )
        panel.set(title=title, xlim=(0, 100), ylim=(0, 100), xlabel="how sure (%)")
    axes[0].set_ylabel("how often right (%)")
    _legend(figure, axes[0])
    return figure


def risk_coverage_figure(panels: Panels, at_least: float) -> Figure:
    """Draw what is wrong among the answered over how much is answered; a ring at a threshold.

    Args:
        panels: title -> scenario -> its answers by how sure they were.
        at_least: how sure an answer has to be at the ring.
    """
    figure, axes = new_figure(columns=len(panels), height=3.4, sharex=True, sharey=True)
    for panel, (title, scenarios) in zip(axes, panels.items(), strict=True):
        for scenario, confidences in scenarios.items():
            curve = confidences.risk_coverage()
            coverage = [100 * one for one in curve.coverage]
            risk = [100 * one for one in curve.risk]
            mark = mark_of(scenario)
            panel.plot(coverage, risk, mark.line, color=mark.colour, label=mark.label)
            answered, right = confidences.answered_at(at_least)
            if right.total:
                panel.plot(
                    100 * answered.accuracy, 100 * (1 - right.accuracy), mark.marker, ms=9,
                    mfc="none", color=mark.colour,
                )  # fmt: skip
        panel.set(title=title, xlim=(0, 100), ylim=(0, None), xlabel="answered (%)")
    axes[0].set_ylabel("wrong among the answered (%)")
    _legend(figure, axes[0])
    return figure


def stored_figure(
    found: FieldResults | None,
    experiments: Sequence[str],
    fitted: Fitted,
    draw: Callable[[Panels], Figure | Rich],
) -> Figure | Rich:
    """Draw the answers of all seeds together, a panel a method.

    Args:
        found: stored counts.
        experiments: names; those that are not stored are left out.
        fitted: what the temperature was fitted over.
        draw: one of the views of this module that take panels.
    """
    there = [] if found is None else [name for name in experiments if name in found.names]
    if found is None or not there:
        return no_counts()
    return draw(
        {
            label_of(name): {scenario: found.pooled(name, scenario, fitted) for scenario in WHOLE}
            for name in there
        }
    )


def calibration_table(
    found: FieldResults | None, experiments: Sequence[str], *, caption: str
) -> Rich:
    """Return one row a method and scenario: calibration error at each temperature.

    Args:
        found: stored counts.
        experiments: names; those that are not stored are left out.
        caption: what the table shows.
    """
    if found is None:
        return no_counts()
    rows: list[dict[str, Cell]] = []
    for name in (one for one in experiments if one in found.names):
        for scenario in WHOLE:
            row: dict[str, Cell] = {"method": label_of(name), "scenario": mark_of(scenario).label}
            for fitted in FITTED:
                errors = [one.error for one in found.sureness(name, scenario, fitted)]
                mean = sum(one.estimate for one in errors) / len(errors)
                low, high = min(one.low for one in errors), max(one.high for one in errors)
                row[fitted] = spanned(Interval(mean, low, high))
            rows.append(row | {"seeds": len(found.of(name))})
    columns = (
        Column("method", "method"),
        Column("scenario", "scenario"),
        *(Column(one, f"{words} (points)") for one, words in FITTED.items()),
        Column("seeds", "seeds", digits=0),
    )
    return table(columns, rows, caption=caption)


def abstention_table(panels: Panels, at_least: float, *, caption: str) -> Rich:
    """Return one row a method and scenario: what comes of answering only when sure.

    Args:
        panels: method -> scenario -> answers by how sure they were.
        at_least: how sure an answer has to be.
        caption: what the table shows.
    """
    rows: list[dict[str, Cell]] = []
    for method, scenarios in panels.items():
        for scenario, confidences in scenarios.items():
            answered, right = confidences.answered_at(at_least)
            rows.append(
                {
                    "method": method,
                    "scenario": mark_of(scenario).label,
                    "answered": answered.accuracy,
                    "right": right.accuracy,
                    "all": confidences.tally.accuracy,
                    "total": answered.total,
                }
            )
    columns = (
        Column("method", "method"),
        Column("scenario", "scenario"),
        Column("answered", "answered (%)", scale=100),
        Column("right", "of them right (%)", scale=100),
        Column("all", "right if all are answered (%)", scale=100),
        Column("total", "answers", digits=0),
    )
    return table(columns, rows, caption=caption)


def _over(found: FieldResults, scenarios: Mapping[Number, str], xlabel: str) -> Figure:
    """Draw every experiment over what its scenarios have as x."""
    lines: Lines = {}
    labels: dict[str, str] = {}
    for name, key in keys_of(found.names).items():
        labels[key] = label_of(name)
        lines[key] = {
            x: [100 * one for one in found.accuracies(name, scenario).values()]
            for x, scenario in sorted(scenarios.items())
        }
    return seed_lines(lines, xlabel=xlabel, ylabel="accuracy (%)", labels=labels)


def _scenario_line(panel: Axes, scenario: str, x: list[float], y: list[float]) -> None:
    mark = mark_of(scenario)
    panel.plot(x, y, mark.line, marker=mark.marker, color=mark.colour, label=mark.label)


def _legend(figure: Figure, panel: Axes) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
