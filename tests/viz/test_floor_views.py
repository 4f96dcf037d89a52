from __future__ import annotations

import pytest

from avqa_core.paper_baselines import CORRECTED, printed_rows
from avqa_core.studies import floor_results
from avqa_core.studies.question_floors import ALL, NEW_CLIPS
from avqa_core.viz import floor_views as views
from avqa_core.viz import floor_words

FIT = ("avqa-val.json",)
STORED = floor_results.stored()
MEASURED = STORED.of(FIT, CORRECTED)
PRINTED = {one: printed_rows(one) for one in views.MISSING}


def numbers_of(panel) -> set[str]:
    return {text.get_text() for text in panel.texts}


def test_the_figure_has_every_floor_and_every_printed_row_in_both_panels():
    panels = views.floors_figure(MEASURED, PRINTED).axes
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels == [*views.FLOORS.values(), *views.NETWORKS, *views.METHODS.values()]
    for panel, missing in zip(panels, views.MISSING, strict=True):
        assert len(panel.texts) == len(labels)
        for row in PRINTED[missing]:
            if row.method in {*views.NETWORKS, *views.METHODS}:
                assert f"{100 * row.accuracies[ALL]:.1f}" in numbers_of(panel)
        assert "51.0" in numbers_of(panel)


def test_marks_of_the_first_release_are_hollow():
    panel = views.category_figure(MEASURED, PRINTED).axes[0]
    points = [line for line in panel.lines if len(line.get_xdata()) == 1]
    hollow = [one for one in points if one.get_markerfacecolor() == "white"]
    # nine categories; AVSD, Pano-AVQA and AVST on the first release, PSTP-Net on the corrected
    assert (len(hollow), len(points)) == (27, 36)


def test_a_category_figure_shows_the_floor_and_the_printed_value():
    panel = views.category_figure(MEASURED, PRINTED).axes[0]
    # the bars of one panel, in the order of the categories; the last one is the legend's
    widths = [bar.get_width() for bar in panel.patches][: len(views.CATEGORY_NAMES)]
    wanted = [
        100 * MEASURED.row("template", name).accuracy.estimate for name in views.CATEGORY_NAMES
    ]
    assert widths == pytest.approx(wanted)
    drawn = {round(float(line.get_xdata()[0]), 2) for line in panel.lines if len(line.get_xdata())}
    avst = next(row for row in PRINTED["audio"] if row.method == "AVST")
    assert all(round(100 * avst.accuracies[name], 2) in drawn for name in views.CATEGORY_NAMES)


def test_the_tables_carry_counts_intervals_and_verdicts():
    floors = str(views.floors_table({"here": MEASURED.rows}, caption="Floors"))
    assert "4658" in floors and "mean of 3" in floors and "here, new clips only" in floors
    by_category = str(views.category_table(MEASURED, caption="Floors"))
    assert "Audio-Visual Temporal" in by_category and NEW_CLIPS not in by_category
    beside = str(views.baseline_table(STORED, FIT, PRINTED, caption="Rows")).splitlines()
    (avst,) = [line for line in beside if line.split()[:2] == ["audio", "AVST"]]
    assert "36.60" in avst and "first release" in avst and avst.split()[-1] == "below"
    # caption, heading, and two times four networks and five methods
    assert len(beside) == 2 + 2 * 9
    assert "+0.0 (+0.0 to +0.0)" in str(views.gains_table(STORED.gains[0], caption="Gains"))


def test_a_floor_without_encoders_or_shared_clips_is_shown_too():
    rows = [one for one in MEASURED.rows if one.floor == "template" and one.scope == ALL]
    shown = str(views.floors_table({"here": rows}, caption="Floors"))
    assert "encoder" not in shown and "new clips" not in shown and "4658" in shown


def test_the_words_are_computed_from_what_is_stored():
    told = floor_words.words(STORED, FIT, PRINTED)
    assert told["below_audio"] == "AVSD, Pano-AVQA and AVST"
    assert told["above_audio"] == "PSTP-Net"
    assert told["not_told_apart_visual"] == "Pano-AVQA"
    assert told["template"].startswith("51.0 % (")
    # 69.71 - 36.60, of which 100 * 4691 / 9185 - 36.60 lie below the floor
    assert (told["avst_gain"], told["avst_below"], told["avst_over"]) == ("33.1", "14.5", "18.6")
    # both tables have 24 rows, 4 networks with nothing added for each missing modality
    assert (told["num_methods"], told["methods_above"]) == ("16", "16")
    # the floor is right on 680 of 1,197, the three print 42.20, 43.45 and 35.03, PSTP-Net 75.52
    assert told["below_counting"] == "AVSD, Pano-AVQA and AVST"
    # 100 * 4691 / 9185 - 100 * 4658 / 9129
    assert told["release_points"] == "0.05"
    # 69.71 less HME's 66.75 with picture and question, 67.98 less CONVLSTM's 63.79 with sound
    assert told["half_audio"] == "HME, 66.75 %" and told["over_half_audio"] == "+2.96"
    assert told["half_visual"] == "CONVLSTM, 63.79 %" and told["over_half_visual"] == "+4.19"
    assert told["below_by_category_audio"].startswith("Audio Counting (")
    assert "of 4)" in told["above_by_category_visual"]
    assert all(told.values())
