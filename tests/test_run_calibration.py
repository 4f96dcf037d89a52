"""The temperature of a run: fitted on what is known, stored beside its weights, and checked."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from avqa_core import run_calibration as calibrating
from avqa_core.abstention import binned
from avqa_core.config import to_dict
from avqa_core.data.availability import Scenario
from avqa_core.data.folder import DataFolder
from avqa_core.errors import CheckpointError, ConfigError
from avqa_core.evaluation import evaluate
from avqa_core.metrics import Interval
from tests.factories import make_model
from tests.training.trainers import model_config
from tests.training.worlds import write_world

# Logits (2, 0), right three times of four: the likeliest chance is 3/4, so 2 / t = log 3.
COIN = calibrating.Answers(
    logits=torch.tensor([[2.0, 0.0]] * 4),
    truth=torch.tensor([0, 0, 0, 1]),
    question_ids=torch.arange(4),
    clips=("a", "a", "b", "b"),
)
STORED = calibrating.RunCalibration(
    scenarios=(
        calibrating.ScenarioCalibration(
            scenario="complete",
            temperature=1.5,
            before=Interval(0.2, 0.1, 0.3),
            after=Interval(0.05, 0.01, 0.1),
            confidences=binned([0.9, 0.5], [True, False]),
        ),
    ),
    data_hash="d",
)

SCENARIO = to_dict(STORED)["scenarios"][0]


@pytest.fixture(scope="module")
def test_set(tmp_path_factory):
    return DataFolder(write_world(tmp_path_factory.mktemp("calibrating") / "world")).dataset("test")


@pytest.fixture(scope="module")
def model(test_set):
    return make_model(model_config(), test_set.dims)


def test_one_temperature_for_several_scenarios_golden():
    likeliest = 2 / math.log(3)
    assert calibrating.temperature_of([COIN]) == pytest.approx(likeliest, rel=1e-6)
    sharp = replace(COIN, truth=torch.tensor([0, 0, 0, 0]))
    # Seven of eight: 2 / t = log 7.
    assert calibrating.temperature_of([COIN, sharp]) == pytest.approx(2 / math.log(7), rel=1e-6)


def test_the_temperature_mends_the_error():
    temperature = calibrating.temperature_of([COIN])
    sure = math.exp(2) / (math.exp(2) + 1)
    assert COIN.confidence(1.0) == pytest.approx([sure] * 4)
    assert COIN.is_correct == [True, True, True, False]
    assert COIN.error(1.0, 0).estimate == pytest.approx(sure - 0.75)
    assert COIN.error(temperature, 0).estimate == pytest.approx(0.0, abs=1e-6)
    # Clip a is all right, clip b half: redrawn, 3/4 becomes anything from 1/2 to 1.
    assert COIN.error(temperature, 0).high == pytest.approx(0.25, abs=1e-6)
    assert COIN.error(1.0, 0) == COIN.error(1.0, 0)


def test_answers_are_those_of_the_evaluation(model, test_set):
    for name in ("complete", "audio_drops(2)"):
        (expected,) = evaluate(model, test_set, [name], seed=3, keep_answers=True).answered
        came = calibrating.answers(
            model, test_set, Scenario.parse(name), seed=3, batch_size=5, device="cpu"
        )
        assert came.is_correct == expected.is_correct
        assert came.question_ids.tolist() == list(expected.question_ids)
        assert came.clips == expected.video_ids
        assert came.confidence(1.0) == pytest.approx(expected.confidence, abs=1e-5)
        (cooled,) = evaluate(
            model, test_set, [name], seed=3, keep_answers=True, temperatures={name: 2.5}
        ).answered
        assert cooled.predicted == expected.predicted
        assert came.confidence(2.5) == pytest.approx(cooled.confidence, abs=1e-5)


def test_a_fit_tells_each_scenario_apart(model, test_set):
    counted: list[int] = []
    scenarios = [Scenario.parse(one) for one in ("complete", "visual_missing")]
    fitted = calibrating.fit(model, test_set, scenarios, data_hash="d", on_rows=counted.append)
    assert [one.scenario for one in fitted.scenarios] == ["complete", "visual_missing"]
    assert sum(counted) == 2 * len(test_set)
    assert fitted.of("visual_missing").confidences.tally.total == len(test_set)
    assert fitted.of("visual_missing").confidences != fitted.of("complete").confidences
    for one, scenario in zip(fitted.scenarios, scenarios, strict=True):
        of = calibrating.answers(model, test_set, scenario, seed=0, batch_size=64, device="cpu")
        assert one.temperature == calibrating.temperature_of([of])
    with pytest.raises(CheckpointError, match=r"\(complete, visual_missing\), got 'audio_missing'"):
        fitted.of("audio_missing")
    with pytest.raises(ConfigError, match="--scenarios: expected at least one"):
        calibrating.fit(model, test_set, [], data_hash="d")


def test_questions_without_answers_are_refused_or_left_out(model, test_set):
    held = test_set.examples
    some = type(test_set)(
        [replace(one, answer=None) if place else one for place, one in enumerate(held)],
        test_set.store,
        test_set.vocabulary,
    )
    arguments = {"seed": 0, "batch_size": 4, "device": "cpu"}
    came = calibrating.answers(model, some, Scenario(), **arguments)
    assert came.question_ids.tolist() == [held[0].question_id]
    none = type(test_set)([replace(one, answer=None) for one in held], test_set.store,
                          test_set.vocabulary)  # fmt: skip
    with pytest.raises(ConfigError, match="expected questions with answers, got 24 without"):
        calibrating.answers(model, none, Scenario(), **arguments)


def test_what_is_written_is_read_back(tmp_path):
    assert STORED.write(tmp_path) == tmp_path / "calibration.json"
    assert calibrating.read(tmp_path) == STORED


@pytest.mark.parametrize(
    "edit",
    [
        {"format": 2},
        {"scenarios": [SCENARIO | {"temperature": 0.0}]},
        {"scenarios": [SCENARIO | {"temperature": math.nan}]},
        {"scenarios": [SCENARIO | {"temperature": "warm"}]},
        {"scenarios": [SCENARIO | {"confidences": {"place": [999], "total": [1], "correct": [1]}}]},
        {"more": 1},
    ],
)
def test_a_damaged_calibration_is_one_error_with_the_command(tmp_path, edit):
    path = STORED.write(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | edit))
    with pytest.raises(CheckpointError, match="avqa calibrate"):
        calibrating.read(tmp_path)


def test_a_run_without_calibration_says_how_to_get_one(tmp_path):
    with pytest.raises(CheckpointError, match="make it with 'avqa calibrate'"):
        calibrating.read(tmp_path)
