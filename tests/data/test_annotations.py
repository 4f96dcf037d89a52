from __future__ import annotations

import codecs
import functools
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.data.annotations import (
    CATEGORIES,
    count_categories,
    duplicate_question_ids,
    fill_template,
    parse_row,
    read_annotations,
)
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS, Vocabulary
from avqa_core.errors import AnnotationError
from tests.data.samples import make_avqa_row, make_row, write_rows

REAL = os.environ.get("AVQA_MUSIC_ANNOTATIONS")
needs_real = pytest.mark.skipif(
    not REAL, reason="AVQA_MUSIC_ANNOTATIONS names no folder of MUSIC-AVQA question files"
)
# Questions of each category in the order of CATEGORIES, and rows with a repeated question id.
REAL_FILES = {
    "avqa-val.json": ([511, 295, 600, 613, 495, 461, 633, 549, 411], 0),
    "avqa-test.json": ([1017, 594, 1197, 1225, 988, 920, 1265, 1101, 822], 0),
    "avqa-test.original.json": ([1022, 601, 1199, 1228, 995, 927, 1274, 1115, 824], 55),
    "avqa-train.synthetic-videos.json": ([442, 1250, 442, 713, 356, 749, 1136, 494, 651], None),
}


@functools.cache
def read_real(name: str):
    return read_annotations(Path(str(REAL)) / name)


def test_a_row_becomes_an_example():
    example = parse_row(make_row())
    assert " ".join(example.tokens) == "Is the violin in the video always playing"
    assert example.question == "Is the violin in the video always playing?"
    assert example.answer == "no"
    assert example.category == ("Audio-Visual", "Existential")
    assert (example.question_id, example.video_id) == (12, "00000093")
    assert example.slot_values == ("violin",)


@pytest.mark.parametrize(
    ("template", "values", "filled"),
    [
        # trailing blank, and the last token carries a mark
        ("Are there <Object> and <Object> sound? ", "cello tuba", "Are there cello and tuba sound"),
        # full-width question mark
        ("How many <Object> in the video\uff1f", "erhu", "How many erhu in the video"),
        # the placeholder is the last token: its mark goes, then it is replaced
        ("Is <Object> louder than <Object>?", "drum pipa", "Is drum louder than pipa"),
        # only the last character goes, whatever the mark
        ("Is it loud?!", "", "Is it loud?"),
    ],
)
def test_templates_are_filled_by_the_rule_of_the_data_set(template, values, filled):
    assert fill_template(template, values.split()) == tuple(filled.split(" "))


def test_the_template_is_kept_without_the_blank_at_its_end():
    row = make_row(question_content="Is there a <Object> sound? ")
    assert parse_row(row).template == "Is there a <Object> sound?"


def test_case_is_kept_and_values_with_blanks_stay_whole():
    assert fill_template("Is <Object> Here?", ["electric bass"]) == ("Is", "electric bass", "Here")


def test_the_answer_may_be_unknown_or_rightly_spelt():
    assert parse_row(make_row(anser=None)).answer is None
    assert parse_row(make_row(anser=None, answer="yes")).answer == "yes"
    assert parse_row(make_row(anser="more than ten")).answer == "more than ten"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"video_id": None}, "video_id"),
        ({"video_id": 93}, "video_id"),
        ({"video_id": "  "}, "video_id"),
        ({"question_id": "12"}, "question_id"),
        ({"question_id": True}, "question_id"),
        ({"question_id": 2**63}, "question_id"),
        ({"question_id": -1}, "question_id"),
        ({"type": '["Audio", "Temporal"]'}, "type"),
        ({"type": '["Audio"'}, "type"),
        ({"type": "7"}, "type"),
        ({"type": '[["Audio", "Counting"]]'}, "type"),
        ({"question_content": ""}, "question_content"),
        ({"question_content": "Is the <Object> there"}, "question_content"),
        ({"question_content": "Is the  <Object> there?"}, "question_content"),
        ({"question_content": "Is the <Object>"}, "question_content"),
        ({"question_content": "a " * 5_001 + "<Object>?"}, "question_content"),
        ({"templ_values": "[]"}, "templ_values"),
        ({"templ_values": '["violin", "cello"]'}, "templ_values"),
        ({"templ_values": '[""]'}, "question_content"),
        ({"templ_values": '["violin"'}, "templ_values"),
        ({"templ_values": "[1]"}, "templ_values"),
        ({"templ_values": "[" * 100_000}, "templ_values"),
        ({"templ_values": json.dumps(["x" * 10_001])}, "templ_values"),
        ({"anser": 2}, "anser"),
        ({"anser": "yes", "answer": "no"}, "answer"),
    ],
)
def test_a_malformed_row_is_named_by_index_and_key(tmp_path, changes, key):
    path = write_rows(tmp_path / "avqa-val.json", [make_row(), make_row(**changes)])
    with pytest.raises(AnnotationError) as caught:
        read_annotations(path)
    message = str(caught.value)
    assert "row 1" in message
    assert key in message
    assert "expected" in message
    assert len(message) < 400
    assert "\n" not in message


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"[[]]", b"[", b"[]", b"\xff\xfe[", b"null", b"[" * 100_000]
)
def test_a_file_that_is_no_question_file_is_one_error(tmp_path, content):
    path = tmp_path / "avqa-val.json"
    path.write_bytes(content)
    with pytest.raises(AnnotationError):
        read_annotations(path)


@pytest.mark.parametrize("name", ["nowhere.json", "."])
def test_a_path_without_a_file_is_one_error(tmp_path, name):
    with pytest.raises(AnnotationError, match="check the path"):
        read_annotations(tmp_path / name)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(make_row())), inner, max_size=7)
        ),
        max_leaves=12,
    )
)
def test_no_row_gives_anything_but_an_example_or_an_annotation_error(row):
    try:
        parse_row(row if not isinstance(row, dict) else make_row() | row)
    except AnnotationError as error:
        assert "expected" in str(error)


def test_deleted_rows_are_left_out(tmp_path):
    rows = [make_row(), make_row(question_id=13, question_deleted=1)]
    examples = read_annotations(write_rows(tmp_path / "a.json", rows))
    assert [example.question_id for example in examples] == [12]


def test_duplicate_question_ids_are_counted():
    examples = [parse_row(make_row(question_id=number)) for number in (5, 6, 5, 7, 5)]
    assert duplicate_question_ids(examples) == {5: 3}
    assert count_categories(examples) == {
        category: 5 * (category == ("Audio-Visual", "Existential")) for category in CATEGORIES
    }


@needs_real
@pytest.mark.parametrize("name", REAL_FILES)
def test_every_row_of_the_real_files_loads(name):
    counts, num_repeated = REAL_FILES[name]
    examples = read_real(name)
    assert len(examples) == sum(counts)
    assert list(count_categories(examples).values()) == counts
    assert max(len(example.tokens) for example in examples) <= 14
    assert all(example.answer in MUSIC_AVQA_ANSWERS for example in examples)
    if num_repeated is not None:
        surplus = sum(count - 1 for count in duplicate_question_ids(examples).values())
        assert surplus == num_repeated


@needs_real
def test_the_real_files_speak_the_language_of_the_vocabulary():
    names = ("avqa-val.json", "avqa-test.json")
    examples = [one for name in names for one in read_real(name)]
    assert {word for one in examples for word in one.tokens} == set(MUSIC_AVQA_WORDS)
    assert {one.answer for one in examples} == set(MUSIC_AVQA_ANSWERS) - {"ten"}
    assert len({one.template for one in examples}) == 33
    vocabulary = Vocabulary.from_examples(examples)
    assert (len(vocabulary.words), len(vocabulary.answers)) == (93, 42)


@pytest.mark.parametrize("row", [make_row(), make_avqa_row()])
def test_a_byte_order_mark_in_front_of_the_rows_is_no_part_of_them(tmp_path, row):
    plain = write_rows(tmp_path / "plain.json", [row])
    marked = tmp_path / "marked.json"
    marked.write_bytes(codecs.BOM_UTF8 + plain.read_bytes())
    assert read_annotations(marked) == read_annotations(plain)
