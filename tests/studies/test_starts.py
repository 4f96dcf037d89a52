"""Looking at a start changes nothing, and what is seen can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from avqa_core.data.folder import DataFolder
from avqa_core.studies import starts
from tests.training.trainers import make_trainer, model_config, same, weights
from tests.training.worlds import write_world


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return DataFolder(write_world(tmp_path_factory.mktemp("data") / "world"))


def test_looking_changes_nothing_and_starts_before_the_first_step(data):
    config = model_config(dropout=0.5)
    alone = make_trainer(data, model=config, regime="plain", validate=False, num_steps=5)
    list(alone.run())
    seen = make_trainer(data, model=config, regime="plain", validate=False, num_steps=5)
    batch = seen.train.batch(range(6))
    looks = list(starts.watched(seen, batch, every=2))
    assert [one.step for one in looks] == [0, 2, 4, 5]
    assert same(weights(alone.model), weights(seen.model))
    assert all(math.isfinite(one.loss) and 0 <= one.saturated <= 1 for one in looks)


def test_what_the_answer_layer_reads_is_counted(data):
    """With a fusion of ten everywhere, tanh(10 q) is beyond tanh(2) where |q| is beyond 0.2."""
    trainer = make_trainer(data, regime="plain", validate=False, num_steps=1)
    batch = trainer.train.batch(range(6))
    with torch.no_grad():
        trainer.model.backbone.fusion.weight.zero_()
        trainer.model.backbone.fusion.bias.fill_(10.0)
        question = trainer.model.eval().encode(batch).question
    first = next(starts.watched(trainer, batch, every=1))
    assert first.saturated == pytest.approx(float((question.abs() > 0.2).float().mean()))
    assert 0 < first.saturated < 1


def test_both_starts_take_equal_steps_from_the_same_weights(data):
    how = starts.Start(
        size="tiny", answer_layer_steps=2, num_steps=4, batch_size=6, num_questions=12, every=3
    )
    looks = starts.both("avst", data.dataset("train"), how, seed=0)
    assert list(looks) == [starts.AT_ONCE, starts.ANSWER_LAYER_FIRST]
    once, first = looks.values()
    assert [one.step for one in once] == [one.step for one in first] == [0, 3, 6]
    assert once[0] == first[0] and once[1].loss != first[1].loss
