"""The numbers that the prose of the chapters on Tables 1 and 3 quotes, by their glued names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from avqa_core.claims import Claim, table1_claims, table3_claims
from avqa_core.completion import completers
from avqa_core.completion.base import GridDims
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.experiments import planning
from avqa_core.experiments.budgets import BUDGETS
from avqa_core.experiments.paper_tables import BACKBONES, TABLE_1, table1_run
from avqa_core.ledger import ledger
from avqa_core.model import ModelConfig
from avqa_core.paper_values import paper_accuracy
from avqa_core.viz.ablation_views import MISSING
from avqa_core.viz.method_views import TABLE_3, table1_names
from avqa_core.viz.paper_rows import BOTH, PLAIN, PUBLISHED, num_seeds
from avqa_core.viz.result_words import (
    NOT_RUN,
    accuracy_text,
    gap_text,
    parameters_text,
    range_text,
    verdicts_text,
)

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

CONTROL = "table4/modality_dropout"
# Around AVST a method is the same network in Tables 1, 3 and 4.
SIZED = {"control": CONTROL, "paper": BOTH, "recommended": "table3/recommended"}


def table1_words(stored: Stored) -> dict[str, str]:
    """Return every number that the chapter on Table 1 quotes; what is not stored says so."""
    told = _of_table(stored, table1_names(), table1_claims())
    told["steps_plain"] = f"{BUDGETS[stored.profile].table1:,}"
    told["steps_avst"] = f"{BUDGETS[stored.profile].published:,}"
    for backbone in BACKBONES:
        plain = table1_run(backbone, "plain")
        for scenario in MISSING:
            for method in TABLE_1[1:]:
                name = table1_run(backbone, method)
                told[f"{method}_{backbone}_{scenario}"] = gap_text(stored, name, plain, scenario)
            told[f"printed_{backbone}_{scenario}"] = printed_gap(
                table1_run(backbone, "paper"), plain, scenario
            )
    return told


def table3_words(stored: Stored) -> dict[str, str]:
    """Return every number that the chapter on Table 3 quotes; what is not stored says so."""
    told = _of_table(stored, list(TABLE_3), table3_claims()) | _present_words(stored)
    told["steps_plain"] = f"{BUDGETS[stored.profile].published:,}"
    for scenario in MISSING:
        for name in ("table3/recommended", "table3/slot_mean", BOTH, CONTROL):
            short = name.split("/")[1]
            told[f"{short}_{scenario}"] = gap_text(stored, name, PLAIN, scenario)
            if name != CONTROL:
                told[f"{short}_over_control_{scenario}"] = gap_text(stored, name, CONTROL, scenario)
        rivals = {
            label: value
            for label, name in PUBLISHED.items()
            if name not in (PLAIN, BOTH) and (value := paper_accuracy(name, scenario)) is not None
        }
        best = max(rivals, key=lambda label: rivals[label])
        told[f"printed_rival_{scenario}"] = best
        told[f"printed_lead_{scenario}"] = printed_gap(BOTH, PUBLISHED[best], scenario)
        told[f"printed_gain_{scenario}"] = printed_gap(BOTH, PLAIN, scenario)
    return told


def changes_present(model: ModelConfig) -> bool:
    """Say whether a model changes what is present beside an absent half, too."""
    avr = model.enhancer
    if isinstance(avr, AVRDiffusionConfig) and avr.outputs == "both":
        return True
    smallest = GridDims(channels=model.backbone.channels, num_segments=1, height=1, width=1)
    return not completers.build(model.completer, smallest).keeps_present


def _present_words(stored: Stored) -> dict[str, str]:
    """Return which stored ways of Table 3 change the present half, and how all ways fare."""
    of = {one.name: one for one in planning.plan(stored.profile, [0])}
    trained = [name for name in TABLE_3 if of[name].training is not None]
    changing = [name for name in trained if changes_present(of[name].model)]
    told = {"changing": "; ".join(of[one].about for one in changing if stored.has(one)) or NOT_RUN}
    for scenario in MISSING:
        told[f"plain_{scenario}"] = accuracy_text(stored, PLAIN, scenario)
        told[f"changing_{scenario}"] = range_text(stored, changing, scenario)
        others = [name for name in trained if name not in changing]
        told[f"keeping_{scenario}"] = range_text(stored, others, scenario)
    return told


def num_stored(stored: Stored, names: Sequence[str]) -> int:
    """Return how many runs of some experiments are stored, each seed a run."""
    return sum(num_seeds(stored, name) for name in names)


def num_planned(profile: str) -> int:
    """Return the seeds that every experiment of a profile is planned with."""
    return BUDGETS[profile].seeds


def printed_gap(name: str, other: str, scenario: str) -> str:
    """Return by how many points the paper has one row above another."""
    values = [paper_accuracy(one, scenario) for one in (name, other)]
    if values[0] is None or values[1] is None:
        return "not reported"
    return f"{100 * (values[0] - values[1]):+.2f}"


def _of_table(stored: Stored, names: Sequence[str], claims: Sequence[Claim]) -> dict[str, str]:
    entries = ledger(stored, claims)
    planned = len(names) * num_planned(stored.profile)
    of_paper = [one for one in entries if one.claim.is_of_paper]
    of_controls = [one for one in entries if not one.claim.is_of_paper]
    return {
        "stored_runs": f"{num_stored(stored, names)} of {planned}",
        "num_claims": str(len(of_paper)),
        "num_controls": str(len(of_controls)),
        "verdicts_paper": verdicts_text(of_paper),
        "verdicts_controls": verdicts_text(of_controls),
        "steps_methods": f"{BUDGETS[stored.profile].joint:,}",
        **{f"size_{short}": parameters_text(stored, name) for short, name in SIZED.items()},
    }
