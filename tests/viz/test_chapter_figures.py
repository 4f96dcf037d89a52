import matplotlib

matplotlib.use("Agg")

import pytest

from avqa_core.viz.display import png_of
from avqa_core.viz.figures import marked_rows, seed_lines
from avqa_core.viz.style import mark_of


def points(panel, marker):
    return [line.get_xydata().tolist() for line in panel.lines if line.get_marker() == marker]


def test_rows_stand_at_the_mean_of_their_seeds():
    figure = marked_rows(
        {"first": {"audio": [1.0, 2.0, 6.0]}, "second": {"audio": [4.0]}},
        xlabel="error (%)",
        references={"mean": 5.0},
        xlim=(0, 10),
    )
    (panel,) = figure.axes
    drawn = [one[0] for one in points(panel, mark_of("audio").marker) if one]
    assert drawn == [[3.0, 0.0], [4.0, 1.0]]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["first", "second"]
    assert panel.get_xlim() == (0, 10) and "mean" in [text.get_text() for text in panel.texts]
    assert panel.get_ylim()[0] > panel.get_ylim()[1], "the first row is on top"


def test_two_series_of_a_row_do_not_hide_each_other():
    figure = marked_rows({"row": {"audio": [1.0], "visual": [1.0]}}, xlabel="x")
    heights = [
        points(figure.axes[0], mark_of(name).marker)[0][0][1] for name in ("audio", "visual")
    ]
    assert heights[0] != heights[1]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["audio", "visual"]


def test_a_line_goes_through_the_means_and_shows_every_seed():
    figure = seed_lines(
        {"audio_missing": {1: [2.0, 4.0], 0: [1.0]}},
        xlabel="coupling",
        ylabel="accuracy (%)",
        references={"floor": 0.5},
        labels={"audio_missing": "without sound"},
    )
    (panel,) = figure.axes
    mark = mark_of("audio_missing")
    assert points(panel, mark.marker) == [[[0.0, 1.0], [1.0, 3.0]]]
    assert points(panel, ".") == [[[1.0, 2.0], [1.0, 4.0]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["without sound"]
    assert panel.get_yscale() == "linear"


@pytest.mark.parametrize("is_log", [False, True])
def test_both_can_be_drawn(is_log):
    figure = seed_lines({"x": {1: [1.0], 2: [10.0]}}, xlabel="k", ylabel="y", is_log=is_log)
    assert figure.axes[0].get_yscale() == ("log" if is_log else "linear")
    assert png_of(figure).startswith(b"\x89PNG")
