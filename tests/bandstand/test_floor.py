from __future__ import annotations

import pytest

from avqa_core.bandstand.bounds import Floors
from avqa_core.bandstand.floor import ChoiceLookUp, LookUp, best_table, score_tables
from avqa_core.types import QAExample, QuestionCategory

WHERE = QuestionCategory("Audio-Visual", "Temporal")
COUNT = QuestionCategory("Audio", "Counting")


def example(answer, *values, template="Where is the <FL> sounding instrument?", category=WHERE):
    return QAExample(
        question_id=0,
        video_id="1",
        category=category,
        template=template,
        slot_values=values,
        tokens=("x",),
        answer=answer,
    )


TRAIN = [
    example("left", "first"),
    example("left", "first"),
    example("right", "last"),
    example("right", "last"),
    example("right", "last"),
    example("yes", "tuba", template="Is there a <Object> sound?", category=COUNT),
    example("no", "drum", template="Is there a <Object> sound?", category=COUNT),
    example("no", "cello", template="Is there a <Object> sound?", category=COUNT),
]
TEST = [
    example("left", "first"),
    example("right", "last"),
    example("right", "last"),
    example("yes", "tuba", template="Is there a <Object> sound?", category=COUNT),
    example("no", "banjo", template="Is there a <Object> sound?", category=COUNT),
]


@pytest.mark.parametrize(
    ("table", "temporal", "counting"),
    # By template "right" is the commonest; by variant both places are known; only the whole
    # question remembers the tuba. The banjo is new and falls back to "no".
    [("category", 2, 1), ("template", 2, 1), ("variant", 3, 1), ("question", 3, 2)],
)
def test_tables_by_hand(table, temporal, counting):
    rows = {(row.table, row.category): row for row in score_tables(TRAIN, TEST)}
    assert (rows[table, WHERE].correct, rows[table, WHERE].total) == (temporal, 3)
    assert (rows[table, COUNT].correct, rows[table, COUNT].total) == (counting, 2)


def test_the_floor_is_chosen_on_validation_and_scored_on_test():
    assert best_table(score_tables(TRAIN, TEST)) == "question"
    assert best_table(score_tables(TRAIN, TEST[:3])) == "variant"
    floors = Floors.fit(TRAIN, TEST[:3], TEST)
    assert floors.chosen == "variant"
    assert floors.by_category() == {str(WHERE): 1.0, str(COUNT): 0.5}
    assert (floors.overall().correct, floors.overall().total) == (4, 5)
    assert floors.overall("question").correct == 5


def test_ties_do_not_depend_on_the_order_of_rows():
    tied = [example("right", "first"), example("left", "first")]
    for rows in (tied, tied[::-1]):
        assert LookUp(rows, "question").answer(tied[0]) == "left"


def test_an_unseen_category_gets_the_commonest_answer_of_all():
    look_up = LookUp(TRAIN[:5], "question")
    assert look_up.answer(TRAIN[5]) == "right"


def choice(answer, *candidates, template="what is it", kind="Which"):
    return QAExample(
        question_id=0,
        video_id="1",
        category=QuestionCategory("AVQA", kind),
        template=template,
        slot_values=(),
        tokens=tuple(template.split()),
        answer=answer,
        candidates=candidates,
    )


CHOICES = [
    choice("rain", "rain", "wind", "snow", "hail"),
    choice("rain", "rain", "wind", "snow", "hail"),
    choice("wind", "fog", "wind", "snow", "hail", kind="Where"),
    choice("snow", "fog", "wind", "snow", "hail", template="what falls"),
]


def test_rates_of_candidates_by_hand():
    """Right of offered, drawn to a quarter with the weight of four offers: (r + 1) / (n + 4)."""
    look_up = ChoiceLookUp(CHOICES, "candidates")
    rates = [look_up.rate(CHOICES[2], one) for one in ("rain", "fog", "wind", "snow", "hail", "?")]
    # rain 2 of 2, fog 0 of 2, wind 1 of 4, snow 1 of 4, hail 0 of 4, never offered.
    assert rates == [3 / 6, 1 / 6, 2 / 8, 2 / 8, 1 / 8, 1 / 4]
    assert look_up.answer(choice(None, "hail", "rain", "wind", "?")) == "rain"
    # Equal ones: the first, wherever it stands.
    assert look_up.answer(choice(None, "fog", "snow", "?", "wind")) == "snow"
    assert look_up.answer(choice(None, "fog", "wind", "?", "snow")) == "wind"


def test_finer_tables_of_candidates_are_drawn_to_the_coarser():
    by_category = ChoiceLookUp(CHOICES, "category")
    # Wind as a Where: 1 of 1 there, drawn to 2 / 8: (1 + 4 / 4) / (1 + 4).
    assert by_category.rate(CHOICES[2], "wind") == pytest.approx(2 / 5)
    # As a Which: 0 of 3 there.
    assert by_category.rate(CHOICES[0], "wind") == pytest.approx(1 / 7)
    # "What falls": snow 1 of 1 there, 1 of 3 as a Which, 1 of 4 in all, so
    # (1 + 4 (1 + 4 / 4) / 7) / 5 = (1 + 8 / 7) / 5 = 3 / 7.
    assert ChoiceLookUp(CHOICES, "question").rate(CHOICES[3], "snow") == pytest.approx(3 / 7)


def test_questions_with_candidates_have_tables_of_their_own():
    rows = score_tables(CHOICES, [choice("rain", "rain", "wind", "fog", "?")])
    assert [(row.table, row.correct, row.total) for row in rows] == [
        ("candidates", 1, 1),
        ("category", 1, 1),
        ("question", 1, 1),
    ]
