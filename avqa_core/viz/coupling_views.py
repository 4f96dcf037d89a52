"""What recall is worth as sight tells more, or less, about sound: a figure and its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from avqa_core.experiments.planning import COUPLINGS
from avqa_core.viz.ablation_views import MISSING, not_stored
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.accuracy import Number
from avqa_core.viz.figures.lines import seed_panels
from avqa_core.viz.result_words import accuracy_text, ceiling_text, gap_text, steps_text
from avqa_core.viz.style import mark_of

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

# what a line is called -> its experiment below ``coupling/<value>/``
METHODS = {
    "zeros": "complete",
    "slot_mean": "slot_mean",
    "retrieval": "retrieval",
    "retrieval_without_question": "retrieval_without_question",
    "rmm_renormalised": "rmm_renormalised",
    "modality_dropout": "modality_dropout",
    "recommended": "recommended",
}
OTHERS = ("slot_mean", "modality_dropout", "recommended_answers_only")
Lines = dict[str, dict[Number, list[float]]]


def coupling_figure(stored: Stored) -> Figure | Rich:
    """Draw accuracy over the coupling of the world that models were trained and tested in.

    One panel a missing modality; every world has questions of its own, so floor and ceiling are
    lines too. All methods at one coupling are over the seeds that all of them were run with. What
    is not stored is left out; if nothing is, a box has the command.
    """
    planned = [f"coupling/{x}/{name}" for name in METHODS.values() for x in COUPLINGS]
    there = [name for name in planned if stored.has(name)]
    if not there:
        return not_stored(stored, planned)
    return seed_panels(
        {mark_of(scenario).label: _lines(stored, scenario) for scenario in MISSING},
        xlabel="coupling",
        ylabel="accuracy (%)",
    )


def coupling_words(stored: Stored) -> dict[str, str]:
    """Return what ours gains at each coupling and over what, and what there is to gain."""
    told = {}
    for x in COUPLINGS:
        ours, here = f"coupling/{x}/recommended", f"coupling_{round(100 * x)}"
        told[f"{here}_complete"] = accuracy_text(stored, f"coupling/{x}/complete", "complete")
        for scenario in MISSING:
            for other in OTHERS:
                theirs = f"coupling/{x}/{other}"
                told[f"{here}_over_{other}_{scenario}"] = gap_text(stored, ours, theirs, scenario)
    low, high = (f"coupling/{x}/recommended" for x in (min(COUPLINGS), max(COUPLINGS)))
    for scenario in MISSING:
        gained = gap_text(stored, high, low, scenario, over="slot_mean")
        told[f"coupling_gains_{scenario}"] = gained
        told[f"coupling_ceiling_{scenario}"] = ceiling_text(stored, high, scenario)
    return told | {
        "coupling_steps": steps_text(stored, f"coupling/{max(COUPLINGS)}/complete"),
        "coupling_plug_in_steps": steps_text(stored, high),
    }


def _lines(stored: Stored, scenario: str) -> Lines:
    """Return line -> coupling -> accuracy in per cent, by seed; bounds have one number each."""
    lines: Lines = {}
    for x in COUPLINGS:
        names = {method: f"coupling/{x}/{name}" for method, name in METHODS.items()}
        there = {method: name for method, name in names.items() if stored.has(name)}
        # A seed has a backbone of its own: methods over other seeds would not compare.
        shared = stored.shared_seeds(*there.values()) if there else []
        for method, name in there.items() if shared else ():
            by_seed = stored.accuracies(name, scenario)
            lines.setdefault(method, {})[x] = [100 * by_seed[seed] for seed in shared]
        for name in list(there.values())[:1]:
            bounds = {"floor": stored.floor(name), "ceiling": stored.ceiling(name, scenario)}
            for bound, value in bounds.items():
                if value is not None:
                    lines.setdefault(bound, {})[x] = [100 * value]
    return lines
