from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avqa_core.audit import (
    ALL,
    audit,
    load_questions,
    read_table,
    recover_counts,
    stored_rows_in_common,
)
from avqa_core.audit.program import program_points
from avqa_core.audit.statements import Statement
from avqa_core.types import QuestionCategory
from avqa_core.viz import audit_reach
from avqa_core.viz import audit_views as views

STORED = Path(__file__).resolve().parents[2] / "book" / "results" / "paper"
COUNTS = STORED / "question_counts.json"


@pytest.fixture(scope="module")
def found():
    files = load_questions(COUNTS)
    return audit(read_table(STORED / "table1_full.csv", files[0].counts), files)


def test_the_figure_of_cells_marks_what_fits(found):
    (order,) = found.common_orders
    figure = views.fit_figure(found, order)
    headed, exchanged = (
        [[text.get_text() for text in panel.texts][9 * row : 9 * row + 9] for row in range(16)]
        for panel in figure.axes
    )
    # first row: nothing but the first release, and one cell that fits both
    assert headed[0] == ["1", "1", "1", "1", "1", "\u00d7", "\u00d7", "1", "="]
    assert exchanged[0] == ["1"] * 8 + ["="]
    assert {sign for row in exchanged for sign in row} == {"1", "2", "="}
    assert figure.axes[0].get_yticklabels()[0].get_text() == "AVSD, visual"


def test_the_figure_of_averages_has_one_mark_a_row_and_order(found):
    (order,) = found.common_orders
    (panel,) = views.averages_figure(found, order, "Audio-Visual").axes
    _, headed, exchanged = panel.lines
    assert len(headed.get_xdata()) == len(exchanged.get_xdata()) == 16
    assert np.abs(exchanged.get_xdata()[0]) < 0.01 < np.abs(headed.get_xdata()[0])


def test_tables_say_what_was_found(found):
    said = views.verdict_table({"1": found}, caption="c").text
    assert said.count("first release") == 6 and said.count("corrected") == 10
    assert said.count("all follow") == 14
    assert "66.95" in views.mending_table(found, caption="c").text
    judged = views.statements_table([Statement("it is so", 2, 3)], caption="c").text
    assert "holds for some" in judged
    points = program_points(STORED / "released_program.csv")
    assert "linear / sigmoid" in views.points_table(points, caption="c").text


def test_a_gain_is_bounded_by_the_rows_that_files_share(found):
    shared = stored_rows_in_common(COUNTS)
    low, high = audit_reach.rescored_bounds(found, "AVST, audio", "AVST+Ours, audio", shared)
    # 36.60 % of 9,185 are 3,362; 57 of these rows are not among the 9,128 shared, one row is new
    assert low == pytest.approx(100 * (3362 - 57) / 9129)
    assert high == pytest.approx(100 * (3362 + 1) / 9129)
    same = audit_reach.rescored_bounds(found, "PSTP-Net, audio", "PSTP-Net+Ours, audio", shared)
    assert same[0] == same[1] == pytest.approx(67.74, abs=0.005)
    pairs = {"AVST, audio": "AVST+Ours, audio"}
    assert "32.87 to 33.51" in audit_reach.rescored_table(found, pairs, shared, caption="c").text


def test_chances_are_bounds_in_words(found):
    words = audit_reach.chance_words(found, seed=0, num_rows=50)
    assert words["one_in"] == "1,000,000"
    table = audit_reach.chance_table(
        found, generator=np.random.default_rng(0), num_rows=50, caption="c"
    ).text
    assert "960" in table and "240" in table


def test_recovered_numbers_stand_beside_what_fits():
    kinds = ("Used For", "When", "Before Next", "Why", "Where", "Happening", "Come From", "Which")
    types = [QuestionCategory("AVQA", kind) for kind in kinds]
    table = read_table(STORED / "table2_full.csv", types)
    regular = table.without([row.name for row in table.rows if row.name.startswith("AVSD+")])
    best = recover_counts(regular)[0]
    said = views.sizes_table(regular, best, limit=9000, shown=2, caption="c").text
    assert "4788, 4918" in said and "16910" in said
    orders = views.order_table(audit(table, [best.as_questions("recovered")]), caption="c").text
    assert orders.count("reversed") == 2 and orders.count("as headed") == 10


def test_a_control_is_counted_against_what_its_source_states(found):
    told = {row.row.name: row.best.questions for row in found.rows}
    right = audit_reach.control_counts(found, told)
    assert right["right_file"] == right["explained"] == 16 and right["other_file"] == 0
    first = found.rows[0].row.name
    wrong = audit_reach.control_counts(found, told | {first: "avqa-test"})
    assert wrong["right_file"] == 15 and wrong["other_file"] == 1
    assert right["as_headed"] == 0 and right["all_follow"] == 14
    assert right["unexplained"] == 0 and right["unfollowed"] == 2
    assert found.table.row(first).averages[ALL].text == "59.25"
