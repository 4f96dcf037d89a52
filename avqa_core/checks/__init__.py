"""Checks of the exercises: they take a reader's function and say what is off, not only that it is.

Every check tries the function on inputs of its own, compares with the package, and returns a
``Verdict``; one module for what a chapter asks, all of them named here.
"""

from avqa_core.checks.abstention import lowest_threshold
from avqa_core.checks.addressing import largest_weight, product_of_experts
from avqa_core.checks.answers import most_common_answers
from avqa_core.checks.choices import candidate_scores
from avqa_core.checks.diffusion import clean_from_velocity, noised
from avqa_core.checks.fillings import spread_over_clips
from avqa_core.checks.floors import routed
from avqa_core.checks.gains import gained_more, paired_gain, recovered_share
from avqa_core.checks.printed_numbers import counts_behind
from avqa_core.checks.readings import sounding_players
from avqa_core.checks.recall import hidden_targets
from avqa_core.checks.starts import slope_behind
from avqa_core.checks.verdict import Verdict

__all__ = [
    "Verdict",
    "candidate_scores",
    "clean_from_velocity",
    "counts_behind",
    "gained_more",
    "hidden_targets",
    "largest_weight",
    "lowest_threshold",
    "most_common_answers",
    "noised",
    "paired_gain",
    "product_of_experts",
    "recovered_share",
    "routed",
    "slope_behind",
    "sounding_players",
    "spread_over_clips",
]
