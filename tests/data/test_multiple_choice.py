"""Questions with candidates as numbers: open language, and places instead of answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avqa_core.data.annotations import parse_row
from avqa_core.data.avqa_annotations import parse_avqa_row
from avqa_core.data.dataset import QADataset, encode_questions
from avqa_core.data.store import FeatureStore
from avqa_core.data.vocabulary import Vocabulary, words_of
from avqa_core.errors import AnnotationError
from tests.data.samples import make_avqa_row, make_row, write_store

TRAIN = [
    parse_avqa_row(make_avqa_row(id=1, video_name="c0")),
    # "rain" for the second time, so that it is a word.
    parse_avqa_row(make_avqa_row(id=2, video_name="c1", question_text="What happened?")),
]


def test_the_vocabulary_has_what_training_says_twice_and_no_answers():
    once = [replace(TRAIN[0], candidates=("motorboat", "rain", "the rain", "motor boat"))]
    assert Vocabulary.from_examples(once).words == ("<pad>", "<unk>", "rain", "the")
    vocabulary = Vocabulary.from_examples(TRAIN)
    # "in", "the" and "video" occur once; everything in both lists of candidates twice or more.
    assert vocabulary.words[2:] == (
        *("a", "happened", "motorboat", "rain"), *("train", "train's", "what", "whistle"),
    )  # fmt: skip
    assert vocabulary.answers == () and vocabulary.is_multiple_choice
    assert vocabulary.encode(words_of("What rained in RAIN"), 5) == [8, 1, 1, 5, 0]


def test_an_open_vocabulary_is_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary.from_examples(TRAIN)
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary


def test_candidates_and_the_place_of_the_right_one():
    vocabulary = Vocabulary.from_examples(TRAIN)
    silent = replace(TRAIN[1], answer=None)
    questions = encode_questions([TRAIN[0], silent], vocabulary, 9)
    assert questions.answer.tolist() == [1, -1]
    # motorboat; a train's whistle; rain; a train: as long as the longest.
    row = [[4, 0, 0], [2, 7, 9], [5, 0, 0], [2, 6, 0]]
    assert questions.candidates.tolist() == [row, row]
    assert questions[[1]].candidates.tolist() == [row]
    short = encode_questions([TRAIN[0]], vocabulary, 2)
    assert short.candidates.tolist() == [[[4, 0], [2, 7], [5, 0], [2, 6]]]
    assert vocabulary.choices(TRAIN[0])[1] == TRAIN[0].answer


def test_a_candidate_without_words_is_padding_alone():
    odd = replace(TRAIN[0], candidates=("?", "!", "-", "..."), answer="!")
    questions = encode_questions([odd], Vocabulary.from_examples(TRAIN))
    assert questions.candidates.tolist() == [[[0]] * 4]
    assert questions.answer.tolist() == [1]


def test_data_sets_do_not_mix():
    ours, theirs = (
        Vocabulary.from_examples(TRAIN),
        Vocabulary.from_examples([parse_row(make_row())]),
    )
    with pytest.raises(AnnotationError, match="question 12: expected candidates"):
        encode_questions([parse_row(make_row())], ours)
    spoken = replace(TRAIN[0], tokens=("Is", "the", "violin"))
    with pytest.raises(AnnotationError, match="question 1: expected no candidates"):
        encode_questions([spoken], theirs)
    fewer = replace(TRAIN[1], candidates=("rain", "A train's whistle"))
    with pytest.raises(AnnotationError, match="question 2: expected 4 candidates"):
        encode_questions([TRAIN[0], fewer], ours)


def test_a_batch_carries_candidates_and_the_sizes_say_so(tmp_path):
    store = FeatureStore.open(write_store(tmp_path))
    dataset = QADataset(TRAIN, store, Vocabulary.from_examples(TRAIN), 9)
    assert dataset.dims.num_answers == 0
    batch = dataset.batch([1, 0, 1])
    assert batch.candidates is not None and batch.candidates.shape == (3, 4, 3)
    assert batch.answer.tolist() == [1, 1, 1]
    assert torch.equal(batch.candidates, dataset.questions.candidates[[1, 0, 1]])
