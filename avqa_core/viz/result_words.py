"""What stored results say, as words of a sentence; what was not run says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from avqa_core.data.annotations import CATEGORIES
from avqa_core.experiments.planning import NEEDS_ORDER
from avqa_core.ledger import Entry, Verdict, compared
from avqa_core.viz.points import in_words, seeds_text

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

CATEGORY_NAMES = tuple(map(str, CATEGORIES))
NOT_RUN = "not run yet"
# of one claim, and of several
SAID: dict[Verdict, tuple[str, str]] = {
    "holds": ("holds", "hold"),
    "contradicted": ("is contradicted", "are contradicted"),
    "open": ("is not told apart", "are not told apart"),
    "one seed": ("has one seed and no verdict", "have one seed and no verdict"),
    "not run": ("was not run", "were not run"),
}


def gap_text(
    stored: Stored, name: str, other: str, scenario: str, *, over: str | None = None
) -> str:
    """Say how one experiment compares with another in points, or that it was not run.

    Arguments as of ``ledger.compared``.
    """
    entry = compared(stored, name, other, scenario, over=over)
    return NOT_RUN if entry.ours is None else in_words(entry.ours, entry.num_seeds)


def gap_texts(
    stored: Stored, gaps: Mapping[str, tuple[str, str]], scenarios: Sequence[str]
) -> dict[str, str]:
    """Say how pairs compare in several scenarios, under ``NAME_SCENARIO``."""
    return {
        f"{name}_{scenario}": gap_text(stored, *pair, scenario)
        for name, pair in gaps.items()
        for scenario in scenarios
    }


def accuracy_text(stored: Stored, name: str, scenario: str) -> str:
    """Say how many per cent an experiment answers right, or that it was not run."""
    if not stored.has(name):
        return NOT_RUN
    return f"{100 * stored.accuracy(name, scenario).estimate:.1f} %"


def parameters_text(stored: Stored, name: str) -> str:
    """Say how many parameters an experiment trained, or that it was not run."""
    return f"{stored.cost(name)['trained_parameters']:,}" if stored.has(name) else NOT_RUN


def steps_text(stored: Stored, name: str) -> str:
    """Say how many steps an experiment trained, or that it was not run."""
    return f"{stored.cost(name)['steps']:,.0f}" if stored.has(name) else NOT_RUN


def spread_text(stored: Stored, names: Sequence[str], scenario: str) -> str:
    """Say how many points lie between the best and the worst mean over the seeds that all have."""
    shared = stored.shared_seeds(*names) if stored.has(*names) else []
    if not shared:
        return NOT_RUN
    by_seed = [stored.accuracies(name, scenario) for name in names]
    means = [fmean(of[seed] for seed in shared) for of in by_seed]
    return f"{100 * (max(means) - min(means)):.1f} points ({seeds_text(len(shared))})"


def verdicts_text(entries: Sequence[Entry]) -> str:
    """Say how many claims have each verdict."""
    counts = Counter(entry.verdict for entry in entries)
    told = [f"{counts[one]} {words[counts[one] > 1]}" for one, words in SAID.items() if counts[one]]
    return ", ".join(told)


def ceiling_text(stored: Stored, name: str, scenario: str) -> str:
    """Say what a perfect observer could reach in the world of an experiment."""
    ceiling = stored.ceiling(name, scenario) if stored.has(name) else None
    return NOT_RUN if ceiling is None else f"{100 * ceiling:.1f} %"


def share_text(stored: Stored, name: str, scenario: str, *, order: bool = True) -> str:
    """Say which share of the ceiling an experiment reaches.

    Args:
        stored: results over seeds.
        name: of the experiment.
        scenario: in which it was tested.
        order: whether questions that need order in time or place count.
    """
    if not stored.has(name):
        return NOT_RUN
    of = [
        one
        for one in CATEGORY_NAMES
        if stored.has_category(name, one) and (order or one not in NEEDS_ORDER)
    ]
    ceiling = stored.ceiling(name, scenario, of)
    if not ceiling:
        return "not known"
    interval = stored.accuracy(name, scenario, of)
    return f"{100 * interval.estimate / ceiling:.1f} %"


def range_text(stored: Stored, names: Sequence[str], scenario: str) -> str:
    """Say between which accuracies those experiments lie that are stored."""
    means = [stored.accuracy(name, scenario).estimate for name in names if stored.has(name)]
    if not means:
        return NOT_RUN
    return f"{100 * min(means):.1f} to {100 * max(means):.1f} %"
