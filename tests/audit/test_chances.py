from __future__ import annotations

import numpy as np
import pytest

from avqa_core.audit import ScoreTable, audit_row
from avqa_core.audit.chances import (
    chance_of_averages,
    chance_of_cells,
    chance_of_the_other_file,
    fewest_decimals,
    simulated_cells,
)
from avqa_core.metrics import wilson_interval
from tests.audit.tables import OTHER, SMALL, row_of
from tests.audit.test_explaining import A_CNT, A_COMP, RIGHT


def test_the_chance_of_cells_by_hand():
    # without decimals, sevenths print as 8 of 101 numbers, elevenths as 12, none of them halves
    cells = [A_CNT, A_COMP]
    one_order = 8 / 101 * 12 / 101
    assert chance_of_cells(cells, [SMALL], "as_printed", 0) == pytest.approx(one_order)
    assert chance_of_cells(cells, [SMALL], "within_groups", 0) == pytest.approx(2 * one_order)
    # eighths as 9 and four more for their halves, ninths as 10
    both = one_order + 13 / 101 * 10 / 101
    assert chance_of_cells(cells, [SMALL, OTHER], "within_groups", 0) == pytest.approx(2 * both)


def test_a_simulation_stays_below_the_bound_and_near_it():
    cells, num_rows = [A_CNT, A_COMP], 3000
    bound = chance_of_cells(cells, [SMALL, OTHER], decimals=0)
    drawn = simulated_cells(
        cells, [SMALL, OTHER], generator=np.random.default_rng(0), num_rows=num_rows, decimals=0
    )
    interval = wilson_interval(drawn, confidence=0.999)
    assert interval.low < bound, "a bound"
    assert bound < 1.5 * interval.high, "and no idle one: few tables pass under two hypotheses"


def test_the_chance_of_averages_by_hand():
    row = row_of(RIGHT, SMALL)
    found = audit_row(row, [SMALL]).best
    # One number in each range follows. Audio lies between 42.86 and 45.45, 260 numbers; Visual
    # between 30.77 and 52.94, 2218; All between 13/30 and 8/18, 43.33 and 44.44, 112.
    assert chance_of_averages(row, found) == pytest.approx(1 / 260 / 2218 / 112)


def test_the_other_file_by_hand():
    # sevenths that print as eighths without decimals: 0 and 100 of 8 counts (14 29 43 57 71 86
    # against 0 12 13 25 37 38 50 62 63 75 87 88 100); elevenths (0 9 18 27 36 45 55 64 73 82 91
    # 100) as ninths (0 11 22 33 44 56 67 78 89 100): 0 and 100 of 12
    assert chance_of_the_other_file([A_CNT, A_COMP], SMALL, OTHER, "as_printed", 0) == (
        pytest.approx(2 / 8 * 2 / 12)
    )
    tried = chance_of_the_other_file([A_CNT, A_COMP], SMALL, OTHER, decimals=0)
    assert 2 / 8 * 2 / 12 < tried <= 1


def test_fewer_decimals_pass_more_often():
    table = ScoreTable("t", tuple(SMALL.counts), (row_of(RIGHT, SMALL),))
    assert fewest_decimals(table) == 2
    two, one = (chance_of_cells(list(SMALL.counts), [SMALL], decimals=n) for n in (2, 1))
    assert two < one
