"""What the trials of AVR say: its gains as text, and what became of four predictions about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avqa_core.claims import Claim
from avqa_core.ledger import Verdict, judge, least_spread, ledger, paired
from avqa_core.metrics import Interval
from avqa_core.viz.ablation_views import MISSING
from avqa_core.viz.points import in_words
from avqa_core.viz.result_words import NOT_RUN, SAID, gap_texts

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

BOTH, NOTHING, CONTROL = "table4/paper", "table4/none", "table4/modality_dropout"
RMM, RMM_LONGER, CONTROL_LONGER = "table4/rmm", "avr/rmm_longer", "avr/modality_dropout_longer"
ONE_STEP, ONE_STEP_LONGER = "avr/one_step", "avr/one_step_longer"
MISSING_ONLY, MISSING_ONLY_LONGER = "avr/missing_only", "avr/one_step_missing_only_longer"
# name -> (better, worse); each is quoted for both scenarios
AVR_GAPS = {
    "avr_one_step": (ONE_STEP, BOTH),
    "avr_taken_away": ("avr/taken_away", BOTH),
    "avr_missing_only": (MISSING_ONLY, BOTH),
    "avr_missing_only_lift": (MISSING_ONLY, NOTHING),
    "avr_missing_only_over_rmm": (MISSING_ONLY, RMM),
    "avr_missing_only_over_control": (MISSING_ONLY, CONTROL),
    "avr_reconstruction": ("avr/one_step_reconstruction", ONE_STEP),
    "avr_short": (ONE_STEP, RMM),
    "avr_longer": (ONE_STEP_LONGER, RMM_LONGER),
    "avr_longer_lift": (ONE_STEP_LONGER, NOTHING),
    "avr_longer_over_control": (ONE_STEP_LONGER, CONTROL_LONGER),
    "avr_missing_only_longer": (MISSING_ONLY_LONGER, RMM_LONGER),
    "avr_missing_only_longer_lift": (MISSING_ONLY_LONGER, NOTHING),
    "avr_missing_only_longer_over_control": (MISSING_ONLY_LONGER, CONTROL_LONGER),
    "rmm_longer_lift": (RMM_LONGER, NOTHING),
}
# Told in the README once they are run: the whole chain for as long takes most of an hour a seed.
WHOLE_LONGER = {
    "avr_whole_longer": ("avr/paper_longer", RMM_LONGER),
    "avr_whole_longer_lift": ("avr/paper_longer", NOTHING),
    "avr_whole_longer_over_control": ("avr/paper_longer", CONTROL_LONGER),
}
# in the order in which the chapter makes them; the last is about two gains, see ``training_gap``
PREDICTIONS = ("avr_taken_away", "avr_missing_only", "avr_reconstruction")


def avr_words(stored: Stored) -> dict[str, str]:
    """Return every quoted number about AVR as text; what is not stored says so."""
    told = gap_texts(stored, AVR_GAPS, MISSING)
    for scenario in MISSING:
        gap, seeds = training_gap(stored, scenario)
        told[f"avr_training_{scenario}"] = NOT_RUN if gap is None else in_words(gap, seeds)
        told[f"avr_predictions_{scenario}"] = _predictions(stored, scenario)
    return told


def training_gap(stored: Stored, scenario: str) -> tuple[Interval | None, int]:
    """Return by how much more longer training helps AVR of one step than it helps RMM alone.

    Returns:
        The difference of the two gains, paired by seed, with its 95 % interval, and the seeds that
        all four runs have; None if there is no such seed.
    """
    names = (ONE_STEP, ONE_STEP_LONGER, RMM, RMM_LONGER)
    if not stored.has(*names):
        return None, 0
    short, long, alone_short, alone_long = (stored.accuracies(one, scenario) for one in names)
    with_avr = {seed: long[seed] - short[seed] for seed in long.keys() & short.keys()}
    alone = {
        seed: alone_long[seed] - alone_short[seed]
        for seed in alone_long.keys() & alone_short.keys()
    }
    return paired(with_avr, alone, least_spread(stored))


def _predictions(stored: Stored, scenario: str) -> str:
    """Say of each numbered prediction what the runs say of it."""
    claims = [
        Claim(
            source="control",
            statement=name,
            scenario=scenario,
            better=(AVR_GAPS[name][0],),
            worse=(AVR_GAPS[name][1],),
        )
        for name in PREDICTIONS
    ]
    verdicts: list[Verdict] = [entry.verdict for entry in ledger(stored, claims)]
    gap, _ = training_gap(stored, scenario)
    verdicts.append(judge([] if gap is None else [gap]))
    return ", ".join(f"{number} {SAID[one][0]}" for number, one in enumerate(verdicts, 1))
