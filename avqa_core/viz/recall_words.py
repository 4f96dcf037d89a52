"""What the chapter on recall quotes: numbers by the name they are glued under, and questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from avqa_core import presets
from avqa_core.completion.segment_transformer import SegmentTransformerConfig
from avqa_core.experiments import planning
from avqa_core.ledger import Entry, ledger
from avqa_core.viz.ablation_views import MISSING
from avqa_core.viz.coupling_views import coupling_words
from avqa_core.viz.main_results import lead_sentence
from avqa_core.viz.result_words import SAID, gap_text, gap_texts, verdicts_text

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

# name -> (better, worse); each is quoted for both scenarios
GAPS = {
    "plug_in_rmm": ("plug_in/rmm", "plug_in/slot_mean"),
    "plug_in_rmm_renormalised": ("plug_in/rmm_renormalised", "plug_in/slot_mean"),
    "plug_in_recommended": ("plug_in/recommended", "plug_in/slot_mean"),
    "recall_only": ("plug_in/recommended_recall_only", "plug_in/recommended"),
    "answers_only": ("plug_in/recommended_answers_only", "plug_in/recommended"),
    "frozen_over_longer": ("plug_in/recommended", "joint/modality_dropout_longer"),
    "joint_recommended": ("joint/recommended", "joint/modality_dropout_wide"),
    "joint_network": ("joint/modality_dropout_adapter", "joint/modality_dropout_wide"),
    "joint_recall": ("joint/recommended", "joint/modality_dropout_adapter"),
    "few_labels_recall": ("few_labels/recommended", "few_labels/recommended_answers_only"),
    "few_labels": ("few_labels/recommended", "few_labels/modality_dropout_wide"),
}
_HIGH, _LOW = max(planning.COUPLINGS), min(planning.COUPLINGS)
# What chapter 4 expects of recall, as statements of claims that the ledger judges.
HYPOTHESIS = {
    "frozen": "recommended beats the controls, frozen backbone",
    "few_labels": "recommended beats modality dropout, few labels",
    "coupling": f"recommended gains more over one learned vector at coupling {_HIGH:g} "
    f"than at {_LOW:g}",
    "joint": "recommended beats modality dropout, trained jointly",
    "coupled_dropout": f"recommended beats modality dropout, coupling {_HIGH:g}",
}
GROUPS = frozenset({"plug_in", "joint", "few_labels", "coupling"})


def entries(of: Sequence[Entry]) -> list[Entry]:
    """Return the questions of this chapter, of all entries of the ledger."""
    return [one for one in of if not one.claim.is_of_paper and one.claim.groups <= GROUPS]


def words(stored: Stored) -> dict[str, str]:
    """Return every quoted number as text; what is not stored says so."""
    told = gap_texts(stored, GAPS, MISSING)
    told |= {f"lead_{scenario}": lead_sentence(stored, scenario) for scenario in MISSING}
    judged = entries(ledger(stored))
    told |= {f"hypothesis_{name}": _verdicts(judged, one) for name, one in HYPOTHESIS.items()}
    return told | {
        **coupling_words(stored),
        "joint_complete": gap_text(stored, *GAPS["joint_recommended"], "complete"),
        "recall_weight": f"{planning.RECALL_WITH_FEW_LABELS * _recall_weight():,.0f}",
        "recall_weight_elsewhere": f"{_recall_weight():.0f}",
        "labelled_share": f"{100 * planning.LABELLED_FRACTION:.0f} %",
        "verdicts": verdicts_text(judged),
    }


def _verdicts(of: Sequence[Entry], statement: str) -> str:
    """Say what became of a claim without sound and without picture, once where both agree."""
    found = {one.claim.scenario: one.verdict for one in of if one.claim.statement == statement}
    said = [SAID[found[scenario]][0] for scenario in MISSING]
    return said[0] if said[0] == said[1] else " and ".join(said)


def _recall_weight() -> float:
    """Return how much recall weighs in what ``recommended`` minimises, beside the answer loss."""
    completer = presets.preset("recommended", "book").completer
    assert isinstance(completer, SegmentTransformerConfig)
    return completer.recall_weight
