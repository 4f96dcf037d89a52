"""Figures: what they draw is what they were given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from avqa_core.viz import figures
from avqa_core.viz.display import png_of
from tests.viz.fakes import made_up_clip

ACCURACIES = {
    "zeros": {"complete": [0.5, 0.52, 0.54], "audio_missing": [0.4, 0.4, 0.43]},
    "rmm": {"complete": [0.6, 0.61, 0.65], "audio_missing": [0.5, 0.5, 0.56]},
}
DRAW = np.random.default_rng(0)


def every_figure() -> dict[str, Figure]:
    clip = made_up_clip()
    bars = {"complete": 0.3, "audio_missing": 0.3}
    feature = DRAW.normal(size=(10, 8)).astype(np.float32)
    return {
        "scenarios": figures.accuracy_by_scenario(ACCURACIES, floors=bars, ceilings=bars),
        "categories": figures.accuracy_by_category(ACCURACIES, floors=bars, ceilings=bars),
        "ablation": figures.ablation_lines(
            {"audio_missing": {25: [0.5, 0.6], 75: [0.6, 0.7]}},
            xlabel="slots L",
            paper={"audio_missing": {25: 0.68, 75: 0.7}},
            references={"floor": 0.3},
        ),
        "addressing": figures.addressing_heatmap({"visual": DRAW.dirichlet(np.ones(9), size=10)}),
        "bound": figures.joint_weight_bound(),
        "instruments": figures.slots_by_instrument(
            {"violin": DRAW.dirichlet(np.ones(9)), "drum": DRAW.dirichlet(np.ones(9))}
        ),
        "schedule": figures.schedule_plot({"linear": np.linspace(0.99, 0.2, 10)}),
        "noising": figures.forward_noising({"k = 0": feature, "k = 5": feature}),
        "path": figures.reverse_path({"x0": DRAW.random((4, 5))}, steps=[4, 3, 2, 1, 0]),
        "features": figures.pseudo_and_real({"real": feature, "pseudo": feature}),
        "strip": figures.clip_strip(clip.frames, clip.waveform, {"tone": [True, False] * 5}),
        "start": figures.start_curves(
            {
                "avst": {"at once": [(0, 3.7, 0.0), (9, 1.5, 0.9)], "later": [(0, 3.7, 0.0)]},
                "avsd": {"at once": [(0, 3.7, 0.0)]},
            }
        ),
        "training": figures.training_curves(
            {"answer": ([1, 2], [2.0, 1.0])}, {"complete": ([2], [0.5])}, floor=0.3
        ),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, Figure]:
    return every_figure()


def test_every_figure_has_the_width_of_the_book_and_is_opaque(drawn):
    for name, figure in drawn.items():
        assert figure.get_figwidth() == 6.4, name
        assert figure.get_facecolor()[:3] == (1.0, 1.0, 1.0), name
        assert png_of(figure, dpi=40).startswith(b"\x89PNG"), name


def test_no_text_is_smaller_than_nine_points(drawn):
    for name, figure in drawn.items():
        for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")):
            if text.get_text().strip():
                assert text.get_fontsize() >= 9, (name, text.get_text())


def test_figures_do_not_touch_the_random_state():
    np.random.seed(0)  # noqa: NPY002
    first = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    every_figure()
    assert np.random.random() == first  # noqa: NPY002


def test_accuracies_are_drawn_in_per_cent_with_floor_and_ceiling(drawn):
    figure = figures.accuracy_by_scenario(
        ACCURACIES, floors={"complete": 0.25}, ceilings={"complete": 0.875}
    )
    complete, audio_missing = figure.axes
    assert complete.get_title() == "both present\nfloor 25\nceiling 88"
    assert audio_missing.get_title() == "audio missing"
    assert complete.get_xlim() == (0, 100)
    assert complete.get_xlabel() == "accuracy (%)"
    assert {text.get_text() for text in complete.texts} == {"52.0", "62.0"}
    assert [text.get_text() for text in complete.get_yticklabels()] == ["zeros", "RMM as printed"]


def test_one_seed_has_no_interval_but_a_mark():
    figure = figures.accuracy_by_scenario({"rmm": {"complete": [0.5]}})
    assert [text.get_text() for text in figure.axes[0].texts] == ["50.0"]
    assert not figure.axes[0].collections


def test_the_paper_has_a_panel_of_its_own(drawn):
    ours, paper = drawn["ablation"].axes
    assert paper.lines[0].get_ydata().tolist() == pytest.approx([68.0, 70.0])
    assert ours.lines[0].get_ydata().tolist() == pytest.approx([55.0, 65.0])


def test_networks_are_told_apart_without_colour(drawn):
    for panel in drawn["start"].axes:
        looks = [(line.get_marker(), line.get_linestyle()) for line in panel.lines]
        assert len(set(looks)) == len(looks) == 3


def test_the_bound_is_the_bound():
    panel = figures.joint_weight_bound([2, 75, 100]).axes[0]
    bound = panel.lines[1].get_ydata()
    assert bound[1] == pytest.approx(100 * math.e / (math.e + 74))
    assert "3.5 % at L = 75" in {text.get_text() for text in panel.texts}


def test_schedule_shows_amplitudes_and_starts_without_noise():
    panel = figures.schedule_plot({"one": [0.25]}).axes[0]
    assert panel.lines[0].get_ydata().tolist() == [100.0, 50.0]


def test_maps_share_one_scale_from_zero():
    weights = np.array([[0.5, 0.5], [0.9, 0.1]])
    figure = figures.addressing_heatmap({"audio": weights, "visual": weights / 2})
    limits = {axis.images[0].get_clim() for axis in figure.axes if axis.images}
    assert limits == {(0.0, 0.9)}


def test_what_is_heard_is_hatched_and_not_told_by_colour_alone():
    clip = made_up_clip()
    facts = {"seen": [True] * 10, "heard": [True] * 10}
    halves = {"seen": "visual", "heard": "audio"}
    strip = figures.clip_strip(clip.frames, clip.waveform, facts, fact_modality=halves)
    seen, heard = strip.axes[-1].collections
    assert seen.get_hatch() is None and heard.get_hatch()
    # With ``color`` instead of ``facecolors`` the hatching takes the colour of the bar.
    assert tuple(heard.get_hatchcolor()[0]) != tuple(heard.get_facecolor()[0])


def test_lanes_cover_the_segments_in_which_a_fact_holds():
    clip = made_up_clip()
    facts = {"a": [False] * 8 + [True] * 2}
    lanes = figures.clip_strip(clip.frames, clip.waveform, facts).axes[-1]
    spans = [path.get_extents() for path in lanes.collections[0].get_paths()]
    assert [(span.x0, span.x1) for span in spans] == [(8.0, 9.0), (9.0, 10.0)]


def test_moving_average_uses_only_the_past():
    assert figures.moving_average([2.0, 4.0, 9.0], 2).tolist() == [2.0, 3.0, 6.5]
    assert figures.moving_average([2.0, 4.0], 1).tolist() == [2.0, 4.0]


def test_many_losses_are_all_told_apart_and_named_in_words():
    losses = {f"audio_missing/term_{index}": ([1, 2], [2.0, 1.0]) for index in range(10)}
    figure = figures.training_curves(losses, {"complete": ([2], [0.5])})
    lines = figure.axes[0].lines
    looks = {(line.get_color(), line.get_linestyle()) for line in lines}
    assert len(looks) == len(lines) == 10
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names[0] == "audio missing: term 0"


def test_a_long_run_is_drawn_through_few_points_and_ends_where_it_ended():
    steps = list(range(1, 1234))
    figure = figures.training_curves({"total": (steps, [1.0] * 1233)}, smoothing=10)
    raw, smooth = figure.axes[0].lines
    assert raw.get_rasterized() and len(raw.get_xdata()) == 1233
    assert len(smooth.get_xdata()) <= 210 and smooth.get_xdata()[-1] == 1233


def test_a_long_bar_does_not_choose_the_axis():
    """Two seeds, 50 and 54 %: the interval reaches from 27 to 77 %, the axis stays at the seeds."""
    figure = figures.seed_lines({"zeros": {0: [50, 54], 1: [50, 50]}}, xlabel="x", ylabel="y")
    low, high = figure.axes[0].get_ylim()
    assert 49 < low < 50 and 54 < high < 55
    three = figures.seed_lines({"zeros": {0: [50, 52, 54]}}, xlabel="x", ylabel="y")
    low, high = three.axes[0].get_ylim()
    assert low < 52 - 4.303 * 2 / math.sqrt(3) and high > 52 + 4.303 * 2 / math.sqrt(3)
    (bar,) = [one for one in figure.axes[0].collections if one.get_segments()[0][0][0] == 0]
    assert bar.get_segments()[0][1][1] == pytest.approx(52 + 12.706 * 2, abs=0.01)
