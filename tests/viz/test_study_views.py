"""Verdicts on recall and on the chain, decided by their rules."""

from __future__ import annotations

import pytest

from avqa_core.ledger import ONE_SEED
from avqa_core.metrics import seed_interval
from avqa_core.studies.recall import RecallScore
from avqa_core.viz import recall_views, style, tables
from avqa_core.viz.diffusion_views import Mended


def _scores(*errors: float, spread: float = 0.1) -> list[RecallScore]:
    return [RecallScore(error=error, spread=spread) for error in errors]


def _verdict(scores: list[RecallScore]) -> object:
    rows = recall_views.verdicts({"audio": {"rmm": scores, "rmm_renormalised": scores}}, 75)
    return rows[0]["verdict"]


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        (_scores(0.90, 0.91, 0.92), "recalls"),
        (_scores(0.90, 0.95, 1.00), "not told apart"),
        (_scores(0.97, 0.979, 0.988), "not told apart"),
        (_scores(1.00, 1.01, 1.02), "not shown: not better than the mean"),
        (_scores(0.990, 0.991, 0.992), "not shown: hardly better than the mean"),
        (_scores(1.00, 1.01, 1.02, spread=0.0), "not shown: one constant vector"),
        (_scores(0.5), ONE_SEED),
    ],
)
def test_recall_counts_when_the_whole_interval_is_below_the_limit(scores, verdict):
    assert _verdict(scores) == verdict


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ([0.10, 0.11, 0.12], "nearer"),
        ([-0.10, -0.11, -0.12], "farther"),
        ([-0.1, 0.0, 0.1], "not told apart"),
        ([0.3], ONE_SEED),
    ],
)
def test_a_chain_is_judged_by_the_interval_of_its_gain(gains, verdict):
    one = Mended(
        setting="linear, noise",
        half="audio",
        recalled=1.0,
        joined=1.0,
        enhanced=0.9,
        gain=seed_interval(gains),
        present=0.1,
        present_joined=0.05,
    )
    assert one.verdict == verdict


def test_names_without_a_mark_of_their_own_get_colours_of_their_own():
    marks = style.marks_of([f"setting {number}" for number in range(6)])
    assert len({mark.colour for mark in marks.values()}) == 6


def test_many_names_still_get_marks():
    marks = style.marks_of([f"setting {number}" for number in range(30)])
    assert len({(mark.colour, mark.marker) for mark in marks.values()}) == 30


@pytest.mark.parametrize(("number", "words"), [(0, "0 seeds"), (1, "1 seed"), (3, "3 seeds")])
def test_one_is_not_many(number, words):
    assert tables.counted(number, "seed") == words
