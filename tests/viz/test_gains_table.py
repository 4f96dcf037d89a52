"""The paper's gain, this run's and the stored one in a row, with the seeds that both runs have."""

from __future__ import annotations

import math

import pytest

from avqa_core.experiments.results import Stored
from avqa_core.metrics import Interval
from avqa_core.viz import gains_table
from avqa_core.viz.main_results import METHODS
from tests.experiments.stored_results import content, stored

ZEROS, OURS = [(30, 20), (30, 21), (30, 19)], [(42, 24), (42, 25), (42, 23)]
LIVE = {"visual_missing": Interval(0.05, 0.01, 0.09)}
BOTH = METHODS["recommended"], METHODS["zeros"]


def _results(ours: list[tuple[int, int]]) -> Stored:
    counts = zip(BOTH, (ours, ZEROS), strict=True)
    return stored({name: {"visual_missing": of} for name, of in counts})


def _row(results: Stored) -> str:
    return gains_table.gains_table(LIVE, results).text.splitlines()[-1]


def test_a_gain_is_told_beside_the_papers(monkeypatch):
    paper = {"table4/paper": 0.68, "table4/none": 0.59}
    monkeypatch.setattr(gains_table, "paper_accuracy", lambda name, scenario: paper[name])
    row = _row(_results(OURS))
    assert "9.0" in row and "+5.0 (+1.0 to +9.0)" in row
    assert "+16.0 (+16.0 to +16.0)" in row and row.split()[-3:] == ["3", "gain", "shown"]
    assert "not stored" in _row(Stored("book"))


def test_the_seeds_are_those_that_the_gain_is_over():
    """The control has three seeds, the other run one of them: the gain is of one seed."""
    row = _row(_results(OURS[:1]))
    assert "+16.0" in row and row.endswith("  1  one seed: no verdict")
    swapped = stored({BOTH[0]: {"visual_missing": OURS}, BOTH[1]: {"visual_missing": ZEROS[:1]}})
    assert _row(swapped).endswith("  1  one seed: no verdict")


def test_runs_without_a_seed_in_common_say_so():
    made = content({name: {"visual_missing": OURS[:1]} for name in BOTH})
    made["runs"][0]["seed"] = 7
    assert _row(Stored("book", made)).split()[-5:] == ["0", "no", "seed", "in", "common"]


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        (None, "not stored"),
        (Interval(0.1, 0.05, 0.2), "gain shown"),
        (Interval(0.1, -0.05, 0.2), "not told apart"),
        (Interval(-0.1, -0.2, -0.05), "loss shown"),
        (Interval(0.1, math.nan, math.nan), "one seed: no verdict"),
    ],
)
def test_a_verdict_needs_the_whole_interval(gain, verdict):
    assert gains_table.verdict(gain) == verdict
