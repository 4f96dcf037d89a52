"""Worlds of other couplings, from results whose numbers are known."""

from __future__ import annotations

from avqa_core.viz.coupling_views import coupling_figure, coupling_words
from avqa_core.viz.display import Rich
from avqa_core.viz.result_words import NOT_RUN
from tests.experiments.stored_results import stored

EMPTY = stored({})
SEEN = {"complete": [(50, 30)] * 3, "visual_missing": [(20, 10)] * 3}
RESULTS = stored(
    {
        "coupling/0.0/complete": {**SEEN, "audio_missing": [(20, 10), (22, 10), (24, 10)]},
        "coupling/0.0/slot_mean": {one: [(30, 10)] for one in (*SEEN, "audio_missing")},
        "coupling/1.0/complete": {**SEEN, "audio_missing": [(30, 10)] * 3},
        "coupling/1.0/slot_mean": {**SEEN, "audio_missing": [(30, 20)] * 3},
        "coupling/1.0/recommended": {**SEEN, "audio_missing": [(40, 20), (41, 20), (42, 20)]},
    }
)


def test_a_line_a_method_between_floor_and_ceiling_in_both_scenarios():
    figure = coupling_figure(RESULTS)
    assert [panel.get_title() for panel in figure.axes] == ["audio missing", "visual missing"]
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    # the backbone itself, never trained for absence, fills with zeros: it is not "both present"
    assert "both present" not in lines
    assert [*lines["zeros"].get_xdata()] == [0, 1]
    # at coupling 0 only the first seed has both methods
    assert [*lines["zeros"].get_ydata()] == [30, 40]
    assert [*lines["slot mean"].get_ydata()] == [40, 50]
    assert [*lines["recommended"].get_ydata()] == [61]
    # 0.5 of 60 and 0.25 of 40; all of 60 and 0.75 of 40
    assert [*lines["floor"].get_ydata()] == [40, 40]
    assert [*lines["ceiling"].get_ydata()] == [90, 90]


def test_the_legend_has_every_line_once():
    (legend,) = coupling_figure(RESULTS).legends
    shown = [one.get_text() for one in legend.get_texts()]
    assert sorted(shown) == ["ceiling", "floor", "recommended", "slot mean", "zeros"]


def test_words_are_paired_differences_and_say_what_was_not_run():
    told = coupling_words(RESULTS)
    # 10, 11 and 12 of a hundred questions more, t(0.975, 2) = 4.303
    gain = told["coupling_100_over_slot_mean_audio_missing"]
    assert gain == "+11.0 points (+8.5 to +13.5, 3 seeds)"
    assert told["coupling_0_over_slot_mean_audio_missing"] == NOT_RUN
    assert set(coupling_words(EMPTY).values()) == {NOT_RUN}


def test_without_results_there_is_the_command():
    shown = coupling_figure(EMPTY)
    assert isinstance(shown, Rich)
    assert "avqa results --profile book --only coupling" in shown.text
