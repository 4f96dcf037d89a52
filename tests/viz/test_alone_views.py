"""One category alone beside all together, from results whose numbers are known."""

from __future__ import annotations

import pytest

from avqa_core.experiments.results import Stored
from avqa_core.viz import alone_views
from avqa_core.viz.result_words import NOT_RUN
from tests.experiments.stored_results import content, stored


@pytest.fixture(autouse=True)
def _two_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up results know two categories, 60 and 40 questions."""
    monkeypatch.setattr(alone_views, "NO_ORDER", ("Audio Counting", "Visual Location"))


@pytest.fixture(name="results")
def _results() -> Stored:
    made = content(
        {
            "start/at_once": {"complete": [(30, 10), (33, 12)]},
            "start/answer_layer_first": {"complete": [(36, 10), (42, 12)]},
            "complete/positions": {"complete": [(54, 36), (54, 36)]},
            "alone/audio_counting": {"complete": [(45, 0), (48, 0)]},
            "alone/visual_location": {"complete": [(0, 20), (0, 21)]},
        }
    )
    for one in made["experiments"].values():
        one["training"] = {"batch_size": 20, "answer_layer_steps": 300}
    for one in made["runs"]:
        one["losses"] = {"complete/answer": 0.6 + 0.2 * one["seed"]}
    return Stored("book", made)


def test_each_category_is_compared_with_itself_and_told_how_much_it_saw(results):
    text = alone_views.alone_table(results, caption="c").text
    counting = next(line for line in text.splitlines() if "Audio Counting" in line)
    # together 30 and 33, alone 45 and 48, answer layer first 36 and 42 of 60
    assert counting.split()[2:8] == ["50.0", "52.5", "77.5", "65.0", "90.0", "+25.0"]
    assert "+12.5" in counting
    # 5 steps of 20, of which three in five are its own
    assert "0.70" in counting, "the mean of 0.6 and 0.8"
    assert counting.split()[-3:] == ["60", "100", "2"]


def test_the_prose_counts_every_question_once(results):
    # alone 65 and 69 of 100, together 40 and 45; over a floor of 25 % 20 and 21 of 40 are the least
    assert alone_views.alone_words(results) == {
        "alone": "67.0 %",
        # 25 and 24 of 100 more: the half interval is 12.706 * 0.7071 / sqrt(2)
        "alone_gain": "+24.5 points (+18.1 to +30.9, 2 seeds)",
        "together": "42.5 %",
        "first": "50.0 %",
        "first_gain": "+7.5 points (-11.6 to +26.6, 2 seeds)",
        "with_reader": "90.0 %",
        "reader_all": "90.0 %",
        "answer_layer_steps": "300",
        "hardest": "Visual Location",
        "hardest_loss": "0.70 nats",
        "coin": "0.69 nats",
    }


def test_what_stays_below_nine_tenths_is_named():
    # 57 of 60 that can be known are more than nine tenths, 20 of 30 are not
    made = content(
        {
            "complete/plain": {"complete": [(57, 20), (57, 20)]},
            "complete/positions": {"complete": [(54, 36), (54, 36)]},
            "start/answer_layer_first": {"complete": [(36, 10), (42, 12)]},
        }
    )
    made["experiments"]["complete/plain"]["training"] = {"learning_rate": 2e-3}
    made["experiments"]["start/answer_layer_first"]["training"] = {"learning_rate": 1e-3}
    assert alone_views.longer_words(Stored("book", made)) == {
        "longer": "77.0 %",
        "longer_steps": "5",
        "longer_rate": "0.002",
        "start_rate": "0.001",
        "num_near": "1 of 2",
        "far": "Visual Location (50.0 %; with the reader 90.0 %)",
    }
    assert set(alone_views.longer_words(stored({})).values()) == {NOT_RUN}


def test_without_one_of_the_runs_nothing_is_claimed():
    empty = stored({"start/at_once": {"complete": [(30, 10)]}})
    assert set(alone_views.alone_words(empty).values()) == {NOT_RUN}
    assert "--only alone start" in alone_views.alone_table(empty, caption="c").text
