"""The decision guide of the chapter on failing sensors: every advice follows from stored numbers.

Where several can be compared, the one with the best mean is advised, and whatever the seeds that
both have do not set behind it is named beside it: not told apart, one seed, or never compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from avqa_core.ledger import ONE_SEED, least_spread, paired
from avqa_core.metrics import Interval, seed_interval
from avqa_core.studies.field_results import FieldResults
from avqa_core.studies.sensor_failures import WHOLE
from avqa_core.viz.display import Rich
from avqa_core.viz.field_views import FITTED, label_of, no_counts, training_points
from avqa_core.viz.main_results import METHODS
from avqa_core.viz.points import in_words
from avqa_core.viz.style import mark_of
from avqa_core.viz.tables import Column, counted, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

FROZEN = "plug_in/"
MISSING = ("audio_missing", "visual_missing")
# What a practitioner can take, of the runs of chapter 13.
PLUGGED_IN = tuple(METHODS)
TRAINED_AGAIN = (
    "modality_dropout",
    "modality_dropout_wide",
    "modality_dropout_longer",
    "paper",
    "recommended",
)
ALIKE = "frozen backbone, alike with each completer"
ALONE = "nothing stored to compare it with"
NOT_COMPARED = "not compared: no seed in common"
Standing = Literal["behind", "open", "ahead", "one seed", "not compared"]
# Only who is shown to be behind goes without a word.
_SAID: dict[Standing, str] = {
    "open": "not told apart from",
    "ahead": "over shared seeds behind",
    "one seed": f"{ONE_SEED} on",
    "not compared": "not compared with",
}


@dataclass(frozen=True, slots=True)
class Rival:
    """One that was not chosen; the lead of the chosen one is None where they share no seed."""

    label: str
    lead: Interval | None
    num_seeds: int

    @property
    def standing(self) -> Standing:
        """What the seeds that both have tell about it."""
        if self.lead is None:
            return "not compared"
        if self.num_seeds == 1:
            return "one seed"
        if self.lead.low > 0:
            return "behind"
        return "ahead" if self.lead.high < 0 else "open"


@dataclass(frozen=True, slots=True)
class Choice:
    """The best of several by its mean over seeds, and the others, the next best first."""

    best: str
    label: str
    mean: float
    rivals: tuple[Rival, ...]

    @property
    def advice(self) -> str:
        """What to take, in words, with everything that may be as good."""
        if not self.rivals:
            return f"{self.label}; {ALONE}"
        told = [self.label]
        for standing, phrase in _SAID.items():
            of = [one.label for one in self.rivals if one.standing == standing]
            if standing == "one seed" and len(of) == len(self.rivals):
                told.append(ONE_SEED)
            elif of:
                told.append(f"{phrase} {', '.join(of[:-1]) + ' and ' if of[1:] else ''}{of[-1]}")
        return "; ".join(told)

    @property
    def leads(self) -> str:
        """The leads over all who may be as good, or over the next one, in words."""
        compared = [one for one in self.rivals if one.lead is not None]
        named = [one for one in compared if one.standing in ("open", "ahead")]
        return "".join(
            f"; {in_words(one.lead, one.num_seeds)} over {one.label}"
            for one in named or compared[:1]
            if one.lead is not None
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the guide."""

    situation: str
    advice: str
    evidence: str


def compare(
    values: Mapping[str, Mapping[int, float]], called: Mapping[str, str], least: float
) -> Choice:
    """Return the one with the highest mean, and its lead over each of the others.

    Args:
        values: name -> seed -> what was measured, higher is better.
        called: name -> how it is called.
        least: by how much seeds are taken to differ at least, as of ``ledger.paired``.
    """
    best, *others = sorted(values, key=lambda one: -fmean(values[one].values()))
    rivals = tuple(_rival(values[best], values[one], called[one], least) for one in others)
    return Choice(best, called[best], fmean(values[best].values()), rivals)


def choose(found: FieldResults, names: Sequence[str], scenario: str, least: float) -> Choice:
    """Return the method with the highest mean accuracy in a scenario.

    Args:
        found: stored counts.
        names: of experiments, at least one.
        scenario: what fails.
        least: by how much seeds are taken to differ at least, as of ``ledger.paired``.
    """
    called = _called(found, names, scenario)
    values = {name: found.accuracies(name, scenario) for name in called}
    return compare(values, called, least)


def guide(found: FieldResults, stored: Stored, at_least: float) -> list[Row]:
    """Return the guide, a line for each situation that the stored numbers speak about.

    Args:
        found: stored counts of failing sensors.
        stored: results over seeds, for a modality that is gone for good and for gaps in training.
        at_least: how sure an answer has to be.
    """
    least = least_spread(stored)
    frozen = [f"{FROZEN}{one}" for one in PLUGGED_IN if stored.has(f"{FROZEN}{one}")]
    joint = [f"joint/{one}" for one in TRAINED_AGAIN if stored.has(f"joint/{one}")]
    rows = []
    for words, scenario in (
        ("A microphone cuts out for three segments", "audio_drops(3)"),
        ("A camera cuts out for three segments", "visual_drops(3)"),
    ):
        rows.append(_method(words, choose(found, found.names, scenario, least)))
    for words, names in (
        ("and the network in use cannot be trained again", frozen),
        ("and the network can be trained again", frozen + joint),
    ):
        called = {name: _with_steps(stored, name) for name in names}
        for scenario in MISSING if names else ():
            values = {name: stored.accuracies(name, scenario) for name in names}
            situation = f"{mark_of(scenario).label} for good, {words}"
            rows.append(_method(situation, compare(values, called, least)))
    return [*rows, *_gaps(stored), _temperature(found), *_abstaining(found, at_least, least)]


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


def _with_steps(stored: Stored, name: str) -> str:
    """Return how a method is called, and for how long it learned: the regimes differ in that."""
    steps = int(stored.cost(name)["steps"])
    return label_of(name) + (f" ({steps:,} steps)" if steps else "")


def _called(found: FieldResults, names: Sequence[str], scenario: str) -> dict[str, str]:
    """Return how the methods are called; frozen ones that give the same answers are one.

    With both modalities there no completer has anything to do, so the best of them by name would
    be whichever was stored first.
    """
    called = {name: label_of(name) for name in names}
    frozen = [name for name in names if name.startswith(FROZEN)]
    if scenario != "complete" or len(frozen) < 2:
        return called
    first = max(frozen, key=lambda one: len(found.of(one)))
    ours = found.accuracies(first, scenario).items()
    if not all(found.accuracies(one, scenario).items() <= ours for one in frozen):
        return called
    return {first: ALIKE} | {name: label for name, label in called.items() if name not in frozen}


def _rival(
    ours: Mapping[int, float], theirs: Mapping[int, float], label: str, least: float
) -> Rival:
    lead, num_shared = paired(ours, theirs, least)
    return Rival(label, lead, num_shared)


def _method(situation: str, choice: Choice) -> Row:
    return Row(situation, choice.advice, f"{100 * choice.mean:.1f} % right{choice.leads}")


def _gaps(stored: Stored) -> list[Row]:
    """Return what training clips that lack a half cost, for the method that loses least."""
    methods = {name: of for name, of in training_points(stored).items() if 0.0 in of}
    most = max((rate for of in methods.values() for rate in of), default=0.0)
    lost = {
        name: _lost(stored, of[0.0], of[most])
        for name, of in methods.items()
        if most in of and stored.shared_seeds(of[0.0], of[most])
    }
    if not lost:
        return []
    kept = {name: {seed: -one for seed, one in by.items()} for name, by in lost.items()}
    choice = compare(kept, {name: mark_of(name).label for name in kept}, least_spread(stored))
    losses = list(lost[choice.best].values())
    over = ", ".join(mark_of(one).label for one in ("complete", *MISSING))
    return [
        Row(
            f"{100 * most:.0f} % of the training clips lack a half too",
            f"train with {choice.advice}",
            f"{in_words(seed_interval(losses), len(losses))} lost, mean over {over}{choice.leads}; "
            f"{counted(len(lost), 'method')} stored",
        )
    ]


def _lost(stored: Stored, whole: str, gaps: str) -> dict[int, float]:
    """Return the accuracy lost by seed, mean over scenarios.

    The mean, as the largest of several losses would come out too large by chance.
    """
    scenarios = ("complete", *MISSING)
    before, after = (
        {one: stored.accuracies(name, one) for one in scenarios} for name in (whole, gaps)
    )
    return {
        seed: fmean(before[one][seed] - after[one][seed] for one in scenarios)
        for seed in stored.shared_seeds(whole, gaps)
    }


def _temperature(found: FieldResults) -> Row:
    """Return over what the temperature had better be fitted, by the mean calibration error."""
    called = {str(fitted): words for fitted, words in FITTED.items()}
    # Within a seed every temperature has the same methods and scenarios, so seeds are paired.
    errors = {
        fitted: {
            seed: fmean(
                sure.error.estimate
                for run in found.runs
                for sure in run.failures.sureness
                if (run.seed, sure.fitted) == (seed, fitted)
            )
            for seed in {run.seed for run in found.runs}
        }
        for fitted in called
    }
    kept = {name: {seed: -one for seed, one in by.items()} for name, by in errors.items()}
    # The spread of the ledger is one of accuracies and says nothing about these.
    choice = compare(kept, called, least=0.0)
    told = ", ".join(
        f"{100 * fmean(by.values()):.1f} {called[name]}" for name, by in errors.items()
    )
    return Row(
        "Confidences are to mean something",
        f"temperature {choice.advice}",
        f"calibration error in points, mean over methods and scenarios: {told}{choice.leads}",
    )


def _abstaining(found: FieldResults, at_least: float, least: float) -> list[Row]:
    """Return what saying nothing buys in each scenario, for the method that is best there."""
    rows = []
    for scenario in WHOLE:
        choice = choose(found, found.names, scenario, least)
        by_seed = [
            one.confidences.answered_at(at_least)[1]
            for one in found.sureness(choice.best, scenario, "own")
        ]
        over = [right.accuracy - at_least for right in by_seed if right.total]
        answered, right = found.pooled(choice.best, scenario, "own").answered_at(at_least)
        share = (
            f"{100 * right.accuracy:.1f} % of them right; "
            f"{in_words(seed_interval(over), len(over))} from {100 * at_least:.0f} %"
        )
        rows.append(
            Row(
                f"A wrong answer costs more than none, {mark_of(scenario).label}: at least "
                f"{100 * at_least:.0f} % sure",
                _whether_to_answer(over, len(by_seed)),
                f"{choice.label}: {100 * answered.accuracy:.1f} % answered, "
                f"{share if over else 'none'}",
            )
        )
    return rows


def _whether_to_answer(over: Sequence[float], num_seeds: int) -> str:
    """Return what to do, from how much more often than promised a seed's sure answers are right.

    Args:
        over: of the seeds that gave any so sure answer.
        num_seeds: of all.
    """
    mean = seed_interval(over)
    keeps = bool(over) and mean.estimate >= 0
    advice = "answer only when so sure" if keeps else "raise the threshold, or say nothing"
    if len(over) == 1:
        alone = (
            ONE_SEED if num_seeds == 1 else f"one seed of {num_seeds} is ever so sure: no verdict"
        )
        return f"{advice}; {alone}"
    if over and not mean.excludes(0.0):
        return f"{advice}; not told apart from what was asked for"
    return advice
