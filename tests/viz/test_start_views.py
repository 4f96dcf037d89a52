"""What was watched is drawn and said as it was."""

from __future__ import annotations

import re
from pathlib import Path

from avqa_core.studies.starts import ANSWER_LAYER_FIRST, AT_ONCE, Look
from avqa_core.viz import binding_views, start_views
from avqa_core.viz.alone_views import alone_words, longer_words
from tests.experiments.stored_results import stored

CHAPTER = Path(__file__).resolve().parents[2] / "notebooks" / "12_how_a_network_starts.py"
LOOKS = {
    "avst": {
        AT_ONCE: [
            Look(step=0, loss=3.7, saturated=0.0),
            Look(step=10, loss=1.456, saturated=0.868),
        ],
        ANSWER_LAYER_FIRST: [Look(step=0, loss=3.7, saturated=0.0)],
    }
}


def test_the_last_look_is_what_is_said():
    told = start_views.start_words(LOOKS)
    assert told["avst_once_saturated"] == "87 %" and told["avst_once_loss"] == "1.46 nats"
    assert told["avst_first_saturated"] == "0 %" and told["avst_first_loss"] == "3.70 nats"


def test_lines_are_loss_and_share_in_per_cent():
    figure = start_views.start_figure(LOOKS)
    left, right = figure.axes
    names = [one.get_text() for one in figure.legends[0].get_texts()]
    assert names == ["AVST", AT_ONCE, ANSWER_LAYER_FIRST]
    assert list(left.lines[0].get_ydata()) == [3.7, 1.456]
    assert list(right.lines[0].get_ydata()) == [0.0, 86.8]
    assert list(right.lines[1].get_xdata()) == [0]


def test_every_quoted_number_of_the_chapter_is_made():
    script = CHAPTER.read_text()
    quoted = set(re.findall(r"\{glue:text\}`([a-z_0-9]+)`", script))
    networks = re.findall(r'"(\w+)"', re.search(r"NETWORKS = \((.*)\)", script)[1])
    of_looks = {one: LOOKS["avst"] for one in networks}
    of_results = {
        *alone_words(stored({})),
        *longer_words(stored({})),
        *binding_views.binding_words([]),
    }
    assert of_results <= quoted <= {*start_views.start_words(of_looks), *of_results, "seconds"}
