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


def test_spread_by_hand():
    # Mean (1, 1); both rows lie (1, 1) away from it; the root mean square of 2, 2, 0, 0 is sqrt 2.
    assert starts.spread(torch.tensor([[2.0, 2.0], [0.0, 0.0]])) == pytest.approx(1 / math.sqrt(2))
    assert starts.spread(torch.ones(3, 4)) == 0.0
    assert starts.spread(torch.zeros(2, 2)) == 0.0


def test_looking_changes_nothing_and_starts_before_the_first_step(data):
    config = model_config(dropout=0.5)
    alone = make_trainer(data, model=config, regime="plain", validate=False, num_steps=5)
    list(alone.run())
    seen = make_trainer(data, model=config, regime="plain", validate=False, num_steps=5)
    batch = seen.train.batch(range(6))
    looks = list(starts.watched(seen, batch, every=2))
    assert [one.step for one in looks] == [0, 2, 4]
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
    assert first.question_spread == pytest.approx(starts.spread(question))
    assert first.state_spread == pytest.approx(starts.spread(torch.tanh(10 * question)))
