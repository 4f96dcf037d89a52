"""What the chapter on failing sensors shows, from counts that are known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from avqa_core.viz import field_guide, field_words
from avqa_core.viz import field_views as views
from avqa_core.viz.display import Rich
from avqa_core.viz.result_words import NOT_RUN
from tests.experiments.stored_results import stored
from tests.viz.stored_field import failures, field

CHAPTER = Path(__file__).parents[2] / "notebooks" / "10_sensors_in_the_field.py"
FOUND = field(
    {
        "plug_in/zeros": [failures(90, 60, 50, 30, 5), failures(92, 62, 50, 30, 5)],
        "plug_in/recommended": [failures(90, 70, 60, 35, 2), failures(92, 73, 60, 35, 2)],
        "joint/recommended": [failures(88, 70, 65, 40, 1), failures(90, 72, 66, 40, 1)],
    }
)
EMPTY = stored({})


def gaps(complete: int, audio: int) -> dict[str, list[tuple[int, int]]]:
    return {
        "complete": [(complete, 0)] * 2,
        "audio_missing": [(audio, 0)] * 2,
        "visual_missing": [(20, 0)] * 2,
    }


TRAINED = stored(
    {
        "joint/modality_dropout": gaps(60, 40),
        "joint/recommended": gaps(60, 45),
        "field/0.8/modality_dropout": gaps(58, 30),
        "field/0.8/recommended": gaps(59, 42),
    }
)


def lines_of(figure: Figure) -> dict[str, tuple[list[float], list[float]]]:
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata()))
        for line in figure.axes[0].lines
        if len(line.get_xdata()) > 2
    }


def test_drops_run_from_nothing_to_the_whole_modality():
    found = lines_of(views.drops_figure(FOUND, "audio"))
    assert set(found) == {"zeros", "recommended", "recommended, joint"}
    # Mean of 90 and 92, less 5 a segment; the last point is the audio missing: 60 and 62.
    assert found["zeros"] == ([0, 1, 3, 5, 7, 10], [91, 86, 76, 66, 56, 61])
    assert found["recommended"][1][-1] == pytest.approx(71.5)


def test_ratios_run_between_complete_and_missing():
    found = lines_of(views.ratio_figure(FOUND, "visual_missing"))
    assert found["zeros"][0] == pytest.approx([0, 20, 40, 60, 80, 100])
    assert found["zeros"][1][0] == 91 and found["zeros"][1][-1] == 50
    both = lines_of(views.ratio_figure(FOUND, "both_missing"))
    assert both["zeros"][1][-1] == 30
    # 0.16 of 60 or 62, of 50 and of 30; 0.64 of 90 or 92: 77.6 and 79.2, as counts 77 and 79.
    assert both["zeros"][1][1] == pytest.approx((76 + 78) / 2, abs=1.0)


def test_training_rates_begin_with_the_runs_without_gaps():
    assert lines_of(views.training_rate_figure(TRAINED, "audio_missing")) == {}, "two points each"
    points = views.training_points(TRAINED)
    assert points["recommended"] == {0.0: "joint/recommended", 0.8: "field/0.8/recommended"}
    figure = views.training_rate_figure(TRAINED, "audio_missing")
    drawn = {
        str(line.get_label()): list(line.get_ydata())
        for line in figure.axes[0].lines
        if list(line.get_xdata()) == [0.0, 80.0]
    }
    assert drawn == {"modality dropout": [40.0, 30.0], "recommended": [45.0, 42.0]}


def test_sure_answers_are_drawn_and_counted_by_scenario():
    figure = views.stored_figure(FOUND, ["plug_in/zeros"], "own", views.reliability_figure)
    points = [list(line.get_ydata()) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert points == [[0.0, 100.0]]
    figure = views.stored_figure(
        FOUND,
        ["plug_in/zeros"],
        "own",
        lambda panels: views.risk_coverage_figure(panels, 0.8),
    )
    rings = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "none"]
    assert [(ring.get_xdata()[0], ring.get_ydata()[0]) for ring in rings] == [(50.0, 0.0)] * 4
    shown = views.stored_figure(
        FOUND,
        ["plug_in/zeros", "plug_in/rmm"],
        "own",
        lambda panels: views.abstention_table(panels, 0.8, caption="c"),
    )
    assert shown.text.count("zeros") == 4 and "rmm" not in shown.text
    assert shown.text.splitlines()[2].split()[-4:] == ["50.0", "100.0", "50.0", "200"]


def test_calibration_errors_are_means_within_the_hull_of_their_intervals():
    text = views.calibration_table(FOUND, ["plug_in/zeros"], caption="c").text
    assert text.count("20.0 [19.0, 22.0]") == 4 and text.count("5.0 [4.0, 7.0]") == 4


def test_the_guide_follows_the_numbers():
    rows = {one.situation: one for one in field_guide.guide(FOUND, TRAINED, 0.8)}
    three = rows["A microphone cuts out for three segments"]
    # 91 - 6 for the frozen backbone with recommended, 89 - 3 trained jointly; always one apart.
    assert three.advice == "recommended, joint"
    assert three.evidence.startswith("86.0 % right, +1.0")
    frozen = rows["audio missing for good, and the network in use cannot be trained again"]
    assert frozen.advice == "recommended"  # 10 and 11 ahead of zeros
    assert rows["80 % of the training clips lack a half too"].advice.endswith("recommended")
    assert "at most 3.0 points lost" in rows["80 % of the training clips lack a half too"].evidence
    assert rows["Confidences are to mean something"].advice == "temperature fitted on each"
    sure = rows["A wrong answer costs more than none, both missing: at least 80 % sure"]
    assert sure.advice == "answer only when so sure"
    assert sure.evidence.endswith("50.0 % answered, 100.0 % of them right")


def test_a_lead_of_one_seed_of_two_is_told_as_such():
    """Ahead by 0 and by 8: the interval of two such seeds reaches far below zero."""
    found = field(
        {
            "plug_in/zeros": [failures(90, 60, 50, 30, 5), failures(92, 62, 50, 30, 5)],
            "plug_in/slot_mean": [failures(90, 60, 50, 30, 5), failures(92, 70, 50, 30, 5)],
        }
    )
    choice = field_guide.choose(found, found.names, "audio_missing")
    assert choice.advice == "slot mean; zeros is not told apart from it"


def test_a_lead_that_every_seed_shares_is_advised_alone():
    choice = field_guide.choose(FOUND, ["plug_in/zeros", "plug_in/recommended"], "visual_missing")
    assert (choice.best, choice.advice) == ("plug_in/recommended", "recommended")
    alone = field_guide.choose(FOUND, ["plug_in/zeros"], "complete")
    assert alone.evidence == "91.0 % right" and alone.advice == "zeros"


def test_what_is_not_stored_is_a_box_with_the_command():
    caption = {"caption": "c"}
    shown = (
        views.drops_figure(None, "audio"),
        views.ratio_figure(None, "audio_missing"),
        views.calibration_table(None, ["plug_in/zeros"], **caption),
        views.stored_figure(None, ["plug_in/zeros"], "none", views.reliability_figure),
        views.stored_figure(FOUND, ["plug_in/rmm"], "none", views.reliability_figure),
        field_guide.guide_table(None, EMPTY, 0.8, **caption),
    )
    for one in shown:
        assert isinstance(one, Rich) and "avqa field" in one.text
    trained = views.training_rate_figure(EMPTY, "audio_missing")
    assert isinstance(trained, Rich) and "--only field" in trained.text


def test_every_glued_name_of_the_chapter_is_made_there_or_here():
    source = CHAPTER.read_text()
    quoted = set(re.findall(r"\{glue:text\}`([a-z_0-9]+)(?::[^`]*)?`", source))
    live = set(re.findall(r'glue\(\s*"([a-z_]+)"', source))
    for found, results in ((None, EMPTY), (FOUND, TRAINED)):
        told = field_words.words(found, results, 0.8)
        assert quoted == live | set(told)


def test_the_words_are_computed():
    told = field_words.words(FOUND, TRAINED, 0.8)
    assert told["zeros_audio_three"] == "+15.0 (+15.0 to +15.0)"
    assert told["recommended_audio_all"].startswith("+19.5")
    # Zeros lose 30 and 30, recommended 20 and 19: 10.5 less.
    assert told["less_audio_missing"].startswith("+10.5")
    assert float(told["bend"].split()[0]) <= 0.5  # counts are whole
    assert told["gap_recommended_audio_missing"].startswith("+3.0")
    assert told["sure_complete"] == "50 % answered, 100 % of them right (zeros)"
    assert (told["error_complete_none"], told["error_complete_own"]) == ("20.0", "5.0")
    assert told["counted"].startswith("6 stored runs of 2 seeds")
    nothing = field_words.words(None, EMPTY, 0.8)
    assert nothing["sure_complete"] == nothing["bend"] == nothing["zeros_audio_all"] == NOT_RUN
