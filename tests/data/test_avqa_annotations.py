"""Files of AVQA: rows with four candidates, recognised without being told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.data.annotations import (
    ALL_CATEGORIES,
    AVQA,
    CATEGORIES,
    MUSIC_AVQA,
    count_categories,
    in_table_order,
    parse_row,
    read_annotations,
    schema_of,
)
from avqa_core.data.avqa_annotations import AVQA_CATEGORIES, parse_avqa_row
from avqa_core.errors import AnnotationError
from avqa_core.types import QuestionCategory
from tests.data.samples import make_avqa_row, make_row, write_rows


def test_a_row_becomes_an_example_with_candidates():
    example = parse_avqa_row(make_avqa_row())
    assert (example.question_id, example.video_id) == (183, "-abc_DEF123_000030")
    assert example.tokens == ("what", "happened", "in", "the", "video")
    assert example.candidates == ("motorboat", "A train's whistle", "rain", "a train")
    assert example.answer == "A train's whistle"
    assert example.category == ("AVQA", "Happening")
    assert example.template == "What happened in the video?"


def test_an_answer_that_nobody_tells_is_none():
    assert parse_avqa_row(make_avqa_row(answer=None)).answer is None


def test_blanks_around_and_marks_between_words_do_not_matter():
    row = make_avqa_row(question_text="  Where - 'exactly' -\tIS it?? ", multi_choice=list(" a.b"))
    row["multi_choice"][0] = " x "
    example = parse_avqa_row(row)
    assert example.tokens == ("where", "exactly", "is", "it")
    assert example.candidates == ("x", "a", ".", "b")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": None}, "the key 'id'"),
        ({"id": "183"}, "row, id: expected a whole number"),
        ({"id": True}, "row, id: expected a whole number"),
        ({"video_name": None}, "the key 'video_name'"),
        ({"video_name": " "}, "row, video_name: expected a text"),
        ({"question_text": "?!"}, "row, question_text: expected words"),
        ({"multi_choice": ["a", "b", "c"]}, "multi_choice: expected a list of 4 texts"),
        ({"multi_choice": "abcd"}, "multi_choice: expected a list of 4 texts"),
        ({"multi_choice": ["a", "b", 3, "d"]}, "multi_choice 2: expected a text, got 3"),
        ({"multi_choice": ["a", "b", "c", ""]}, "multi_choice 3: expected a text"),
        ({"answer": 4}, "answer: expected the place of a candidate, 0 to 3, got 4"),
        ({"answer": -1}, "answer: expected the place"),
        ({"answer": "1"}, "answer: expected the place"),
        ({"answer": True}, "answer: expected the place"),
        ({"question_type": "Who"}, "question_type: expected one of Which, Come From, "),
        ({"question_type": None}, "the key 'question_type'"),
    ],
)
def test_a_malformed_row_is_told_by_its_key(changes, message):
    with pytest.raises(AnnotationError, match="expected") as caught:
        parse_avqa_row(make_avqa_row(**changes))
    assert message in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(sorted(make_avqa_row())),
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=5),
        max_size=3,
    )
)
def test_any_row_is_told_or_has_its_answer_among_four(changes):
    try:
        example = parse_avqa_row(make_avqa_row() | changes)
    except AnnotationError as error:
        assert str(error).startswith("row")
        return
    assert len(example.candidates) == 4 and example.answer in example.candidates
    assert example.tokens and all(word == word.lower() for word in example.tokens)


def test_a_file_says_by_its_keys_whose_it_is(tmp_path):
    ours = write_rows(tmp_path / "a.json", [make_avqa_row(id=n) for n in (3, 4)])
    assert [example.question_id for example in read_annotations(ours)] == [3, 4]
    theirs = write_rows(tmp_path / "b.json", [make_row()])
    assert read_annotations(theirs) == [parse_row(make_row())]


def test_the_schema_follows_the_first_row():
    # A row that lacks keys, or has none that anybody knows, is still of the nearest data set.
    assert schema_of([make_avqa_row(multi_choice=None, answer=None), make_row()]) is AVQA
    assert schema_of([make_row(type=None)]) is MUSIC_AVQA
    assert [schema_of(rows) for rows in ([], [7], [{}], [{"x": 1}])] == [MUSIC_AVQA] * 4


def test_a_malformed_row_of_a_file_is_told_by_its_index(tmp_path):
    path = write_rows(tmp_path / "val_qa.json", [make_avqa_row(), make_row()])
    with pytest.raises(AnnotationError, match=r"val_qa\.json row 1: expected the key"):
        read_annotations(path)


def test_categories_are_those_of_the_data():
    examples = [parse_avqa_row(make_avqa_row(question_type=one)) for one in ("Where", "Which")]
    assert list(count_categories(examples)) == list(AVQA_CATEGORIES)
    assert list(count_categories(examples).values()) == [1, 0, 0, 1, 0, 0, 0, 0]
    assert tuple(count_categories([])) == CATEGORIES
    both = count_categories([*examples, parse_row(make_row())])
    assert sum(both.values()) == len(both) == 3


def test_tables_list_known_categories_in_their_order_and_others_last():
    shuffled = [*reversed(ALL_CATEGORIES), QuestionCategory("Z", "b"), QuestionCategory("Z", "a")]
    assert in_table_order(shuffled) == [*CATEGORIES, *AVQA_CATEGORIES, ("Z", "a"), ("Z", "b")]
