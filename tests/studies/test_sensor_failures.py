"""Counts of failing sensors with an answerer whose every answer is known."""

from __future__ import annotations

import math

import pytest
import torch

from avqa_core.data.availability import Scenario, mixed
from avqa_core.run_calibration import Answers
from avqa_core.studies import sensor_failures as failures
from avqa_core.training import runs

IDS = torch.tensor([11, 12, 13, 14])
# Which of the four questions are right in each scenario that is answered; the rest is wrong.
RIGHT = {
    "complete": [1, 1, 1, 0],
    "audio_missing": [1, 1, 0, 0],
    "visual_missing": [0, 1, 0, 0],
    "both_missing": [0, 0, 0, 1],
    "audio_drops(1)": [1, 1, 1, 0],
    "audio_drops(3)": [1, 0, 1, 0],
    "visual_drops(1)": [0, 1, 1, 0],
    "visual_drops(3)": [0, 0, 1, 0],
}


def answer(split: failures.Split, scenario: Scenario) -> Answers:
    """Say answer 0 with logits (2, 0); one validation question fewer in silence."""
    right = RIGHT[str(scenario)]
    if split == "val":
        right = [1, 1, 0] if str(scenario) == "audio_missing" else [1, 1, 1, 0]
    return Answers(
        logits=torch.tensor([[2.0, 0.0]] * len(right)),
        truth=torch.tensor([0 if one else 1 for one in right]),
        question_ids=IDS[: len(right)],
        clips=("a", "a", "b", "b")[: len(right)],
    )


FOUND = failures.measure(answer, 4, seed=0)
COUNTS = {one.scenario: one.correct for one in FOUND.counts}


def test_every_scenario_is_counted():
    assert FOUND.total == 4
    assert {name: COUNTS[name] for name in RIGHT} == {name: sum(of) for name, of in RIGHT.items()}
    # A clip of four segments cannot lose five or seven of them.
    assert not any("(5)" in name or "(7)" in name for name in COUNTS)
    assert len(COUNTS) == 4 + 2 * 2 + 3 * len(failures.RATIOS)


def test_a_mixed_question_is_the_one_that_misses_just_that():
    right = {name: [bool(one) for one in RIGHT[name]] for name in failures.WHOLE}
    for scenario in failures.ratio_scenarios():
        lost = ~scenario.availability(IDS, 4, 0)
        expected = []
        for place in range(4):
            # Whole modalities are lost, so any segment tells.
            audio, visual = lost[place, 0].tolist()
            name = {
                (False, False): "complete",
                (True, False): "audio_missing",
                (False, True): "visual_missing",
                (True, True): "both_missing",
            }[audio, visual]
            expected.append(bool(RIGHT[name][place]))
        assert failures.mixed_right(right, scenario, IDS, 0) == expected
        assert COUNTS[str(scenario)] == sum(expected)


def test_the_ends_of_a_ratio_are_the_whole_scenarios():
    right = {name: [bool(one) for one in RIGHT[name]] for name in failures.WHOLE}
    for scenario, name in (
        (mixed(0, 0), "complete"),
        (mixed(1, 0), "audio_missing"),
        (mixed(0, 1), "visual_missing"),
        (mixed(1, 1), "both_missing"),
    ):
        assert failures.mixed_right(right, scenario, IDS, 0) == right[name]


def test_temperatures_are_those_of_the_validation_questions():
    """Right three times of four, without sound two of three (2 / t = log 2), in all 11 of 15.

    So 2 / t = log 3 on complete clips, log(11 / 4) over all.
    """
    found = {(one.scenario, one.fitted): one.temperature for one in FOUND.sureness}
    for name in failures.WHOLE:
        own = math.log(2 if name == "audio_missing" else 3)
        for fitted, odds in (
            ("complete", math.log(3)),
            ("scenarios", math.log(11 / 4)),
            ("own", own),
        ):
            assert found[name, fitted] == pytest.approx(2 / odds, rel=1e-5)
        assert found[name, "none"] == 1.0


def test_sureness_is_counted_before_and_after():
    by_key = {(one.scenario, one.fitted): one for one in FOUND.sureness}
    assert set(by_key) == {
        (name, fitted)
        for name in failures.WHOLE
        for fitted in ("none", "complete", "scenarios", "own")
    }
    sure = math.exp(2) / (math.exp(2) + 1)
    raw, mended = by_key["complete", "none"], by_key["complete", "own"]
    assert raw.confidences.place == (88,) and raw.confidences.total == (4,)
    assert mended.confidences.total == (4,) and mended.confidences.place in ((74,), (75,))
    # All in one bin: |3/4 - 0.88| before, nothing after.
    assert raw.error.estimate == pytest.approx(sure - 0.75, abs=1e-6)
    assert mended.error.estimate == pytest.approx(0.0, abs=1e-6)
    assert by_key["visual_missing", "scenarios"].confidences.correct == (1,)


def test_every_source_that_is_named_is_there():
    assert all(runs._module_hash(name) for name in failures.SOURCES)
