"""What the ablation chapter shows, from results whose numbers are known."""

from __future__ import annotations

from matplotlib.figure import Figure

from avqa_core import claims, ledger
from avqa_core.viz import ablation_views as views
from avqa_core.viz import result_words
from avqa_core.viz.display import Rich
from tests.experiments.stored_results import stored

RIGHT = {"complete": [(50, 30)] * 3, "both_missing": [(20, 10)] * 3}
RATIOS = (0.4,)
RESULTS = stored(
    {
        "table4/none": {
            **RIGHT,
            "audio_missing": [(20, 10), (22, 11), (24, 9)],
            "visual_missing": [(20, 12), (22, 12), (24, 12)],
            "mixed(0.4,0)": [(40, 22)] * 3,
        },
        "table4/paper": {
            **RIGHT,
            "audio_missing": [(40, 10), (43, 11), (44, 9)],
            "visual_missing": [(30, 12), (31, 12), (32, 12)],
            "mixed(0.4,0)": [(45, 22)] * 3,
        },
    }
)
EMPTY = stored({})
NAMES = ["table4/none", "table4/avr", "table4/paper"]


def test_runs_that_end_alike_are_drawn_apart():
    names = ["plug_in/paper", "table4/paper", "table4/rmm"]
    assert views.keys_of(names) == dict(zip(names, ["paper", "table4/paper", "rmm"], strict=True))


def test_a_comparison_has_means_bounds_and_paired_differences():
    shown = views.comparison_table(RESULTS, NAMES, caption="c", control="table4/none", paper=True)
    text = shown.text
    assert "▲ 52.3" in text and "32.0" in text  # audio missing: 50, 54, 53 and 30, 33, 33
    assert "(40.0)" in text and "(90.0)" in text  # floor and ceiling
    assert "69.7" in text and "36.6" in text  # the paper's
    assert "+20.3 (+18.9 to +21.8)" in text  # 20, 21 and 20 points, t(0.975, 2) = 4.303
    assert "avr" not in text
    assert "Seeds of each row: 3." in text and "  seeds" not in text


def test_a_difference_over_fewer_seeds_than_its_row_says_so():
    rights = {"table4/none": [(20, 10)], "table4/paper": [(30, 10), (50, 10)]}
    partly = stored({name: dict.fromkeys(views.SHOWN, of) for name, of in rights.items()})
    names = ["table4/none", "table4/paper"]
    shown = views.comparison_table(partly, names, caption="c", control="table4/none").text
    assert "+10.0, one seed" in shown
    assert "seeds" in shown.splitlines()[1] and "Seeds of each row" not in shown


def test_what_is_not_stored_is_a_box_with_the_command():
    shown = (
        views.comparison_figure(EMPTY, NAMES),
        views.comparison_table(EMPTY, NAMES, caption="c"),
        views.sweep_figure(EMPTY, {25: "table5/slots_25"}, xlabel="L", references={}),
        views.ratio_figure(EMPTY, NAMES, "audio_missing", RATIOS),
    )
    for one in shown:
        assert isinstance(one, Rich)
        assert "avqa results --profile book --only table" in one.text


def test_figures_are_drawn_of_what_is_there():
    figure = views.comparison_figure(RESULTS, NAMES)
    assert isinstance(figure, Figure)
    assert len([panel for panel in figure.axes if panel.get_title()]) == 3
    points = {75: "table4/paper", 25: "table5/slots_25"}
    swept = views.sweep_figure(
        RESULTS, points, xlabel="slots L", references={"neither": "table4/none"}
    )
    assert isinstance(swept, Figure)
    ours, paper = swept.axes
    assert ours.get_xlabel() == "slots L"
    assert [list(line.get_xdata()) for line in paper.lines] == [[25, 75], [25, 75]]


def test_ratios_run_from_nobody_to_everybody():
    figure = views.ratio_figure(RESULTS, NAMES, "audio_missing", RATIOS)
    line = figure.axes[0].lines[0]
    assert list(line.get_xdata()) == [0, 40, 100]
    assert [round(value, 1) for value in line.get_ydata()] == [80.0, 62.0, 32.0]
    assert views.ratio_scenario("visual_missing", 0.4) == "mixed(0,0.4)"


def test_the_ledger_says_what_was_decided_and_what_was_not_run():
    shown = views.ledger_table(ledger.ledger(RESULTS), caption="the ledger")
    assert "holds here" in shown.text and "not run" in shown.text
    assert "+20.3" in shown.text and "33.1" in shown.text


def test_words_for_the_summary():
    gap = result_words.gap_text(RESULTS, "table4/paper", "table4/none", "audio_missing")
    assert gap == "+20.3 points (+18.9 to +21.8, 3 seeds)"
    assert result_words.accuracy_text(RESULTS, "table4/none", "audio_missing") == "32.0 %"
    names = ["table4/none", "table4/paper"]
    assert result_words.spread_text(RESULTS, names, "audio_missing") == "20.3 points (3 seeds)"
    for words in (
        result_words.gap_text(EMPTY, *names, "complete"),
        result_words.accuracy_text(EMPTY, names[0], "complete"),
        result_words.spread_text(EMPTY, names, "complete"),
    ):
        assert words == result_words.NOT_RUN
    entries = ledger.ledger(RESULTS)
    held = sum(entry.verdict == "holds" for entry in entries)
    assert f"{held} {'holds' if held == 1 else 'hold'}" in result_words.verdicts_text(entries)
    assert "were not run" in result_words.verdicts_text(entries)


def test_points_of_a_sweep_are_over_the_seeds_that_all_have():
    """The second point was run with seed 0 only, which answers as the first does with seed 0."""
    rights = {"table4/none": [(20, 10), (24, 10), (28, 10)], "table4/paper": [(20, 10)]}
    partly = stored({name: {one: of for one in views.MISSING} for name, of in rights.items()})
    points = {1: "table4/none", 2: "table4/paper"}
    figure = views.sweep_figure(partly, points, xlabel="x", references={})
    assert [*figure.axes[0].lines[0].get_ydata()] == [30, 30]
    spread = result_words.spread_text(partly, list(points.values()), "audio_missing")
    assert spread == "0.0 points (one seed)"


def test_a_claim_of_several_names_both_sides_of_the_deciding_pair():
    several = claims.Claim(
        source="Table 4",
        statement="any",
        scenario="audio_missing",
        better=("table4/paper", "table4/none"),
        worse=("table4/none",),
    )
    shown = views.ledger_table(ledger.ledger(RESULTS, [several]), caption="c").text
    assert "never trained for absence against never trained for absence" in shown


def test_categories_add_up_by_what_they_need():
    shown = views.category_table(RESULTS, ["table4/paper"], "complete", caption="c").text
    rows = {line[: line.index("  ", 30)].strip(): line for line in shown.splitlines()[2:]}
    lines = "\n".join(rows.values())
    assert "Audio Counting" in lines and "Visual Location" in lines
    # 50 of 60 and 30 of 40 right; the floor is 0.5 and 0.25, the ceiling 1 and 0.75.
    no_order = next(line for line in rows.values() if "no order" in line)
    order = next(line for line in rows.values() if "need order" in line)
    everything = next(line for line in rows.values() if "all questions" in line)
    assert no_order.split()[-3:] == ["50.0", "100.0", "83.3"]
    assert order.split()[-3:] == ["25.0", "75.0", "75.0"]
    assert everything.split()[-3:] == ["40.0", "90.0", "80.0"]
    assert result_words.share_text(RESULTS, "table4/paper", "complete") == "88.9 %"
    assert result_words.share_text(RESULTS, "table4/paper", "complete", order=False) == "83.3 %"
    assert isinstance(views.category_table(EMPTY, ["x/y"], "complete", caption="c"), Rich)
