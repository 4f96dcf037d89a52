"""The numbers that the prose of the ablation chapter quotes, by the name they are glued under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avqa_core.experiments import paper_tables, planning
from avqa_core.ledger import confidence_against, ledger
from avqa_core.viz.ablation_views import MISSING
from avqa_core.viz.coupling_views import coupling_words
from avqa_core.viz.main_results import lead_sentence
from avqa_core.viz.result_words import (
    NOT_RUN,
    gap_text,
    parameters_text,
    share_text,
    spread_text,
    steps_text,
    verdicts_text,
)

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

BOTH, NOTHING, CONTROL = "table4/paper", "table4/none", "table4/modality_dropout"
_RMM, _RMM_LONGER = "table4/rmm", "avr/rmm_longer"
_WIDE = "few_labels/modality_dropout_wide"
# name -> (better, worse); each is quoted for both scenarios
GAPS = {
    "lift": (BOTH, NOTHING),
    "control_lift": (CONTROL, NOTHING),
    "over_control": (BOTH, CONTROL),
    "avr_adds": (BOTH, _RMM),
    "avr_one_step": ("avr/one_step", BOTH),
    "avr_taken_away": ("avr/taken_away", BOTH),
    "avr_missing_only": ("avr/missing_only", BOTH),
    "avr_missing_only_over_rmm": ("avr/missing_only", _RMM),
    "avr_reconstruction": ("avr/one_step_reconstruction", "avr/one_step"),
    "avr_short": ("avr/one_step", _RMM),
    "avr_longer": ("avr/one_step_longer", _RMM_LONGER),
    "avr_whole_longer": ("avr/paper_longer", _RMM_LONGER),
    "plug_in_rmm": ("plug_in/rmm", "plug_in/slot_mean"),
    "plug_in_rmm_renormalised": ("plug_in/rmm_renormalised", "plug_in/slot_mean"),
    "plug_in_recommended": ("plug_in/recommended", "plug_in/slot_mean"),
    "recall_only": ("plug_in/recommended_recall_only", "plug_in/recommended"),
    "answers_only": ("plug_in/recommended_answers_only", "plug_in/recommended"),
    "joint_recommended": ("joint/recommended", "joint/modality_dropout_wide"),
    "joint_network": ("joint/modality_dropout_adapter", "joint/modality_dropout_wide"),
    "joint_recall": ("joint/recommended", "joint/modality_dropout_adapter"),
    "few_labels_recall": (
        "few_labels/recommended",
        "few_labels/recommended_answers_only",
    ),
    "few_labels": ("few_labels/recommended", _WIDE),
}


def slots() -> dict[int, str]:
    """Return the experiments of Table 5 by the paper's number of slots."""
    return {one: paper_tables.table5_run(one) for one in paper_tables.SLOTS}


def steps() -> dict[int, str]:
    """Return the experiments of Table 6 by the paper's number of steps."""
    return {one: paper_tables.table6_run(one) for one in paper_tables.STEPS}


def words(stored: Stored) -> dict[str, str]:
    """Return every quoted number as text; what is not stored says so."""
    told = {
        f"{name}_{scenario}": gap_text(stored, *pair, scenario)
        for name, pair in GAPS.items()
        for scenario in MISSING
    }
    for name, points in (("slots", slots()), ("steps", steps())):
        for scenario in MISSING:
            told[f"{name}_{scenario}"] = spread_text(stored, list(points.values()), scenario)
    told |= {f"lead_{scenario}": lead_sentence(stored, scenario) for scenario in MISSING}
    for name, backbone in (("paper", "complete/plain"), ("recommended", "complete/positions")):
        told[f"size_{name}"] = parameters_text(stored, backbone)
        told[f"steps_{name}"] = steps_text(stored, backbone)
    entries = ledger(stored)
    of_paper = [one for one in entries if one.claim.source != "control"]
    of_controls = [one for one in entries if one.claim.source == "control"]
    judged = [one for one in entries if one.verdict not in ("not run", "one seed")]
    return told | {
        "joint_steps": steps_text(stored, BOTH),
        "joint_steps_longer": steps_text(stored, _RMM_LONGER),
        "num_judged": str(len(judged)),
        "by_chance": f"{(1 - confidence_against(1)) * len(judged):.0f}",
        "share_recommended": share_text(stored, "complete/positions", "complete"),
        "share_paper_no_order": share_text(stored, "complete/plain", "complete", order=False),
        "share_paper": share_text(stored, "complete/plain", "complete"),
        **coupling_words(stored),
        "joint_complete": gap_text(stored, *GAPS["joint_recommended"], "complete"),
        "recall_weight": f"{planning.RECALL_WITH_FEW_LABELS:.0f}",
        "labelled_share": f"{100 * planning.LABELLED_FRACTION:.0f} %",
        "cpu_minutes": _minutes(stored),
        "num_claims": str(len(of_paper)),
        "num_runs": str(len(stored)),
        "verdicts_paper": verdicts_text(of_paper),
        "verdicts_controls": verdicts_text(of_controls),
    }


def _minutes(stored: Stored) -> str:
    """Say how long all stored runs trained and were tested, one after the other."""
    if not len(stored):
        return NOT_RUN
    minutes = round(stored.total_seconds() / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
