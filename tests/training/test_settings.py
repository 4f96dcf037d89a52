"""Schedules by hand, and settings that cannot be."""

from __future__ import annotations

import pytest

from avqa_core.config import from_dict, to_dict
from avqa_core.errors import ConfigError
from avqa_core.training.settings import TrainConfig


def test_constant_stays():
    config = TrainConfig(num_steps=10, learning_rate=0.5)
    assert {config.learning_rate_at(step, 10, 5) for step in range(10)} == {0.5}


def test_step_cuts_after_whole_epochs():
    config = TrainConfig(num_steps=12, schedule="step", learning_rate=1.0, decay_epochs=2)
    # Three steps an epoch: a cut every six steps.
    rates = [config.learning_rate_at(step, 12, 3) for step in range(13)]
    assert rates == pytest.approx([1.0] * 6 + [0.1] * 6 + [0.01])


def test_cosine_falls_from_one_to_zero_after_the_warm_up():
    config = TrainConfig(num_steps=6, schedule="cosine", learning_rate=1.0, warmup_steps=2)
    rates = [config.learning_rate_at(step, 6, 3) for step in range(7)]
    # Up in halves, then (1 + cos(pi * k / 4)) / 2.
    assert rates == pytest.approx([0.5, 1.0, 1.0, 0.853553, 0.5, 0.146447, 0.0], abs=1e-6)


def test_the_answer_layer_comes_before_warm_up_and_cosine():
    config = TrainConfig(
        num_steps=9,
        schedule="cosine",
        learning_rate=1.0,
        warmup_steps=2,
        answer_layer_steps=3,
        answer_layer_rate=5.0,
    )
    rates = [config.learning_rate_at(step, 9, 3) for step in range(10)]
    after = [0.5, 1.0, 1.0, 0.853553, 0.5, 0.146447, 0.0]
    assert rates == pytest.approx([5.0] * 3 + after, abs=1e-6)


def test_cuts_after_whole_passes_count_the_steps_of_the_answer_layer():
    config = TrainConfig(
        num_steps=9, schedule="step", learning_rate=1.0, decay_epochs=2, answer_layer_steps=1
    )
    rates = [config.learning_rate_at(step, 9, 3) for step in range(9)]
    assert rates == pytest.approx([0.03] + [1.0] * 5 + [0.1] * 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "exactly one"),
        ({"num_steps": 1, "num_epochs": 1}, "exactly one"),
        ({"num_steps": 0}, "num_steps"),
        ({"num_steps": 1, "batch_size": 4, "accumulation": 3}, "divide"),
        ({"num_steps": 1, "learning_rate": float("nan")}, "learning_rate"),
        ({"num_steps": 1, "gradient_clip": 0.0}, "gradient_clip"),
        ({"num_steps": 1, "selection": ()}, "selection"),
        ({"num_steps": 1, "selection": ("complete", "compelte")}, "selection: .*'compelte'"),
        ({"num_steps": 1, "selection": ("mixed(1,0)", "audio_missing")}, "selection: .* once"),
        ({"num_steps": 1, "warmup_steps": -1}, "warmup_steps"),
        ({"num_steps": 1, "answer_layer_steps": -1}, "answer_layer_steps"),
        ({"num_steps": 1, "answer_layer_rate": 0.0}, "answer_layer_rate"),
    ],
)
def test_impossible_settings_are_typed_errors(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**values)


def test_settings_survive_json():
    config = TrainConfig(num_epochs=3, gradient_clip=1.0, selection=("complete",))
    assert from_dict(TrainConfig, to_dict(config)) == config
