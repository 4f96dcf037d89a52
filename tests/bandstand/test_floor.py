from __future__ import annotations

import pytest

from avqa_core.bandstand.bounds import Floors
from avqa_core.bandstand.floor import LookUp, best_table, score_tables
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
