"""The decision guide of the chapter on failing sensors: every advice follows from stored numbers.

Of several methods the one with the highest accuracy is advised; where the next one is not told
apart from it, over the seeds that both have, the guide says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avqa_core.metrics import Interval, paired_difference
from avqa_core.studies.field_results import FieldResults
from avqa_core.studies.sensor_failures import WHOLE
from avqa_core.viz.display import Rich
from avqa_core.viz.field_views import FITTED, label_of, no_counts, training_points
from avqa_core.viz.points import in_points
from avqa_core.viz.style import mark_of
from avqa_core.viz.tables import Column, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

FROZEN = "plug_in/"
MISSING = ("audio_missing", "visual_missing")


@dataclass(frozen=True, slots=True)
class Choice:
    """The best of several methods in one scenario, and its lead over the next one."""

    scenario: str
    best: str
    accuracy: float
    next: str | None
    lead: Interval | None

    @property
    def advice(self) -> str:
        """Which method to take, in words."""
        if self.next is None or self.lead is None or self.lead.low > 0:
            return label_of(self.best)
        return f"{label_of(self.best)}; {label_of(self.next)} is not told apart from it"

    @property
    def evidence(self) -> str:
        """What the stored numbers say, in words."""
        lead = ""
        if self.next is not None and self.lead is not None:
            lead = f", {in_points(self.lead)} points over {label_of(self.next)}"
        return f"{100 * self.accuracy:.1f} % right{lead}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the guide."""

    situation: str
    advice: str
    evidence: str


def choose(found: FieldResults, names: Sequence[str], scenario: str) -> Choice:
    """Return the method with the highest mean accuracy in a scenario.

    Args:
        found: stored counts.
        names: of experiments, at least one.
        scenario: what fails.
    """
    ranked = sorted(names, key=lambda one: -found.accuracy(one, scenario).estimate)
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    lead = None
    if second is not None:
        ours, theirs = (found.accuracies(one, scenario) for one in (best, second))
        shared = ours.keys() & theirs.keys()
        if shared:
            lead = paired_difference(
                {seed: ours[seed] for seed in shared}, {seed: theirs[seed] for seed in shared}
            )
    return Choice(scenario, best, found.accuracy(best, scenario).estimate, second, lead)


def guide(found: FieldResults, stored: Stored, at_least: float) -> list[Row]:
    """Return the guide, a line for each situation that the stored numbers speak about.

    Args:
        found: stored counts.
        stored: results over seeds, for what was trained on clips with gaps.
        at_least: how sure an answer has to be.
    """
    frozen = [name for name in found.names if name.startswith(FROZEN)]
    rows = []
    for words, scenario in (
        ("A microphone cuts out for three segments", "audio_drops(3)"),
        ("A camera cuts out for three segments", "visual_drops(3)"),
    ):
        choice = choose(found, found.names, scenario)
        rows.append(Row(words, choice.advice, choice.evidence))
    for words, names in (
        ("and the network in use cannot be trained again", frozen),
        ("and the network can be trained again", found.names),
    ):
        for scenario in MISSING:
            if names:
                choice = choose(found, names, scenario)
                situation = f"{mark_of(scenario).label} for good, {words}"
                rows.append(Row(situation, choice.advice, choice.evidence))
    return [*rows, *_gaps(stored), _temperature(found), *_abstaining(found, at_least)]


def guide_table(
    found: FieldResults | None, stored: Stored, at_least: float, *, caption: str
) -> Rich:
    """Return the guide as a table; arguments as of ``guide``."""
    if found is None:
        return no_counts()
    columns = (
        Column("situation", "what fails"),
        Column("advice", "what to do"),
        Column("evidence", "stored numbers"),
    )
    rows = [
        {"situation": one.situation, "advice": one.advice, "evidence": one.evidence}
        for one in guide(found, stored, at_least)
    ]
    return table(columns, rows, caption=caption)


def _gaps(stored: Stored) -> list[Row]:
    """Return what training clips that lack a half cost, for the method that loses least."""
    told = []
    for method, points in training_points(stored).items():
        if not points or 0.0 not in points:
            continue
        most = max(points)
        lost = {
            scenario: stored.accuracy(points[0.0], scenario).estimate
            - stored.accuracy(points[most], scenario).estimate
            for scenario in ("complete", *MISSING)
        }
        worst = max(lost, key=lambda one: lost[one])
        told.append((lost[worst], worst, method, most))
    if not told:
        return []
    loss, scenario, method, most = min(told)
    return [
        Row(
            f"{100 * most:.0f} % of the training clips lack a half too",
            f"train all the same, with {mark_of(method).label}",
            f"at most {100 * loss:.1f} points lost ({mark_of(scenario).label}); of two methods, "
            "what loses least",
        )
    ]


def _temperature(found: FieldResults) -> Row:
    """Return over what the temperature had better be fitted, by the mean calibration error."""
    means = {}
    for fitted in FITTED:
        errors = [
            one.error.estimate
            for name in found.names
            for scenario in WHOLE
            for one in found.sureness(name, scenario, fitted)
        ]
        means[fitted] = sum(errors) / len(errors)
    best = min(means, key=lambda one: means[one])
    told = ", ".join(f"{100 * mean:.1f} {FITTED[fitted]}" for fitted, mean in means.items())
    return Row(
        "Confidences are to mean something",
        f"temperature {FITTED[best]}",
        f"calibration error in points, mean over methods and scenarios: {told}",
    )


def _abstaining(found: FieldResults, at_least: float) -> list[Row]:
    """Return what saying nothing buys in each scenario, for the method that is best there."""
    rows = []
    for scenario in WHOLE:
        best = choose(found, found.names, scenario).best
        answered, right = found.pooled(best, scenario, "own").answered_at(at_least)
        keeps = right.total > 0 and right.accuracy >= at_least
        advice = "answer only when so sure" if keeps else "raise the threshold, or say nothing"
        share = f"{100 * right.accuracy:.1f} % of them right" if right.total else "none"
        rows.append(
            Row(
                f"A wrong answer costs more than none, {mark_of(scenario).label}: at least "
                f"{100 * at_least:.0f} % sure",
                advice,
                f"{label_of(best)}: {100 * answered.accuracy:.1f} % answered, {share}",
            )
        )
    return rows
