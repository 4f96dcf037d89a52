from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.data.annotations import CATEGORIES, parse_row
from avqa_core.errors import AnnotationError
from avqa_core.studies import question_floors as floors
from avqa_core.types import QAExample
from tests.data.samples import make_row

SOUND = '["Audio", "Counting"]'
SIGHT = '["Visual", "Location"]'


def ask(
    question_id: int,
    answer: str | None,
    *,
    video: str = "v",
    kind: str = SOUND,
    template: str = "Is there a <Object> sound?",
    value: str | None = "violin",
) -> QAExample:
    return parse_row(
        make_row(
            question_id=question_id,
            video_id=video,
            type=kind,
            question_content=template,
            templ_values="[]" if value is None else f'["{value}"]',
            anser=answer,
        )
    )


# violin: yes, yes, no; cello: no, no; so the template: no 3, yes 2.
FIT = [
    ask(0, "yes"),
    ask(1, "yes"),
    ask(2, "no"),
    ask(3, "no", value="cello"),
    ask(4, "no", value="cello"),
    ask(5, "indoor", kind=SIGHT, template="Where is the performance?", value=None),
]


def said(fit: list[QAExample], test: list[QAExample]) -> dict[str, list[bool]]:
    return {name: of[0].tolist() for name, of in floors.right_tables(fit, test).items()}


def test_each_table_tells_questions_apart_as_finely_as_its_name_says():
    """By hand: the commonest answer of all is no (3 of 6), of the template no, of violin yes."""
    test = [ask(10, "yes"), ask(11, "no", value="cello")]
    assert said(FIT, test) == {
        "constant": [False, True],
        "category": [False, True],
        "template": [False, True],
        "variant": [False, True],
        "question": [True, True],
    }


def test_what_was_never_fitted_falls_back_step_by_step():
    unseen_value = ask(10, "no", value="tuba")
    unseen_template = ask(11, "no", template="Is the <Object> loud?")
    unseen_category = ask(
        12, "no", kind='["Audio-Visual", "Temporal"]', template="Where is it?", value=None
    )
    test = [unseen_value, unseen_template, unseen_category]
    assert said(FIT, test)["question"] == [True, True, True]
    # The fall-back is what makes them right: with other majorities the same three are wrong.
    assert said([ask(0, "yes")], test)["question"] == [False, False, False]


def test_among_equally_common_answers_the_alphabetically_first_is_taken():
    tied = [ask(0, "yes"), ask(1, "no"), ask(2, "yes"), ask(3, "no")]
    assert said(tied, [ask(4, "no"), ask(5, "yes")])["template"] == [True, False]
    assert said(tied[::-1], [ask(4, "no")])["template"] == [True]


def test_an_answer_nobody_gave_is_wrong_and_questions_without_answer_do_not_count():
    test = [ask(10, "three"), ask(11, None), ask(12, "no", value="cello")]
    assert said(FIT, test)["question"] == [False, True]


@pytest.mark.parametrize("empty", [[], [ask(0, None)]])
def test_nothing_to_fit_on_or_to_score_is_one_error(empty):
    with pytest.raises(AnnotationError, match="expected questions with answers"):
        floors.right_tables(empty, FIT)
    with pytest.raises(AnnotationError, match="expected questions with answers"):
        floors.right_tables(FIT, empty)


def test_counts_by_category_group_and_new_clips():
    """Two sound questions about a (one right) and one sight question about b (right)."""
    test = [
        ask(10, "yes", video="a"),
        ask(11, "no", video="a"),
        ask(12, "indoor", video="b", kind=SIGHT, template="Where is the performance?", value=None),
    ]
    rows = floors.floor_rows(
        floors.right_tables(FIT, test), test, fitted_videos=frozenset({"a"}), seed=0
    )
    counted = {one.scope: (one.correct, one.total) for one in rows if one.floor == "question"}
    assert counted == {
        "Audio Counting": ((1,), 2),
        "Visual Location": ((1,), 1),
        "Audio": ((1,), 2),
        "Visual": ((1,), 1),
        "all": ((2,), 3),
        "all, clips not fitted on": ((1,), 1),
    }


def test_seeds_are_averaged_and_a_redrawn_clip_brings_all_of_them():
    test = [ask(0, "yes", video="a"), ask(1, "yes", video="b")]
    right = {"encoder": np.array([[True, False], [True, True]])}
    (row,) = [one for one in floors.floor_rows(right, test, seed=0) if one.scope == "all"]
    assert row.correct == (1, 2) and row.accuracy.estimate == 0.75
    # Clip a is right for both seeds, b for one of two: draws give 1/2, 3/4 or 1 and nothing else.
    assert (row.low, row.high) == (0.5, 1.0)


def test_questions_of_one_clip_count_as_one_observation():
    """400 questions, half of them right: about four clips, or about one clip each."""
    right = {"template": np.array([[number < 200 for number in range(400)]])}
    few = [ask(number, "yes", video=f"v{number // 100}") for number in range(400)]
    many = [ask(number, "yes", video=f"v{number}") for number in range(400)]
    wide, narrow = (floors.floor_rows(right, test, seed=0)[0] for test in (few, many))
    # Four coins against four hundred: sqrt(0.25 / n), times 2 * 1.96.
    assert narrow.high - narrow.low == pytest.approx(3.92 * math.sqrt(0.25 / 400), rel=0.1)
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)


def test_a_gain_is_taken_question_by_question():
    test = [ask(number, "yes", video=f"v{number}") for number in range(4)]
    ours = {"template": np.array([[True, True, True, False]])}
    theirs = {"template": np.array([[True, False, False, False]])}
    rows = floors.gain_rows(ours, theirs, test, seed=0)
    assert {one.scope: (one.gain, one.total) for one in rows}["all"] == (0.5, 4)
    same = floors.gain_rows(ours, ours, test, seed=0)
    assert {(one.gain, one.low, one.high) for one in same} == {(0.0, 0.0, 0.0)}


facts = st.tuples(
    st.sampled_from(["yes", "no", "two"]),
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from([SOUND, SIGHT]),
    st.sampled_from(["violin", "cello", "tuba"]),
)
asked = st.lists(facts, min_size=1, max_size=25)


def built(drawn) -> list[QAExample]:
    return [
        ask(number, answer, video=video, kind=kind, value=value)
        for number, (answer, video, kind, value) in enumerate(drawn)
    ]


@settings(max_examples=25, deadline=None)
@given(asked, asked)
def test_counts_add_up_whatever_is_asked(fit, test):
    fit, test = built(fit), built(test)
    rows = floors.floor_rows(floors.right_tables(fit, test), test, seed=0)
    groups = {category.group for category in CATEGORIES}
    for floor in floors.LOOK_UPS:
        of = {one.scope: one for one in rows if one.floor == floor}
        for parts in ({str(one) for one in CATEGORIES}, groups):
            assert sum(of[one].correct[0] for one in parts & of.keys()) == of["all"].correct[0]
            assert sum(of[one].total for one in parts & of.keys()) == len(test)
        for one in of.values():
            assert 0 <= one.low <= one.accuracy.estimate + 1e-6
            assert one.accuracy.estimate <= one.high + 1e-6 <= 1 + 2e-6


@settings(max_examples=25, deadline=None)
@given(asked)
def test_on_what_it_was_fitted_on_a_finer_table_is_never_worse(fit):
    fit = built(fit)
    right = [int(of.sum()) for of in floors.right_tables(fit, fit).values()]
    assert right == sorted(right)


@settings(max_examples=25, deadline=None)
@given(asked)
def test_the_order_of_the_questions_does_not_matter(fit):
    forward, backward = (floors.right_tables(one, FIT) for one in (built(fit), built(fit)[::-1]))
    assert {name: of.tolist() for name, of in forward.items()} == {
        name: of.tolist() for name, of in backward.items()
    }
