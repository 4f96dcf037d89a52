"""The main finding, from stored results: a figure, a sentence and the rows of a table.

Chapters and the README read it from here, so that they cannot say different things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from avqa_core.claims import Claim
from avqa_core.ledger import Entry, Verdict, ledger
from avqa_core.metrics import Interval
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.accuracy import accuracy_by_scenario
from avqa_core.viz.notices import notice
from avqa_core.viz.points import in_words
from avqa_core.viz.results import (
    accuracies_by_scenario,
    ceilings_by_scenario,
    floors_by_scenario,
)
from avqa_core.viz.style import mark_of

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

SCENARIOS = ("complete", "audio_missing", "visual_missing", "both_missing")
OURS = "recommended"
# From the simplest control to ours; all fill in for one frozen backbone that saw complete clips.
METHODS = {
    "zeros": "plug_in/zeros",
    "slot_mean": "plug_in/slot_mean",
    "retrieval": "plug_in/retrieval",
    "retrieval_without_question": "plug_in/retrieval_without_question",
    "retrieval_large_bank": "plug_in/retrieval_large_bank",
    "retrieval_without_question_large_bank": "plug_in/retrieval_without_question_large_bank",
    "rmm": "plug_in/rmm",
    "rmm_renormalised": "plug_in/rmm_renormalised",
    "paper": "plug_in/paper",
    OURS: "plug_in/recommended",
}
CONTROLS = (
    "zeros",
    "slot_mean",
    "retrieval",
    "retrieval_without_question",
    "retrieval_large_bank",
    "retrieval_without_question_large_bank",
)
_STANDS: dict[Verdict, str] = {
    "holds": "ahead of",
    "contradicted": "behind",
    "open": "not told apart from",
    "one seed": "with one seed, so without a verdict, beside",
}
NOT_STORED = "nothing is stored yet; make results is the command"
BACKBONE = "complete/positions"  # what all of them are plugged into


@dataclass(frozen=True, slots=True)
class MainRow:
    """One method, one floor or one ceiling: its accuracy in each scenario, in their order."""

    name: str
    num_seeds: int
    accuracies: tuple[Interval | float | None, ...]


def stored_methods(stored: Stored) -> dict[str, str]:
    """Return method -> experiment, of those that are stored."""
    return {method: name for method, name in METHODS.items() if stored.has(name)}


def main_figure(stored: Stored) -> Figure | Rich:
    """Draw every method in every scenario, or say how to get the results."""
    methods = stored_methods(stored)
    if not methods:
        return notice(
            "The stored results are not there",
            "This figure shows runs over several seeds, which take too long for a page.",
            "make results",
        )
    reports = {method: stored.reports(name) for method, name in methods.items()}
    first = next(iter(reports.values()))[0]
    shown = accuracies_by_scenario(reports)
    return accuracy_by_scenario(
        {method: {one: of[one] for one in SCENARIOS if one in of} for method, of in shown.items()},
        floors=floors_by_scenario(first),
        ceilings=ceilings_by_scenario(first),
    )


def lead(stored: Stored, scenario: str) -> Entry | None:
    """Return the verdict on ours against all stored controls, None if they were not run."""
    methods = stored_methods(stored)
    controls = [methods[name] for name in CONTROLS if name in methods]
    if OURS not in methods or not controls:
        return None
    claim = Claim(
        source="control",
        statement=f"{OURS} beats the controls",
        scenario=scenario,
        better=(methods[OURS],),
        worse=tuple(controls),
    )
    (entry,) = ledger(stored, [claim])
    return None if entry.verdict == "not run" else entry


def lead_sentence(stored: Stored, scenario: str) -> str:
    """Say how ours compares with every control, or how to get to know."""
    found = lead(stored, scenario)
    if found is None:
        return NOT_STORED
    assert found.ours is not None and found.pair is not None
    (control,) = (name for name, run in METHODS.items() if run == found.pair[1])
    accuracy = stored.accuracy(METHODS[OURS], scenario).estimate
    stands = f"{_STANDS[found.verdict]} its closest control, {mark_of(control).label}"
    return (
        f"{mark_of(OURS).label} answers {100 * accuracy:.1f} %, {stands}: "
        f"{in_words(found.ours, found.num_seeds)}"
    )


def length_sentence(stored: Stored) -> str:
    """Say on how many clips and how long the stored runs trained, or how to get to know."""
    if not stored.has(BACKBONE, METHODS[OURS]):
        return NOT_STORED
    backbone, ours = stored.cost(BACKBONE), stored.cost(METHODS[OURS])
    clips = stored.num_clips(BACKBONE)
    return (
        f"{'' if clips is None else f'{clips:,} clips, '}"
        f"{backbone['steps']:,} steps for the backbone ({backbone['seconds'] / 60:.0f} min), "
        f"{ours['steps']:,} for what is plugged in ({ours['seconds'] / 60:.0f} min)"
    )


def main_rows(stored: Stored) -> list[MainRow]:
    """Return the methods between floor and ceiling, empty if nothing is stored."""
    methods = stored_methods(stored)
    if not methods:
        return []
    any_name = next(iter(methods.values()))
    bounds = [
        MainRow("floor", 0, tuple(stored.floor(any_name) for _ in SCENARIOS)),
        MainRow("ceiling", 0, tuple(stored.ceiling(any_name, one) for one in SCENARIOS)),
    ]
    rows = [
        MainRow(
            method,
            len(stored.seeds(name)),
            tuple(stored.accuracy(name, one) for one in SCENARIOS),
        )
        for method, name in methods.items()
    ]
    return [bounds[0], *rows, bounds[1]]
