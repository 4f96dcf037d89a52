"""The data behind the live toggles of a page."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from avqa_core.errors import ConfigError
from avqa_core.viz.toggle_data import (
    LETTERS,
    SCENARIO_NAMES,
    ToggleView,
    pack_addressing,
    top_answers,
)
from tests.viz.fakes import SHOWN, made_up_question, made_up_toggles


def test_addressing_is_packed_as_one_letter_a_weight():
    packed = pack_addressing(np.array([[0.0, 0.63], [0.31, 0.01]]))
    assert packed == {"least": 0.0, "peak": 0.63, "segments": 2, "slots": 2, "levels": "A_fB"}
    assert [LETTERS.index(letter) for letter in packed["levels"]] == [0, 63, 31, 1]


def test_weights_that_are_all_zero_pack_as_the_lowest_level():
    assert pack_addressing(np.zeros((1, 3)))["levels"] == "AAA"


def test_top_answers_add_the_truth_at_the_end():
    names = ["a", "b", "c", "d"]
    shown = top_answers([0.1, 0.6, 0.25, 0.05], names, truth="d", count=2)
    assert [name for name, _ in shown] == ["b", "c", "d"]
    assert top_answers([0.1, 0.6, 0.25, 0.05], names, truth=None, count=2) == (
        ("b", 0.6),
        ("c", 0.25),
    )


@pytest.mark.parametrize(
    "answers", [(), (("a", 0.2), ("b", 0.5)), (("a", 1.2),), (("a", 0.9), ("b", 0.9))]
)
def test_answers_that_are_no_distribution_are_refused(answers):
    with pytest.raises(ConfigError, match="best first"):
        ToggleView(answers=answers)


def test_a_question_without_all_four_views_is_refused():
    question = made_up_question()
    views = {name: question.views[name] for name in SCENARIO_NAMES[:3]}
    with pytest.raises(ConfigError, match="none for both_missing"):
        replace(question, views=views)


def test_states_are_counted_and_limited():
    assert made_up_toggles(num_clips=8, num_questions=6).num_states == 192
    with pytest.raises(ConfigError, match="at most 200 states"):
        made_up_toggles(num_clips=9, num_questions=6)
    with pytest.raises(ConfigError, match="at least one clip"):
        made_up_toggles(num_clips=0)


def test_json_holds_every_state_and_only_plain_types():
    data = made_up_toggles()
    content = json.loads(json.dumps(data.to_json(), allow_nan=False))
    assert [clip["seconds"] for clip in content["clips"]] == [10, 10]
    for clip in content["clips"]:
        assert max(clip["loudness"]) == 100
        for question in clip["questions"]:
            best = {name: view["answers"][0][0] for name, view in question["views"].items()}
            assert best == SHOWN
            assert question["views"]["complete"]["addressing"] is None
