"""The ledger: each claim of the paper that can be tested here, what we found, and the verdict.

A claim says that some runs are better than others. Ours are paired by seed; a claim holds if the
whole 95 % interval of every difference is above zero. It is contradicted if one of them lies below
zero, with an interval that is the wider the more differences there are: each is another occasion
for chance. The verdict follows from the stored numbers alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from avqa_core.experiments.paper_tables import BACKBONES
from avqa_core.experiments.planning import COUPLINGS
from avqa_core.experiments.results import Stored
from avqa_core.metrics import Interval, paired_difference
from avqa_core.paper_values import paper_accuracy

Verdict = Literal["holds", "contradicted", "open", "not run"]
VERDICTS: dict[Verdict, str] = {
    "holds": "holds here",
    "contradicted": "contradicted here",
    "open": "not told apart",
    "not run": "not run",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Every one of ``better`` beats every one of ``worse``.

    Attributes:
        source: where the paper says so, or ``control`` for a question it does not ask.
        statement: the claim in words.
        scenario: what is missing.
        better: names of experiments.
        worse: names of experiments.
        minus: a scenario whose accuracy is taken off on both sides, for claims about how much is
            lost or gained.
    """

    source: str
    statement: str
    scenario: str
    better: tuple[str, ...]
    worse: tuple[str, ...]
    minus: str | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every comparison that the claim makes."""
        return [(one, other) for one in self.better for other in self.worse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    ``ours`` is the comparison that decides, as a fraction, and ``pair`` names it; ``paper`` is the
    smallest of the paper's, which has no intervals.
    """

    claim: Claim
    paper: float | None
    ours: Interval | None
    pair: tuple[str, str] | None
    num_seeds: int
    verdict: Verdict


def claims() -> list[Claim]:
    """Return all claims, in the order of the paper, controls last."""
    return [*_paper_claims(), *_control_claims()]


def table1_claims() -> list[Claim]:
    """Return the claims of Table 1, backbone by backbone, and the control that it does not have."""
    return [
        Claim(
            source=source,
            statement=f"{statement}, {backbone}",
            scenario=scenario,
            better=(f"table1/{backbone}/{better}",),
            worse=(f"table1/{backbone}/{worse}",),
        )
        for source, statement, better, worse in (
            ("Table 1", "RMM and AVR lift the plain backbone", "paper", "plain"),
            (
                "control",
                "RMM and AVR beat training with the modality absent",
                "paper",
                "modality_dropout",
            ),
            (
                "control",
                "recommended beats training with the modality absent",
                "recommended",
                "modality_dropout",
            ),
        )
        for backbone in BACKBONES
        for scenario in ("visual_missing", "audio_missing")
    ]


def table3_claims() -> list[Claim]:
    """Return the claims of Table 3, method by method, and the controls that it does not have."""
    published = {
        "missing-aware prompts": "table3/prompts",
        "ShaSpec": "table3/shaspec",
        "ActionMAE": "table3/actionmae",
        "DrFuse": "table3/drfuse",
    }
    ours = {
        "RMM and AVR": "table4/paper",
        **published,
        "recommended's completer": "table3/recommended",
    }
    control = ("table4/modality_dropout",)
    return [
        Claim(source=source, statement=statement, scenario=scenario, better=(better,), worse=worse)
        for source, statement, better, worse in (
            *(
                ("Table 3", f"RMM and AVR beat {name}", "table4/paper", (other,))
                for name, other in published.items()
            ),
            *(
                ("control", f"{_beats(name)} training with the modality absent", one, control)
                for name, one in ours.items()
            ),
        )
        for scenario in ("visual_missing", "audio_missing")
    ]


def _beats(name: str) -> str:
    """Return a method with its verb: several beat, one beats."""
    return f"{name} beat" if " and " in name or name.endswith("prompts") else f"{name} beats"


def ledger(stored: Stored, of: Sequence[Claim] | None = None) -> list[Entry]:
    """Return an entry for each claim; those whose runs are not stored say so."""
    return [_entry(claim, stored) for claim in (claims() if of is None else of)]


def confidence_against(num_pairs: int) -> float:
    """Return the confidence with which one of several differences has to lie below zero.

    Together they are then wrong in at most one case of twenty (Bonferroni).
    """
    return 1 - 0.05 / max(1, num_pairs)


def judge(differences: Sequence[Interval], wider: Sequence[Interval] | None = None) -> Verdict:
    """Return the verdict on a claim that all ``differences`` are above zero.

    An interval of a single seed has no bounds and decides nothing.

    Args:
        differences: with their 95 % intervals.
        wider: the same with the confidence of ``confidence_against``; needed for several.
    """
    if not differences:
        return "not run"
    if any(one.high < 0 for one in wider or differences):
        return "contradicted"
    return "holds" if all(one.low > 0 for one in differences) else "open"


Name = TypeVar("Name")


def deciding(
    differences: Mapping[Name, Interval], wider: Mapping[Name, Interval] | None = None
) -> Name:
    """Return the comparison that the verdict rests on; arguments as of ``judge``, by name.

    Of a claim that holds it is the one that holds by least; else, of those that do not hold, or of
    those that lie below zero if there are any, the one with the smallest estimate.
    """
    against = wider or differences
    verdict = judge(list(differences.values()), list(against.values()))
    if verdict == "holds":
        return min(differences, key=lambda name: differences[name].low)
    fails = [
        name
        for name, one in differences.items()
        if (against[name].high < 0 if verdict == "contradicted" else not one.low > 0)
    ]
    return min(fails, key=lambda name: differences[name].estimate)


def _paper_claims() -> Iterator[Claim]:
    slots = tuple(f"table5/slots_{number}" for number in (25, 50, 100))
    steps = tuple(f"table6/steps_{number}" for number in (5, 20))
    whole = ("table4/paper",)
    for scenario in ("visual_missing", "audio_missing"):
        for source, statement, better, worse in (
            ("Tables 1, 4", "RMM and AVR lift plain AVST", whole, ("table4/none",)),
            ("Table 4", "RMM alone lifts plain AVST", ("table4/rmm",), ("table4/none",)),
            ("Table 4", "AVR alone lifts plain AVST", ("table4/avr",), ("table4/none",)),
            ("Table 4", "AVR adds to RMM", whole, ("table4/rmm",)),
            ("Table 4", "RMM adds to AVR", whole, ("table4/avr",)),
            ("Table 5", "any number of slots lifts AVST", slots + whole, ("table4/none",)),
            ("Table 5", "L = 75 is best", whole, slots),
            ("Table 6", "any number of steps adds to RMM", steps + whole, ("table4/rmm",)),
            ("Table 6", "K = 10 is best", whole, steps),
        ):
            yield Claim(
                source=source, statement=statement, scenario=scenario, better=better, worse=worse
            )
        yield Claim(
            source="Fig. 5",
            statement="less is lost as the missing ratio goes from 0 to 1",
            scenario=scenario,
            better=whole,
            worse=("table4/none",),
            minus="complete",
        )
    yield Claim(
        source="Table 1",
        statement="the lift is larger where audio is missing",
        scenario="audio_missing",
        better=whole,
        worse=("table4/none",),
        minus="visual_missing",
    )


def _control_claims() -> Iterator[Claim]:
    dropouts = ("joint/modality_dropout", "joint/modality_dropout_wide")
    untrained = (
        "plug_in/zeros",
        "plug_in/retrieval",
        "plug_in/retrieval_without_question",
    )
    plug_in = (*untrained, "plug_in/slot_mean")
    few = tuple(f"few_labels/modality_dropout{one}" for one in ("", "_wide", "_gentle"))
    recalls = tuple(f"few_labels/{one}" for one in ("slot_mean", "rmm", "rmm_renormalised"))
    best = "recommended"
    yield Claim(
        source="control",
        statement="recommended beats modality dropout, trained jointly, with nothing missing",
        scenario="complete",
        better=(f"joint/{best}",),
        worse=dropouts,
    )
    for scenario in ("visual_missing", "audio_missing"):
        for statement, better, worse in (
            (
                "RMM and AVR beat training with the modality absent",
                "table4/paper",
                ("table4/modality_dropout",),
            ),
            (
                "AVR adds to RMM where it changes the missing half alone",
                "avr/missing_only",
                ("table4/rmm",),
            ),
            (
                "AVR adds to RMM, one step, both trained longer",
                "avr/one_step_longer",
                ("avr/rmm_longer",),
            ),
            ("recall as printed beats one learned vector", "plug_in/rmm", ("plug_in/slot_mean",)),
            (
                "renormalised recall beats one learned vector",
                "plug_in/rmm_renormalised",
                ("plug_in/slot_mean",),
            ),
            ("recommended beats the controls, frozen backbone", f"plug_in/{best}", plug_in),
            ("recommended beats modality dropout, trained jointly", f"joint/{best}", dropouts),
            (
                # each at the steps of its own group, see ``budgets``
                "recommended, frozen backbone, beats modality dropout that learned for fewer steps",
                f"plug_in/{best}",
                dropouts,
            ),
            ("recommended beats modality dropout, few labels", f"few_labels/{best}", few),
            (
                "recommended beats every other way, few labels",
                f"few_labels/{best}",
                few + recalls + untrained,
            ),
            (
                "the recall loss adds to the answer loss",
                f"plug_in/{best}",
                (f"plug_in/{best}_answers_only",),
            ),
            (
                "the answer loss adds to the recall loss",
                f"plug_in/{best}",
                (f"plug_in/{best}_recall_only",),
            ),
            (
                "the recall loss adds to the answer loss, few labels",
                f"few_labels/{best}",
                (f"few_labels/{best}_answers_only",),
            ),
        ):
            yield Claim(
                source="control",
                statement=statement,
                scenario=scenario,
                better=(better,),
                worse=worse,
            )
        for coupling in COUPLINGS:
            controls = ("complete", "retrieval", "slot_mean", "modality_dropout")
            yield Claim(
                source="control",
                statement=f"recommended beats controls and modality dropout, coupling {coupling:g}",
                scenario=scenario,
                better=(f"coupling/{coupling}/{best}",),
                worse=tuple(f"coupling/{coupling}/{one}" for one in controls),
            )


def _entry(claim: Claim, stored: Stored) -> Entry:
    paper = _paper(claim)
    is_there = stored.has(*claim.better, *claim.worse)
    if not is_there or not all(stored.shared_seeds(*pair) for pair in claim.pairs):
        return Entry(claim=claim, paper=paper, ours=None, pair=None, num_seeds=0, verdict=judge([]))
    against = confidence_against(len(claim.pairs))
    differences, wider = (
        {pair: _difference(claim, pair, stored, confidence) for pair in claim.pairs}
        for confidence in (0.95, against)
    )
    pair = deciding(differences, wider)
    return Entry(
        claim=claim,
        paper=paper,
        ours=differences[pair],
        pair=pair,
        num_seeds=len(stored.shared_seeds(*pair)),
        verdict=judge(list(differences.values()), list(wider.values())),
    )


def _difference(claim: Claim, pair: tuple[str, str], stored: Stored, confidence: float) -> Interval:
    shared = stored.shared_seeds(*pair)
    values = [_values(claim, name, stored) for name in pair]
    ours, theirs = ({seed: one[seed] for seed in shared} for one in values)
    return paired_difference(ours, theirs, confidence)


def _values(claim: Claim, name: str, stored: Stored) -> dict[int, float]:
    """Return by seed what is compared: an accuracy, or what is left of it after ``minus``."""
    values = stored.accuracies(name, claim.scenario)
    if claim.minus is None:
        return values
    taken = stored.accuracies(name, claim.minus)
    return {seed: value - taken[seed] for seed, value in values.items()}


def _paper(claim: Claim) -> float | None:
    """Return the paper's smallest difference, None if it does not report all that it takes."""
    differences = []
    for pair in claim.pairs:
        values = [_paper_value(claim, name) for name in pair]
        if values[0] is None or values[1] is None:
            return None
        differences.append(values[0] - values[1])
    return min(differences)


def _paper_value(claim: Claim, name: str) -> float | None:
    value = paper_accuracy(name, claim.scenario)
    if claim.minus is None or value is None:
        return value
    taken = paper_accuracy(name, claim.minus)
    return None if taken is None else value - taken
