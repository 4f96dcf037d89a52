"""Counting is right, whatever the batches and the processes, and stands beside its bounds."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from avqa_core.data.availability import mixed
from avqa_core.data.folder import DataFolder
from avqa_core.errors import ConfigError
from avqa_core.evaluation import evaluate, predict
from avqa_core.model import MissingModalityAVQA
from avqa_core.training.distributed import Processes
from tests.factories import make_model
from tests.training.trainers import model_config
from tests.training.worlds import write_world

SCENARIOS = ("complete", "audio_missing", "visual_missing", "both_missing")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> DataFolder:
    return DataFolder(write_world(tmp_path_factory.mktemp("evaluation") / "world"))


@pytest.fixture(scope="module")
def test_set(data):
    return data.dataset("test", cache=True)


@pytest.fixture(scope="module")
def model(test_set) -> MissingModalityAVQA:
    return make_model(model_config("noise"), test_set.dims)


def saying(model: MissingModalityAVQA, index: int) -> MissingModalityAVQA:
    """Return a copy that says one answer to everything, at a logit of 2 above all others."""
    constant = copy.deepcopy(model)
    head = constant.backbone.answer_head
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
        head.bias[index] = 2.0
    return constant


def test_rows_count_by_category_by_hand(model, test_set):
    yes = test_set.vocabulary.answers.index("yes")
    report = evaluate(saying(model, yes), test_set, ["complete"], seed=0, keep_answers=True)
    rows = {str(row.category): row for row in report.rows}
    truth = {
        example.question_id: example.answer == "yes"
        for example in test_set.examples
        if str(example.category) == "Audio-Visual Existential"
    }
    assert rows["Audio-Visual Existential"].correct == sum(truth.values()) > 0
    assert rows["Audio-Visual Existential"].total == len(truth) == 8
    # The others are answered with an instrument.
    assert rows["Audio Counting"].correct == rows["Visual Location"].correct == 0
    assert [row.group for row in report.rows] == ["Audio", "Visual", "Audio-Visual"]
    (answered,) = report.answered
    assert set(answered.predicted) == {"yes"}
    # 42 answers, one of them at 2 and the others at 0.
    expected = 7.389056 / (7.389056 + 41)
    assert answered.confidence == pytest.approx([expected] * 24, rel=1e-5)


def test_the_model_is_asked_in_the_scenario_and_with_dropout_off(model, test_set):
    scenario, seen = mixed(0.5, 0.3), []

    def note(module, batches):
        assert not any(part.training for part in module.modules())
        seen.append(batches[0].availability)

    watched = model.train().register_forward_pre_hook(note)
    evaluate(model, test_set, [scenario], seed=3, batch_size=5)
    watched.remove()
    assert model.training
    model.eval()
    ids = [example.question_id for example in test_set.examples]
    assert torch.equal(torch.cat(seen), scenario.availability(ids, 4, seed=3))
    assert not torch.equal(torch.cat(seen), scenario.availability(ids, 4, seed=4))


@pytest.mark.parametrize("batch_size", [0, -8])
def test_batches_of_no_question_are_refused(model, test_set, batch_size):
    with pytest.raises(ConfigError, match=f"batch_size >= 1, got {batch_size}: choose"):
        evaluate(model, test_set, ["complete"], seed=0, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 5, 24])
def test_the_report_does_not_depend_on_the_batch_size(model, test_set, batch_size):
    scenarios = [*SCENARIOS, "mixed(0.5,0.3)", "audio_drops(2)"]
    expected = evaluate(model, test_set, scenarios, seed=3, batch_size=8, keep_answers=True)
    came = evaluate(model, test_set, scenarios, seed=3, batch_size=batch_size, keep_answers=True)
    assert came.rows == expected.rows
    for one, two in zip(came.answered, expected.answered, strict=True):
        assert one.predicted == two.predicted
        assert one.confidence == pytest.approx(two.confidence, abs=1e-5)


def test_shares_of_two_processes_add_up(model, test_set):
    class Half(Processes):
        """A process whose sum is taken by the test."""

        def sum(self, values):
            return values

    arguments = {"seed": 0, "batch_size": 4, "device": "cpu"}
    whole = predict(model, test_set, mixed(0.5, 0.5), **arguments)
    halves = [
        predict(model, test_set, mixed(0.5, 0.5), processes=Half(rank, 2), **arguments)
        for rank in (0, 1)
    ]
    assert torch.equal(halves[0].predicted + halves[1].predicted, whole.predicted)
    torch.testing.assert_close(halves[0].confidence + halves[1].confidence, whole.confidence)


def test_evaluation_leaves_the_mode_of_every_part_alone(model, test_set):
    model.train()
    model.backbone.eval()
    evaluate(model, test_set, ["complete"], seed=0)
    assert model.training and model.completer.training and not model.backbone.training
    model.eval()


def test_progress_counts_every_question(model, test_set):
    counted: list[int] = []
    evaluate(model, test_set, ["complete", "audio_missing"], seed=0, on_rows=counted.append)
    assert sum(counted) == 2 * len(test_set)


def test_bounds_stand_beside_their_rows(model, test_set):
    report = evaluate(
        model,
        test_set,
        ["complete", "audio_missing"],
        seed=0,
        floors={"Audio Counting": 0.25},
        ceilings={"audio_missing": {"Audio Counting": 0.5}},
    )
    by_scenario = {
        (row.scenario, str(row.category)): (row.floor, row.ceiling) for row in report.rows
    }
    assert by_scenario["complete", "Audio Counting"] == (0.25, None)
    assert by_scenario["audio_missing", "Audio Counting"] == (0.25, 0.5)
    assert by_scenario["audio_missing", "Visual Location"] == (None, None)


def test_data_of_another_shape_is_a_typed_error(test_set):
    other = make_model(model_config(), replace(test_set.dims, grid_height=7))
    with pytest.raises(ConfigError, match="grid_height = 7"):
        evaluate(other, test_set, ["complete"], seed=0)


def test_questions_without_answers_cannot_be_counted(model, test_set, data):
    unknown = data.dataset("test")
    unknown.examples = [replace(example, answer=None) for example in unknown.examples]
    with pytest.raises(ConfigError, match="with answers"):
        evaluate(model, unknown, ["complete"], seed=0)


def test_an_unknown_scenario_is_a_typed_error(model, test_set):
    with pytest.raises(ConfigError, match="scenario"):
        evaluate(model, test_set, ["deaf"], seed=0)
