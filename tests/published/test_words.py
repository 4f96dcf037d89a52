"""Words and answers keep their meaning when their numbers change."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch

from avqa_core import rng
from avqa_core.backbones.avst import AVST, AVSTConfig
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AnnotationError, CheckpointError
from avqa_core.published import published_vocabulary, words
from avqa_core.published.words import renumber
from tests.factories import DIMS

ROWS = [
    ("Is there a <Object> sound?", ["tuba"], "yes"),
    ("Where is the performance?", [], "indoor"),
    ("Are there <Object> and <Object> sound? ", ["tuba", "erhu"], "no"),
    ("How many sounding <Object> in the video\uff1f", ["erhu"], "more than ten"),
    ("Is there a <Object> sound?", ["pipa"], "no"),
]


def train_file(path: Path, rows=ROWS, **more: object) -> Path:
    content = [
        {
            "video_id": "00000001",
            "question_id": number,
            "type": '["Audio", "Counting"]',
            "question_content": template,
            "templ_values": json.dumps(values),
            "question_deleted": 0,
            "anser": answer,
            **more,
        }
        for number, (template, values, answer) in enumerate(rows)
    ]
    path.write_text(json.dumps(content))
    return path


def test_words_and_answers_are_numbered_as_they_appear(tmp_path):
    """By hand: each row read from left to right, its values in place, repeats passed over."""
    found = published_vocabulary(train_file(tmp_path / "avqa-train.json"))
    assert found.words == (
        *("<pad>", "Is", "there", "a", "tuba", "sound"),
        *("Where", "is", "the", "performance"),
        *("Are", "and", "erhu"),
        *("How", "many", "sounding", "in", "video"),
        "pipa",
    )
    assert found.answers == ("yes", "indoor", "no", "more than ten")


def test_another_file_than_the_first_release_is_told(tmp_path, caplog, monkeypatch):
    path = train_file(tmp_path / "avqa-train.json")
    with caplog.at_level(logging.WARNING):
        published_vocabulary(path)
    assert "has 5 questions, the first release of avqa-train.json 32087" in caplog.text
    caplog.clear()
    monkeypatch.setattr(words, "FIRST_RELEASE_ROWS", 5)
    with caplog.at_level(logging.WARNING):
        published_vocabulary(path)
    assert not caplog.records


def test_a_question_without_an_answer_is_refused(tmp_path):
    path = train_file(tmp_path / "avqa-train.json")
    content = json.loads(path.read_text())
    del content[3]["anser"]
    path.write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match="question 3"):
        published_vocabulary(path)


def small_avst() -> AVST:
    with rng.initialising(0):
        return AVST(AVSTConfig(channels=16), DIMS).eval()


OLD = Vocabulary(("<pad>", *"abcdefghij"), tuple("stuvwxy"))
NEW = Vocabulary(("<pad>", *"jihgfedcba"), tuple("ywusvxt"))


def test_renumbering_keeps_every_word_and_every_answer():
    before, after = small_avst(), small_avst()
    renumber(after, OLD, NEW)
    asked = ["c", "a", "j", "e"]
    with torch.no_grad():
        old, new = (
            model.question_encoder(torch.tensor([vocabulary.encode(asked, 6)]))[0]
            for model, vocabulary in ((before, OLD), (after, NEW))
        )
        assert torch.equal(old, new)
        state = torch.randn(1, 16, generator=rng.named(0, "state"))
        logits = [model.answer_head(state)[0] for model in (before, after)]
    for answer in OLD.answers:
        old, new = logits[0][OLD.answer_index(answer)], logits[1][NEW.answer_index(answer)]
        torch.testing.assert_close(old, new, msg=answer)
    renumber(after, NEW, OLD)
    for name, tensor in before.state_dict().items():
        assert torch.equal(after.state_dict()[name], tensor), "back again"


def test_renumbering_needs_the_same_words():
    other = Vocabulary(("<pad>", *"abcdefghik"), OLD.answers)
    with pytest.raises(CheckpointError, match="in one only: j, k"):
        renumber(small_avst(), OLD, other)
