"""What the ledger judges: the claims of the paper that can be tested here, and our questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from avqa_core.experiments.paper_tables import (
    BACKBONES,
    SLOTS,
    STEPS,
    table1_run,
    table5_run,
    table6_run,
)
from avqa_core.experiments.planning import COUPLINGS


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
        over: likewise a run beside each one, e.g. ``slot_mean``: the gain over it is compared.
    """

    source: str
    statement: str
    scenario: str
    better: tuple[str, ...]
    worse: tuple[str, ...]
    minus: str | None = None
    over: str | None = None

    @property
    def is_of_paper(self) -> bool:
        """Whether the paper claims it; else it is a question that the paper does not ask."""
        return self.source != "control"

    @property
    def groups(self) -> set[str]:
        """The groups of all runs that the claim needs."""
        return {name.split("/")[0] for name in self.names}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every comparison that the claim makes."""
        return [(one, other) for one in self.better for other in self.worse]

    def beside(self, name: str) -> str | None:
        """Return the run that a side is compared with first, None if there is none."""
        return None if self.over is None else f"{name.rpartition('/')[0]}/{self.over}"

    @property
    def names(self) -> list[str]:
        """Every run that the claim needs."""
        sides = [*self.better, *self.worse]
        return sides + [beside for one in sides if (beside := self.beside(one)) is not None]


def claims() -> list[Claim]:
    """Return all claims, in the order of the paper, controls last."""
    return [*_paper_claims(), *_control_claims()]


def every_claim() -> list[Claim]:
    """Return all claims of all chapters, each once."""
    found: dict[tuple[object, ...], Claim] = {}
    for one in (*claims(), *table3_claims(), *table1_claims()):
        found.setdefault((tuple(one.pairs), one.scenario, one.minus, one.over), one)
    return list(found.values())


def table1_claims() -> list[Claim]:
    """Return the claims of Table 1, backbone by backbone, and the control that it does not have."""
    return [
        Claim(
            source=source,
            statement=f"{statement}, {BACKBONES[backbone]}",
            scenario=scenario,
            better=(table1_run(backbone, better),),
            worse=(table1_run(backbone, worse),),
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
                "recommended's completer beats training with the modality absent",
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


def _paper_claims() -> Iterator[Claim]:
    whole = ("table4/paper",)
    slots = tuple(one for one in map(table5_run, SLOTS) if one not in whole)
    steps = tuple(one for one in map(table6_run, STEPS) if one not in whole)
    for scenario in ("visual_missing", "audio_missing"):
        for source, statement, better, worse in (
            ("Table 4", "RMM and AVR lift plain AVST", whole, ("table4/none",)),
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
        source="Table 4",
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
        "plug_in/retrieval_large_bank",
        "plug_in/retrieval_without_question_large_bank",
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
                "RMM and AVR answer better with AVR taken away at the test",
                "avr/taken_away",
                ("table4/paper",),
            ),
            (
                "RMM and AVR on the missing half alone lift plain AVST",
                "avr/missing_only",
                ("table4/none",),
            ),
            (
                "AVR on the missing half alone beats AVR on both",
                "avr/missing_only",
                ("table4/paper",),
            ),
            (
                "AVR on the missing half alone adds to RMM",
                "avr/missing_only",
                ("table4/rmm",),
            ),
            (
                "RMM and AVR on the missing half alone beat training with the modality absent",
                "avr/missing_only",
                ("table4/modality_dropout",),
            ),
            *(
                (f"{what}, trained longer", f"avr/{better}", (worse,))
                for name, better in (
                    ("RMM and AVR of one step", "one_step_longer"),
                    (
                        "RMM and AVR of one step on the missing half alone",
                        "one_step_missing_only_longer",
                    ),
                    ("RMM and AVR", "paper_longer"),
                )
                for what, worse in (
                    (f"{name} lift plain AVST", "table4/none"),
                    (f"{name} beat RMM alone", "avr/rmm_longer"),
                    (
                        f"{name} beat training with the modality absent",
                        "avr/modality_dropout_longer",
                    ),
                )
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
            (
                "recommended, frozen backbone, beats modality dropout that learned for as long",
                f"plug_in/{best}",
                ("joint/modality_dropout_longer",),
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
    yield from _coupling_claims()


def _coupling_claims() -> Iterator[Claim]:
    controls = (
        "complete",
        "slot_mean",
        "retrieval",
        "retrieval_without_question",
    )
    for scenario in ("visual_missing", "audio_missing"):
        for coupling in COUPLINGS:
            place = f"coupling/{coupling}"
            for statement, worse in (
                ("recommended beats the controls", controls),
                ("recommended beats modality dropout", ("modality_dropout",)),
                ("the recall loss adds to the answer loss", ("recommended_answers_only",)),
            ):
                yield Claim(
                    source="control",
                    statement=f"{statement}, coupling {coupling:g}",
                    scenario=scenario,
                    better=(f"{place}/recommended",),
                    worse=tuple(f"{place}/{one}" for one in worse),
                )
        low, high = min(COUPLINGS), max(COUPLINGS)
        yield Claim(
            source="control",
            statement=f"recommended gains more over one learned vector at coupling {high:g} than "
            f"at {low:g}",
            scenario=scenario,
            better=(f"coupling/{high}/recommended",),
            worse=(f"coupling/{low}/recommended",),
            over="slot_mean",
        )
