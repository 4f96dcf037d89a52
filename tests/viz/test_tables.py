"""Tables: digits, best values, sources."""

from __future__ import annotations

import math

import pytest

from avqa_core.errors import ConfigError
from avqa_core.viz.tables import UNKNOWN, Column, table

COLUMNS = (
    Column("method", "method"),
    Column("accuracy", "accuracy (%)", digits=2, scale=100, best="highest"),
    Column("loss", "loss", digits=3, best="lowest"),
    Column("total", "questions", digits=0),
    Column("source", "source"),
)
ROWS = (
    {"method": "a", "accuracy": 0.5, "loss": 0.25, "total": 40, "source": "ours"},
    {"method": "b", "accuracy": 0.625, "loss": 0.5, "total": 40, "source": "ours"},
    {"method": "c", "accuracy": 0.7, "loss": None, "total": 9129, "source": "paper"},
    {"method": "<d>", "accuracy": math.nan, "loss": 0.75, "source": "paper"},
)


def test_numbers_have_equal_digits_and_stand_on_the_right():
    html = table(COLUMNS, ROWS, caption="Some numbers").html
    assert '<td class="number">50.00</td>' in html
    assert '<td class="number">9129</td>' in html
    assert '<th scope="col" style="text-align: right">accuracy (%)</th>' in html
    assert '<th scope="row">a</th>' in html
    assert "overflow-x: auto" in html
    assert "<caption>Some numbers</caption>" in html


def test_the_best_is_marked_within_its_source_and_by_more_than_colour():
    lines = table(COLUMNS, ROWS, caption="", among="source").text.splitlines()
    assert [line.count("▲") for line in lines] == [0, 0, 1, 1, 1, 1]
    assert "▲ 62.50" in lines[3]
    assert "▲ 0.250" in lines[2]


def test_without_groups_one_value_is_best():
    text = table(COLUMNS, ROWS, caption="").text
    assert text.count("▲ 70.00") == 1
    assert text.count("▲ 62.50") == 0


def test_a_tie_as_printed_marks_both():
    rows = [{"accuracy": 0.50001}, {"accuracy": 0.50002}, {"accuracy": 0.4}]
    assert table(COLUMNS[1:2], rows, caption="").text.count("▲") == 2
    assert "▲" not in table(COLUMNS[1:2], rows[:2], caption="").text  # all alike, none is best


def test_what_is_not_known_is_a_dash_and_text_is_escaped():
    html = table(COLUMNS, ROWS, caption="").html
    assert "&lt;d&gt;" in html
    assert html.count(UNKNOWN) == 3
    assert "nan" not in html


def test_a_value_without_a_column_is_refused():
    with pytest.raises(ConfigError, match="acuracy"):
        table(COLUMNS, [{"acuracy": 1.0}], caption="")


def test_a_long_name_may_be_broken_at_its_joints_and_a_fraction_between_spaces_may_not():
    rows = [{"name": "plug_in/rmm", "test": "a.py::test_b", "presets": "paper / own <1>"}]
    columns = (Column("name", "name"), Column("test", "test"), Column("presets", "presets"))
    shown = table(columns, rows, caption="Names.")
    assert "plug_<wbr>in/<wbr>rmm</th>" in shown.html
    assert "<td>a.py::<wbr>test_<wbr>b</td>" in shown.html
    assert "<td>paper / own &lt;1&gt;</td>" in shown.html
    assert "plug_in/rmm" in shown.text
