"""Stored experiments as a reader meets them: comparisons, lines over one number, the ledger.

Every view says which command makes what is not stored yet, and shows what is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from avqa_core.experiments.planning import NEEDS_ORDER
from avqa_core.ledger import VERDICTS, Entry, compared
from avqa_core.paper_values import paper_accuracy
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.ablation import ablation_lines
from avqa_core.viz.figures.accuracy import Number, accuracy_by_scenario
from avqa_core.viz.notices import notice
from avqa_core.viz.points import in_points, seeds_text
from avqa_core.viz.result_words import CATEGORY_NAMES
from avqa_core.viz.results import (
    accuracies_by_scenario,
    ceilings_by_scenario,
    floors_by_scenario,
)
from avqa_core.viz.style import METHODS, mark_of
from avqa_core.viz.tables import Cell, Column, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

MISSING = ("audio_missing", "visual_missing")
SHOWN = ("complete", *MISSING)
Accuracies = dict[str, dict[Number, list[float]]]


def not_stored(stored: Stored, names: Sequence[str]) -> Rich:
    """Return a box with the command that makes what is not stored of ``names``."""
    missing = [name for name in names if not stored.has(name)]
    groups = sorted({name.split("/")[0] for name in missing})
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return notice(
        "Stored results are not there",
        f"{', '.join(missing[:3])}{more}: several seeds take too long for a page, so they are read "
        "from stored results.",
        f"avqa results --profile {stored.profile} --only {' '.join(groups)}",
    )


def comparison_figure(stored: Stored, names: Sequence[str]) -> Figure | Rich:
    """Draw each experiment in each scenario between floor and ceiling.

    Args:
        stored: results over seeds.
        names: of experiments; those that are not stored are left out.
    """
    there = [name for name in names if stored.has(name)]
    if not there:
        return not_stored(stored, names)
    reports = {key: stored.reports(name) for name, key in keys_of(there).items()}
    first = stored.reports(there[0])[0]
    shown = accuracies_by_scenario(reports)
    return accuracy_by_scenario(
        {method: {one: of[one] for one in SHOWN} for method, of in shown.items()},
        floors=floors_by_scenario(first),
        ceilings=ceilings_by_scenario(first),
    )


def comparison_table(
    stored: Stored,
    names: Sequence[str],
    *,
    caption: str,
    control: str | None = None,
    paper: bool = False,
) -> Rich:
    """Return one row an experiment: accuracies, and what it has over a control, paired by seed.

    Args:
        stored: results over seeds.
        names: of experiments; those that are not stored are left out.
        caption: what the table shows.
        control: name of the experiment that differences are taken to.
        paper: whether to put the paper's values beside ours.
    """
    there = [name for name in names if stored.has(name)]
    if not there:
        return not_stored(stored, names)
    against = control if control is not None and stored.has(control) else None
    columns = [Column("method", "method"), _accuracy_column("complete")]
    for scenario in MISSING:
        short = mark_of(scenario).label.split(" ")[0]
        columns.append(_accuracy_column(scenario))
        if paper:
            columns.append(Column(f"paper {scenario}", f"{short}: paper (%)", scale=100))
        if against:
            columns.append(Column(f"over {scenario}", f"{short}: points over control (95 %)"))
    columns.append(Column("parameters", "parameters trained", digits=0))
    columns.append(Column("steps", "own steps", digits=0))
    rows = [_row(stored, name, against, paper) for name in there]
    counts = {name: len(stored.seeds(name)) for name in there}
    if len(set(counts.values())) > 1:
        columns.append(Column("seeds", "seeds", digits=0))
        rows = [row | {"seeds": counts[name]} for name, row in zip(there, rows, strict=True)]
    else:
        caption = f"{caption} Seeds of each row: {counts[there[0]]}."
    return table(columns, [*rows, *_bounds(stored, there[0])], caption=caption)


def _accuracy_column(scenario: str) -> Column:
    return Column(scenario, f"{mark_of(scenario).label} (%)", scale=100, best="highest")


def category_table(stored: Stored, names: Sequence[str], scenario: str, *, caption: str) -> Rich:
    """Return one row a question category: what it needs, its bounds, and each experiment.

    The last rows add up what needs order in time or place, what does not, and everything.

    Args:
        stored: results over seeds.
        names: of experiments; those that are not stored are left out.
        scenario: in which they were tested.
        caption: what the table shows.
    """
    there = [name for name in names if stored.has(name)]
    if not there:
        return not_stored(stored, names)
    known = [category for category in CATEGORY_NAMES if stored.has_category(there[0], category)]
    sums = {
        "all that need no order": [one for one in known if one not in NEEDS_ORDER],
        "all that need order": [one for one in known if one in NEEDS_ORDER],
        "all questions": known,
    }
    columns = (
        Column("category", "category"),
        Column("order", "needs order in time or place"),
        Column("floor", "floor (%)", scale=100),
        Column("ceiling", "ceiling (%)", scale=100),
        *(Column(name, f"{stored.about(name)} (%)", scale=100) for name in there),
    )
    rows: list[dict[str, Cell]] = []
    for label, of in [*((one, [one]) for one in known), *sums.items()]:
        if of:
            rows.append(
                {
                    "category": label,
                    "order": ("yes" if label in NEEDS_ORDER else "no") if label in known else None,
                    "floor": stored.floor(there[0], of),
                    "ceiling": stored.ceiling(there[0], scenario, of),
                    **{name: stored.accuracy(name, scenario, of).estimate for name in there},
                }
            )
    return table(columns, rows, caption=caption)


def _row(stored: Stored, name: str, control: str | None, paper: bool) -> dict[str, Cell]:
    cost = stored.cost(name)
    row: dict[str, Cell] = {
        "method": stored.about(name),
        **{one: stored.accuracy(name, one).estimate for one in SHOWN},
        "parameters": int(cost["trained_parameters"]),
        "steps": int(cost["steps"]),
    }
    for one in MISSING:
        if paper:
            row[f"paper {one}"] = paper_accuracy(name, one)
        if control is not None:
            row[f"over {one}"] = (
                "control" if name == control else _gap_cell(stored, name, control, one)
            )
    return row


def _gap_cell(stored: Stored, name: str, control: str, scenario: str) -> str | None:
    """Return a paired difference, with its seeds where they are not those of the row."""
    entry = compared(stored, name, control, scenario)
    if entry.ours is None:
        return None
    is_row = entry.num_seeds == len(stored.seeds(name))
    return in_points(entry.ours) + ("" if is_row else f", {seeds_text(entry.num_seeds)}")


def _bounds(stored: Stored, name: str) -> list[dict[str, Cell]]:
    """Return the floor and the ceiling, written as text so that they are never the best."""

    def text(value: float | None) -> Cell:
        return None if value is None else f"({100 * value:.1f})"

    floor = text(stored.floor(name))
    return [
        {"method": "floor: the question alone", **dict.fromkeys(SHOWN, floor)},
        {
            "method": "ceiling: a perfect observer",
            **{one: text(stored.ceiling(name, one)) for one in SHOWN},
        },
    ]


def sweep_figure(
    stored: Stored, points: Mapping[int, str], *, xlabel: str, references: Mapping[str, str]
) -> Figure | Rich:
    """Draw accuracy over one number with a modality missing, the paper's in a panel of its own.

    All points are over the seeds that all of them were run with.

    Args:
        stored: results over seeds.
        points: x -> name of the experiment.
        xlabel: what x is.
        references: label -> name of an experiment, a line for each missing modality.
    """
    there = {x: name for x, name in points.items() if stored.has(name)}
    shared = stored.shared_seeds(*there.values()) if there else []
    if not shared:
        return not_stored(stored, list(points.values()))
    paper: dict[str, dict[Number, Number]] = {
        scenario: {
            x: value
            for x, name in points.items()
            if (value := paper_accuracy(name, scenario)) is not None
        }
        for scenario in MISSING
    }
    lines = {
        f"{label}, {mark_of(scenario).label}": stored.accuracy(name, scenario).estimate
        for label, name in references.items()
        if stored.has(name)
        for scenario in MISSING
    }
    # A seed lifts or lowers all points alike: a point over other seeds would bend the line.
    ours: Accuracies = {
        scenario: {
            x: [stored.accuracies(name, scenario)[seed] for seed in shared]
            for x, name in there.items()
        }
        for scenario in MISSING
    }
    return ablation_lines(ours, xlabel=xlabel, paper=paper, references=lines)


def ratio_figure(
    stored: Stored, names: Sequence[str], scenario: str, ratios: Sequence[float]
) -> Figure | Rich:
    """Draw accuracy over the share of questions that miss one modality: the paper's Fig. 5.

    Args:
        stored: results over seeds.
        names: of experiments that were tested at the ratios.
        scenario: ``audio_missing`` or ``visual_missing``.
        ratios: between 0 (complete) and 1 (all miss it).
    """
    there = [name for name in names if stored.has(name)]
    if not there:
        return not_stored(stored, names)
    accuracies = {
        key: {
            100 * ratio: list(stored.accuracies(name, ratio_scenario(scenario, ratio)).values())
            for ratio in (0.0, *ratios, 1.0)
        }
        for name, key in keys_of(there).items()
    }
    label = f"questions with {mark_of(scenario).label} (%)"
    return ablation_lines(accuracies, xlabel=label, references=_floor(stored, there[0]))


def _floor(stored: Stored, name: str) -> dict[str, float]:
    floor = stored.floor(name)
    return {} if floor is None else {"floor": floor}


def ratio_scenario(scenario: str, ratio: float) -> str:
    """Return the name of the scenario in which a share of the questions misses a modality."""
    if ratio in (0.0, 1.0):
        return scenario if ratio else "complete"
    return f"mixed({ratio},0)" if scenario == "audio_missing" else f"mixed(0,{ratio})"


def ledger_table(entries: Sequence[Entry], *, caption: str) -> Rich:
    """Return one row a claim: the paper's difference, ours with its interval, and the verdict."""
    columns = (
        Column("source", "where"),
        Column("claim", "claim"),
        Column("scenario", "missing"),
        Column("paper", "paper (points)", scale=100),
        Column("ours", "ours, 95 % (points)"),
        Column("rival", "closest rival"),
        Column("seeds", "seeds", digits=0),
        Column("verdict", "verdict"),
    )
    rows: list[dict[str, Cell]] = [
        {
            "source": entry.claim.source,
            "claim": entry.claim.statement,
            "scenario": _absent(entry.claim.scenario),
            "paper": entry.paper,
            "ours": None if entry.ours is None else in_points(entry.ours),
            "rival": _rival(entry),
            "seeds": entry.num_seeds or None,
            "verdict": VERDICTS[entry.verdict],
        }
        for entry in entries
    ]
    return table(columns, rows, caption=caption)


def _rival(entry: Entry) -> str | None:
    """Return whom the deciding comparison is with, and who compares if several might."""
    if entry.pair is None:
        return None
    better, worse = map(_called, entry.pair)
    return worse if len(entry.claim.better) == 1 else f"{better} against {worse}"


def _called(experiment: str) -> str:
    """Return the label of the method of a run where it has one, else the name of the run."""
    method = experiment.rpartition("/")[2]
    return METHODS[method].label if method in METHODS else experiment


def _absent(scenario: str) -> str:
    """Return what a scenario takes away, in a word."""
    return "nothing" if scenario == "complete" else scenario.removesuffix("_missing")


def keys_of(names: Sequence[str]) -> dict[str, str]:
    """Return what each experiment of one figure is drawn as.

    It is the last part of the name, which has a colour of its own in the book, or the whole name
    where another one of the figure has taken that.
    """
    keys: dict[str, str] = {}
    for name in names:
        short = name.rpartition("/")[2]
        keys[name] = name if short in keys.values() else short
    return keys
