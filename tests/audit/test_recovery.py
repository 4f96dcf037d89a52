from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avqa_core.audit import ALL, Questions, ScoreTable, recover_counts
from avqa_core.audit.chances import true_row
from avqa_core.audit.recovery import possible_sizes
from avqa_core.errors import AnnotationError
from avqa_core.types import QuestionCategory
from tests.audit.tables import printed

KINDS = [QuestionCategory("Any", name) for name in ("Rare", "Some", "Many")]
TRUTH = Questions("truth", dict(zip(KINDS, (17, 86, 640), strict=True)))


def table_of(num_rows: int) -> ScoreTable:
    generator = np.random.default_rng(3)
    rows = [true_row(TRUTH, generator=generator) for _ in range(num_rows)]
    named = [
        replace(row, name=str(number), averages={ALL: row.averages[ALL]})
        for number, row in enumerate(rows)
    ]
    return ScoreTable("t", tuple(KINDS), tuple(named))


def test_possible_sizes_by_hand():
    # 33.33 is 1/3, 2/6, 3/9; 50.00 needs an even number
    assert possible_sizes([printed("33.33")], 9) == (3, 6, 9)
    assert possible_sizes([printed("33.33"), printed("50.00")], 12) == (6, 12)
    assert possible_sizes([printed("33.33"), printed("0.50")], 9) == ()


@pytest.mark.parametrize("total", [None, 17 + 86 + 640])
def test_counts_are_recovered_from_the_digits_alone(total):
    best, *others = recover_counts(table_of(8), total=total, limit=2000)
    assert dict(best.counts) == dict(TRUTH.counts)
    assert best.total == 743 and len(best.follows) == 8
    # twice as many of everything give the same fractions, and nothing else does
    doubled = [one for one in others if len(one.follows) == 8]
    assert all(
        one.counts[kind] % n == 0 and one.total % 743 == 0
        for one in doubled
        for kind, n in TRUTH.counts.items()
    )
    assert not doubled or total is None
    assert best.as_questions("found").counts == TRUTH.counts


def test_a_row_in_another_order_is_an_error_that_says_so():
    table = table_of(6)
    first = table.rows[0]
    cells = dict(zip(KINDS, reversed(first.cells.values()), strict=True))
    turned = ScoreTable("t", table.headings, (replace(first, cells=cells), *table.rows[1:]))
    with pytest.raises(AnnotationError, match="whose columns stand in another order"):
        recover_counts(turned, limit=1000)


def test_a_gap_is_an_error_that_names_the_row():
    table = table_of(2)
    gap = replace(table.rows[1], averages={})
    with pytest.raises(AnnotationError, match="t, 1: expected every cell and the average"):
        recover_counts(ScoreTable("t", table.headings, (table.rows[0], gap)))
