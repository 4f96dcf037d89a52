from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.errors import AnnotationError, ConfigError
from avqa_core.studies import question_floors as floors
from avqa_core.studies.question_reader import (
    EpochDone,
    QuestionReader,
    ReaderConfig,
    held_out_videos,
    learn,
)
from tests.studies.test_question_floors import ask

CONFIG = ReaderConfig(channels=8, batch_size=8, learning_rate=0.02, max_epochs=40, patience=8)
# Three templates, each with an answer of its own, about many clips.
ANSWERS = {
    "Is there a <Object> sound?": "yes",
    "Is the <Object> always playing?": "no",
    "How many <Object> are in the video?": "two",
}
TELLING = [
    ask(3 * number + place, answer, video=f"v{number}", template=template)
    for number in range(20)
    for place, (template, answer) in enumerate(ANSWERS.items())
]


def reader_of(examples, config=CONFIG, seed=0) -> QuestionReader:
    *_, reader = learn(examples, config, seed=seed)
    assert isinstance(reader, QuestionReader)
    return reader


def test_an_encoder_learns_what_the_words_tell():
    reader = reader_of(TELLING)
    test = [ask(900, None, template=template, value="tuba") for template in ANSWERS]
    assert reader.answers(test) == list(ANSWERS.values())


def test_it_stops_after_patience_and_comes_back_from_its_best_pass():
    """Held-out answers are drawn by lot, so that the loss soon only rises."""
    generator = torch.Generator().manual_seed(0)
    noise = [
        replace(one, answer=("yes", "no")[int(torch.randint(2, (), generator=generator))])
        for one in TELLING
    ]
    *passes, reader = learn(noise, replace(CONFIG, patience=3), seed=0)
    assert len(passes) == passes[-1].best_epoch + 3 < CONFIG.max_epochs
    best = min(passes, key=lambda one: one.loss)
    assert passes[-1].best_epoch == best.epoch and passes[-1].best_accuracy == best.accuracy
    rows = held_out_videos(noise, CONFIG.held_out, seed=0).tolist()
    held_out = [one for one, is_out in zip(noise, rows, strict=True) if is_out]
    right = [a == one.answer for a, one in zip(reader.answers(held_out), held_out, strict=True)]
    assert sum(right) / len(right) == pytest.approx(best.accuracy)


def test_a_seed_says_everything_and_seeds_differ():
    one, same, other = (reader_of(TELLING, seed=seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    reader_of(TELLING, replace(CONFIG, max_epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_words_nobody_learned_are_read_as_padding():
    reader = reader_of(TELLING, replace(CONFIG, max_epochs=1))
    strange = ask(900, None, template="Is there a <Object> theremin?", value="zither")
    # There is no word "theremin" in the closed language, nor an instrument "zither".
    assert reader.tokens([strange])[0].tolist()[3:] == [0] * 11
    assert len(reader.answers([strange])) == 1
    assert reader.answers([]) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 30), st.floats(0.01, 0.99), st.integers(0, 5))
def test_no_video_is_on_both_sides_and_both_sides_have_one(num_videos, share, seed):
    asked = [ask(number, "yes", video=f"v{number % num_videos}") for number in range(60)]
    rows = held_out_videos(asked, share, seed=seed).tolist()
    sides = {is_out: set() for is_out in (True, False)}
    for one, is_out in zip(asked, rows, strict=True):
        sides[is_out].add(one.video_id)
    assert sides[True] and sides[False] and not sides[True] & sides[False]


@pytest.mark.parametrize("asked", [[], [ask(0, None)], [ask(0, "yes"), ask(1, "no")]])
def test_too_little_to_learn_from_is_one_error(asked):
    with pytest.raises(AnnotationError, match="expected questions"):
        next(iter(learn(asked, CONFIG, seed=0)))


@pytest.mark.parametrize("wrong", [{"held_out": 1.0}, {"patience": 0}, {"channels": 0}])
def test_an_impossible_config_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ReaderConfig(**wrong)


def test_several_encoders_are_trained_and_scored_each_by_its_own_answers():
    events = list(floors.train_readers(TELLING, replace(CONFIG, max_epochs=2), (3, 4)))
    done = [one for one in events if isinstance(one, floors.ReaderDone)]
    assert [one.seed for one in done] == [3, 4]
    assert all(one.stopped.epoch == 2 for one in done)
    assert sum(isinstance(one, EpochDone) for one in events) == 4
    right = floors.right_readers([one.reader for one in done], TELLING)
    for row, one in zip(right, done, strict=True):
        said = one.reader.answers(TELLING)
        assert row.tolist() == [a == b.answer for a, b in zip(said, TELLING, strict=True)]
