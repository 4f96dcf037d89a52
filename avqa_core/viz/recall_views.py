"""What a chapter shows of recall: scores as a table, the paper's slots, verdicts by rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from statistics import fmean

from avqa_core.completion.rmm import AddressingKind, max_joint_weight
from avqa_core.experiments.paper_tables import SLOTS, table5_run
from avqa_core.ledger import ONE_SEED, VERDICTS
from avqa_core.metrics import Interval, seed_interval
from avqa_core.paper_values import paper_accuracy
from avqa_core.studies.recall import RecallScore
from avqa_core.viz.display import Rich
from avqa_core.viz.points import spanned
from avqa_core.viz.style import mark_of
from avqa_core.viz.tables import Column, counted, table

Scores = Mapping[str, Mapping[str, Sequence[RecallScore]]]
Row = dict[str, str | int | float | None]
# A completer recalls if its error is below the mean predictor's by more than this share.
AS_GOOD_AS_THE_MEAN = 0.02
CONSTANT = 1e-4  # share of the real variance below which everybody gets the same vector


def means(scores: Sequence[RecallScore]) -> RecallScore:
    """Return every measure averaged over seeds."""
    return RecallScore(
        **{
            one.name: fmean(getattr(score, one.name) for score in scores)
            for one in fields(RecallScore)
        }
    )


def recall_table(scores: Scores, *, num_slots: int) -> Rich:
    """Return error, spread, entropy and largest weight of every completer, averaged over seeds.

    Args:
        scores: half -> completer -> one score a seed.
        num_slots: L, for the bound that the largest weight is read against.
    """
    rows: list[Row] = []
    for half, of_half in scores.items():
        for name, of_seeds in of_half.items():
            mean = means(of_seeds)
            rows.append(
                {
                    "half": half,
                    "completer": mark_of(name).label,
                    "error": mean.error,
                    "spread": mean.spread,
                    "entropy": mean.entropy,
                    "largest": mean.largest,
                    "bound": None if math.isnan(mean.largest) else _bound(name, num_slots),
                }
            )
    num_seeds = max(len(of_seeds) for of_half in scores.values() for of_seeds in of_half.values())
    return table(
        [
            Column("half", "recalled"),
            Column("completer", "completer"),
            Column("error", "error (% of mean predictor)", 1, 100, "lowest"),
            Column("spread", "spread over clips (% of real)", 2, 100),
            Column("entropy", "entropy (1: uniform)", 4),
            Column("largest", "largest weight seen (%)", 2, 100),
            Column("bound", "possible (%)", 2, 100),
        ],
        rows,
        caption=f"Recall on test clips, mean over {counted(num_seeds, 'seed')}, L = {num_slots}.",
        among="half",
    )


def _bound(name: str, num_slots: int) -> float:
    kinds: dict[str, AddressingKind] = {
        "rmm_released_code": "released_code",
        "rmm_renormalised": "renormalised",
    }
    return max_joint_weight(num_slots, kinds.get(name, "paper"))


def slot_rows() -> list[Row]:
    """Return for each L of the paper's Table 5 the bound of Eq. 2 and the paper's accuracies."""
    return [
        {
            "L": num_slots,
            "bound": max_joint_weight(num_slots),
            "equal": 1 / num_slots,
            "audio": paper_accuracy(table5_run(num_slots), "audio_missing"),
            "visual": paper_accuracy(table5_run(num_slots), "visual_missing"),
        }
        for num_slots in SLOTS
    ]


def verdicts(scores: Scores, num_slots: int) -> list[Row]:
    """Return what can be said of the paper's recall here, each line decided by a rule.

    Args:
        scores: half -> completer (with ``rmm`` and ``rmm_renormalised``) -> one score a seed.
        num_slots: L.
    """
    rows: list[Row] = []
    for half, of_half in scores.items():
        for name in ("rmm", "rmm_renormalised"):
            interval = seed_interval([100 * one.error for one in of_half[name]])
            spread = fmean(one.spread for one in of_half[name])
            rows.append(
                {
                    "claim": f"{half} is recalled from its counterpart and the question",
                    "method": mark_of(name).label,
                    "paper": None,
                    "ours": spanned(interval, scale=1.0),
                    "tolerance": f"below {100 * (1 - AS_GOOD_AS_THE_MEAN):.0f}",
                    "verdict": _verdict(interval, spread),
                }
            )
    return rows


def _verdict(error: Interval, spread: float) -> str:
    """Return the verdict; with more seeds than one the whole interval has to be good enough."""
    limit = 100 * (1 - AS_GOOD_AS_THE_MEAN)
    if math.isnan(error.low):
        return ONE_SEED
    if error.high < limit:
        return "recalls"
    if error.low < limit:
        return VERDICTS["open"]
    if spread < CONSTANT:
        return "not shown: one constant vector"
    return f"not shown: {'hardly' if error.high < 100 else 'not'} better than the mean"


def verdict_table(rows: Sequence[Row]) -> Rich:
    """Return the verdicts as a table."""
    return table(
        [
            Column("claim", "claim (Sec. 3.1)"),
            Column("method", "addressing"),
            Column("paper", "paper"),
            Column("ours", "ours: error, % of mean predictor (95 %)"),
            Column("tolerance", "counts as recall if"),
            Column("verdict", "verdict"),
        ],
        rows,
        caption="Verdicts, by the rule in the fifth column.",
    )
