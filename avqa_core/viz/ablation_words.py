"""The numbers that the prose of the ablation chapter quotes, by the name they are glued under."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from avqa_core.experiments import paper_tables
from avqa_core.ledger import Entry, confidence_against, least_spread, ledger
from avqa_core.viz.ablation_views import MISSING
from avqa_core.viz.avr_words import BOTH, CONTROL, NOTHING, RMM, RMM_LONGER, avr_words
from avqa_core.viz.result_words import (
    NOT_RUN,
    gap_texts,
    parameters_text,
    share_text,
    spread_text,
    steps_text,
    verdicts_text,
)

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

# name -> (better, worse); each is quoted for both scenarios
GAPS = {
    "lift": (BOTH, NOTHING),
    "control_lift": (CONTROL, NOTHING),
    "over_control": (BOTH, CONTROL),
    "avr_adds": (BOTH, RMM),
}
# whose runs the questions of this chapter are about; others belong to ``recall_words``
GROUPS = frozenset({"table4", "avr"})


def slots() -> dict[int, str]:
    """Return the experiments of Table 5 by the paper's number of slots."""
    return {one: paper_tables.table5_run(one) for one in paper_tables.SLOTS}


def steps() -> dict[int, str]:
    """Return the experiments of Table 6 by the paper's number of steps."""
    return {one: paper_tables.table6_run(one) for one in paper_tables.STEPS}


def of_paper(entries: Sequence[Entry]) -> list[Entry]:
    """Return what the paper claims, of all entries."""
    return [one for one in entries if one.claim.is_of_paper]


def about_avr(entries: Sequence[Entry]) -> list[Entry]:
    """Return the questions about RMM and AVR that the paper does not ask, of all entries."""
    return [one for one in entries if not one.claim.is_of_paper and one.claim.groups <= GROUPS]


def words(stored: Stored) -> dict[str, str]:
    """Return every quoted number as text; what is not stored says so."""
    told = gap_texts(stored, GAPS, MISSING)
    for name, points in (("slots", slots()), ("steps", steps())):
        for scenario in MISSING:
            told[f"{name}_{scenario}"] = spread_text(stored, list(points.values()), scenario)
    for name, backbone in (("paper", "complete/plain"), ("recommended", "complete/positions")):
        told[f"size_{name}"] = parameters_text(stored, backbone)
        told[f"steps_{name}"] = steps_text(stored, backbone)
    entries = ledger(stored)
    shown = [*of_paper(entries), *about_avr(entries)]
    judged = [one for one in shown if one.verdict not in ("not run", "one seed")]
    return told | {
        "joint_steps": steps_text(stored, BOTH),
        "joint_steps_longer": steps_text(stored, RMM_LONGER),
        "num_judged": str(len(judged)),
        "by_chance": f"{(1 - confidence_against(1)) * len(judged):.0f}",
        "least_spread": f"{100 * least_spread(stored):.2f} points",
        "share_recommended": share_text(stored, "complete/positions", "complete"),
        "share_paper_no_order": share_text(stored, "complete/plain", "complete", order=False),
        "share_paper": share_text(stored, "complete/plain", "complete"),
        **avr_words(stored),
        "cpu_minutes": _minutes(stored),
        "num_claims": str(len(of_paper(entries))),
        "num_runs": str(len(stored)),
        "verdicts_paper": verdicts_text(of_paper(entries)),
        "verdicts_controls": verdicts_text(about_avr(entries)),
    }


def _minutes(stored: Stored) -> str:
    """Say how long all stored runs trained and were tested, one after the other."""
    if not len(stored):
        return NOT_RUN
    minutes = round(stored.total_seconds() / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
