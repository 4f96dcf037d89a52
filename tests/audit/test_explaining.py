from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avqa_core.audit import (
    ALL,
    Questions,
    ScoreRow,
    ScoreTable,
    audit,
    audit_row,
    one_digit_edits,
    repeated_blocks,
    rescored,
    shared_blocks,
)
from avqa_core.audit.chances import simulated_alterations, true_row
from avqa_core.audit.explaining import weighted_average
from avqa_core.audit.statements import about_tables
from avqa_core.errors import AnnotationError, ConfigError
from avqa_core.types import QuestionCategory
from tests.audit.tables import OTHER, SMALL, printed, row_of

A_CNT, A_COMP, V_CNT, V_LOC = SMALL.counts
# 3/7 = 42.86, 5/11 = 45.45, 4/13 = 30.77, 9/17 = 52.94; averages 8/18, 13/30 and 21/48
RIGHT = {A_CNT: 3, A_COMP: 5, V_CNT: 4, V_LOC: 9}
ROW = row_of(RIGHT, SMALL)


def with_cells(row: ScoreRow, **texts: str) -> ScoreRow:
    names = {"a_cnt": A_CNT, "a_comp": A_COMP, "v_cnt": V_CNT, "v_loc": V_LOC}
    changed = {names[name]: printed(text) for name, text in texts.items()}
    return replace(row, cells={**row.cells, **changed})


def test_a_true_row_by_hand():
    assert [one.text for one in ROW.cells.values()] == ["42.86", "45.45", "30.77", "52.94"]
    assert [one.text for one in ROW.averages.values()] == ["44.44", "43.33", "43.75"]
    found = audit_row(ROW, [SMALL, OTHER])
    assert found.num_hypotheses == 8
    assert len(found.explanations) == 1 and found.is_decided
    best = found.best
    assert best.questions == "small" and not best.moved and not best.failing
    assert {one: list(counts) for one, counts in best.counts.items()} == {
        one: [k] for one, k in RIGHT.items()
    }
    assert [len(one.headings) for one in found.misfits] == [0, 4]
    assert list(found.as_headed["small"][A_CNT]) == [3]
    assert not found.as_headed["other"][A_CNT]


def test_exchanged_columns_are_put_back():
    exchanged = with_cells(ROW, v_cnt="52.94", v_loc="30.77")
    best = audit_row(exchanged, [SMALL]).best
    assert best.moved == {V_CNT: V_LOC, V_LOC: V_CNT}
    assert not best.failing
    assert audit_row(exchanged, [SMALL], "as_printed").best is None
    (misfit,) = audit_row(exchanged, [SMALL], "as_printed").misfits
    assert misfit.headings == (V_CNT, V_LOC) and misfit.num_cells == 4
    # (52.94 * 13 + 30.77 * 17) / 30 = 40.377, while the columns put back give 43.33
    assert weighted_average(exchanged, SMALL, [V_CNT, V_LOC]) == pytest.approx(40.377, abs=1e-3)
    put_back = weighted_average(exchanged, SMALL, [V_CNT, V_LOC], best.order)
    assert put_back == pytest.approx(43.33, abs=0.005)


def test_an_altered_average_is_named_with_its_excess():
    # 8 of 18 are 44.44 %; 50.00 % are 9, one right answer more than the cells have
    altered = replace(ROW, averages={**ROW.averages, "Audio": printed("50.00")})
    (failing,) = audit_row(altered, [SMALL]).best.failing
    assert (failing.group, failing.excess, failing.recomputed.text) == ("Audio", -1, "44.44")
    # 44.94 % is no fraction of 18 at all; the nearest, 8, is what the cells have
    altered = replace(ROW, averages={**ROW.averages, "Audio": printed("44.94")})
    (failing,) = audit_row(altered, [SMALL]).best.failing
    assert not failing.from_print and failing.excess == 0


def test_empty_cells_allow_anything_and_averages_still_bound_them():
    some = replace(ROW, cells={**ROW.cells, A_CNT: None})
    best = audit_row(some, [SMALL], "as_printed").best
    assert list(best.counts[A_CNT]) == list(range(8))
    assert not best.failing
    # 5 of 11 and anything of 7: at most 12 of 18, 66.67 %
    wrong = replace(some, averages={"Audio": printed("72.22")})
    assert [one.group for one in audit_row(wrong, [SMALL], "as_printed").best.failing] == ["Audio"]
    with pytest.raises(AnnotationError, match="empty cell"):
        weighted_average(some, SMALL, [A_CNT])


@given(seed=st.integers(0, 2**32 - 1))
def test_a_true_row_is_always_explained(seed):
    row = true_row(SMALL, generator=np.random.default_rng(seed))
    found = audit_row(row, [OTHER, SMALL])
    assert any(
        one.questions == "small" and not one.moved and not one.failing for one in found.explanations
    )


def test_most_altered_rows_are_noticed():
    large = Questions("large", dict(zip(SMALL.counts, (512, 305, 601, 617), strict=True)))
    noticed = simulated_alterations(
        large, [large], generator=np.random.default_rng(0), num_rows=400
    )
    assert noticed.accuracy > 0.95
    # a check that sees nothing is noticed here too: every number is a fraction of so many
    blind = Questions("blind", dict.fromkeys(SMALL.counts, 10_000_000))
    found = simulated_alterations(
        blind, [blind], generator=np.random.default_rng(0), num_rows=50, largest=1
    )
    assert found.accuracy < 1.0


def test_a_slip_of_one_digit_is_proposed():
    # 43.33 printed as 48.33; no other single digit mends it but the cells' own
    slipped = replace(ROW, averages={**ROW.averages, "Visual": printed("48.33")})
    edits = one_digit_edits(audit_row(slipped, [SMALL]), [SMALL])
    assert ("Visual", "43.33", ()) in [(e.where, e.instead.text, e.failing) for e in edits]
    impossible = with_cells(ROW, a_cnt="42.36")
    edits = one_digit_edits(audit_row(impossible, [SMALL]), [SMALL])
    assert [(e.where, e.instead.text) for e in edits if not e.failing] == [(A_CNT, "42.86")]
    assert one_digit_edits(audit_row(ROW, [SMALL]), [SMALL]) == ()


def test_repeated_and_borrowed_blocks():
    twin = with_cells(replace(ROW, name="twin"), v_cnt="0.00")
    table = ScoreTable("t", tuple(SMALL.counts), (ROW, twin))
    (repeat,) = repeated_blocks(table)
    assert (repeat.group, repeat.rows) == ("Audio", ("row", "twin"))
    turned = with_cells(replace(ROW, name="turned"), v_cnt="52.94", v_loc="30.77", a_cnt="0.00")
    reference = ScoreTable("r", tuple(SMALL.counts), (turned,))
    (shared,) = shared_blocks(table, reference)
    assert (shared.group, shared.rows) == ("Visual", ("row", "turned"))


def test_orders_common_to_all_rows_and_statements_about_them():
    rows = tuple(
        replace(with_cells(row, v_cnt=row.cells[V_LOC].text, v_loc=row.cells[V_CNT].text), name=n)
        for n, row in (
            ("plain, audio", ROW),
            ("ours, audio", row_of({A_CNT: 5, A_COMP: 2, V_CNT: 5, V_LOC: 15}, OTHER)),
        )
    )
    found = audit(ScoreTable("t", tuple(SMALL.counts), rows), [SMALL, OTHER])
    (order,) = found.common_orders
    assert {one: other for one, other in order.items() if one != other} == {
        V_CNT: V_LOC,
        V_LOC: V_CNT,
    }
    said = about_tables([found], order, baselines=("plain",), first="small", second="other")
    assert [(one.holds, one.of) for one in said] == [(2, 2), (0, 2), (1, 1), (1, 1), (6, 6)]
    assert [one.verdict for one in said][:2] == ["follows from the digits", "does not hold"]
    turned = about_tables([found], order, baselines=("plain",), first="other", second="small")
    assert [one.holds for one in turned][2:4] == [0, 0]


def test_scores_on_another_file_have_exact_bounds():
    # 10 right of 20, of which 18 stand in the other file of 19: 8 to 10 there, and one row more
    ten, other = (Questions(name, {A_CNT: total}) for name, total in (("ten", 20), ("other", 19)))
    bounds = rescored(range(10, 11), ten, other, shared=18)
    assert (bounds.low, bounds.high) == (8 / 19, 11 / 19)
    same = rescored(range(10, 11), ten, ten, shared=20)
    assert (same.low, same.high) == (0.5, 0.5)


def test_what_cannot_be_audited_is_refused():
    table = ScoreTable("t", tuple(SMALL.counts), (ROW,))
    foreign = Questions("foreign", {A_CNT: 7, A_COMP: 11})
    with pytest.raises(AnnotationError, match="t: expected the Visual columns none of foreign"):
        audit(table, [foreign])
    many = [QuestionCategory("Any", f"Kind {number}") for number in range(8)]
    vague = Questions("vague", dict.fromkeys(many, 100_000))
    row = ScoreRow("r", {one: printed("50.00") for one in many}, {ALL: printed("50.00")})
    with pytest.raises(ConfigError, match="audit the order as printed"):
        audit_row(row, [vague])
    assert not audit_row(row, [vague], "as_printed").best.failing
    with pytest.raises(AnnotationError, match="expected a row named one of row"):
        table.row("nobody")
