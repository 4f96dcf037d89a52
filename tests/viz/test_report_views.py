"""The table of scenarios and the figure by category say what the reports say."""

from __future__ import annotations

from avqa_core.viz.report_views import category_figure, scenario_table
from avqa_core.viz.tables import UNKNOWN
from tests.viz.test_results import report

REPORTS = {"zeros": report(0, 2), "recommended": report(0, 8)}


def test_each_scenario_has_a_row_for_each_method_with_its_count_and_bounds():
    lines = scenario_table(REPORTS, caption="One run.").text.splitlines()
    assert lines[0] == "One run."
    assert len(lines) == 2 + 2 * 2
    zeros, ours = (line.split() for line in lines[-2:])
    # 2 + 2 of 10 + 30 questions; floor and ceiling as the report has them
    assert zeros[:6] == ["audio", "missing", "zeros", "4", "40", "10.0"]
    assert ours[:7] == ["audio", "missing", "recommended", "16", "40", "▲", "40.0"]
    assert ours[-2:] == ["25.0", "75.0"]
    # Wilson's interval of 4 out of 40, worked out by hand: 4.0 to 23.1
    assert zeros[6:9] == ["4.0", "to", "23.1"]


def test_a_group_is_counted_alone():
    lines = scenario_table(REPORTS, caption="Audio.", group="Audio").text.splitlines()
    assert lines[2].split()[2:5] == ["zeros", "2", "10"]


def test_an_unknown_ceiling_is_a_dash():
    complete = scenario_table(REPORTS, caption="One run.").text.splitlines()[2]
    assert complete.split()[-1] == UNKNOWN


def test_each_category_is_a_row_between_its_bounds():
    figure = category_figure(REPORTS, "audio_missing")
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == ["Audio Counting", "Visual Counting"]
    bar = figure.axes[0].patches[0]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == (25.0, 75.0)
