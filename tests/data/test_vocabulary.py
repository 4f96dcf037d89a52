from __future__ import annotations

import codecs
import json

import pytest

from avqa_core.data.annotations import parse_row
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS, Vocabulary
from avqa_core.errors import AnnotationError
from tests.data.samples import make_row


def vocabulary_of(*rows):
    return Vocabulary.from_examples([parse_row(row) for row in rows])


def test_the_closed_language_of_music_avqa():
    assert len(MUSIC_AVQA_WORDS) == len(set(MUSIC_AVQA_WORDS)) == 92
    assert len(MUSIC_AVQA_ANSWERS) == len(set(MUSIC_AVQA_ANSWERS)) == 42
    assert MUSIC_AVQA_WORDS[:2] == ("Are", "How")
    assert MUSIC_AVQA_ANSWERS[:4] == ("yes", "no", "zero", "one")


def test_a_small_training_split_does_not_renumber_anything():
    small = vocabulary_of(make_row())
    other = vocabulary_of(make_row(templ_values='["erhu"]', anser="yes"))
    assert small == other
    assert small.words == ("<pad>", *MUSIC_AVQA_WORDS)
    assert small.answers == MUSIC_AVQA_ANSWERS
    assert small.answer_index("ten") == 12


def test_another_language_is_what_the_split_says_sorted():
    vocabulary = vocabulary_of(
        make_row(question_content="Is there thunder?", templ_values="[]", anser="rain"),
        make_row(question_content="Is there hail?", templ_values="[]", anser="fog"),
        make_row(question_content="Is there hail?", templ_values="[]", anser=None),
    )
    assert vocabulary.words == ("<pad>", "Is", "hail", "there", "thunder")
    assert vocabulary.answers == ("fog", "rain")
    assert vocabulary.encode(("Is", "there", "hail"), 5) == [1, 3, 2, 0, 0]
    assert vocabulary.encode(("Is", "there", "hail"), 2) == [1, 3]
    assert vocabulary.answer_index("rain") == 1
    assert vocabulary.answer_index(None) == -1


def test_an_unknown_word_or_answer_names_the_closest():
    vocabulary = vocabulary_of(make_row())
    with pytest.raises(AnnotationError, match=r"got 'vioIin': did you mean 'violin'\?"):
        vocabulary.encode(("Is", "the", "vioIin"))
    with pytest.raises(AnnotationError, match=r"got 'saxophon': did you mean 'saxophone'\?"):
        vocabulary.answer_index("saxophon")


def test_no_questions_no_vocabulary():
    with pytest.raises(AnnotationError, match="training split"):
        Vocabulary.from_examples([])
    with pytest.raises(AnnotationError, match="0 answers"):
        vocabulary_of(make_row(anser=None))


def test_saving_and_loading_is_the_identity(tmp_path):
    vocabulary = vocabulary_of(make_row(anser="日本"))
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary


def test_a_byte_order_mark_in_front_of_a_vocabulary_is_no_part_of_it(tmp_path):
    path, vocabulary = tmp_path / "vocabulary.json", vocabulary_of(make_row(anser="日本"))
    vocabulary.save(path)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert Vocabulary.load(path) == vocabulary


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"words": ["Is", "<pad>"]},
        {"words": ["<pad>", "Is", "Is"]},
        {"words": ["<pad>", 3]},
        {"words": "<pad>"},
        {"answers": []},
        {"answers": [""]},
        {"extra": 1},
    ],
)
def test_loading_is_strict(tmp_path, change):
    path = tmp_path / "vocabulary.json"
    good = {"format": 1, "words": ["<pad>", "Is"], "answers": ["yes"]}
    path.write_text(json.dumps(good))
    assert Vocabulary.load(path).words == ("<pad>", "Is")
    path.write_text(json.dumps(good | change))
    with pytest.raises(AnnotationError, match="expected"):
        Vocabulary.load(path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1, 2]", b"{"])
def test_loading_something_else_is_one_error(tmp_path, content):
    path = tmp_path / "vocabulary.json"
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match="expected a vocabulary"):
        Vocabulary.load(path)
    with pytest.raises(AnnotationError, match="check the path"):
        Vocabulary.load(tmp_path / "none.json")
