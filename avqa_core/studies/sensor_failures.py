"""One trained network whose sensors fail in every way: right answers, and how sure they were.

Whole modalities, stretches of segments as when a microphone cuts out, and shares of the questions
(the paper's Fig. 5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from avqa_core.abstention import Confidences
from avqa_core.data.availability import Scenario, mixed
from avqa_core.metrics import Interval
from avqa_core.run_calibration import Answers, temperature_of

Split = Literal["val", "test"]
Fitted = Literal["none", "complete", "scenarios", "own"]
Answerer = Callable[[Split, Scenario], Answers]

WHOLE = ("complete", "audio_missing", "visual_missing", "both_missing")
DROPS = (1, 3, 5, 7)  # segments
RATIOS = (0.2, 0.4, 0.6, 0.8)
SOURCES = tuple(
    f"avqa_core.{name}"
    for name in (
        "abstention",
        "calibration",
        "data.availability",
        "data.dataset",
        "data.draws",
        "evaluation",
        "metrics",
        "report",
        "rng",
        "run_calibration",
        "studies.sensor_failures",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Right answers to the test questions in one scenario."""

    scenario: str
    correct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """How sure the answers to the test questions were.

    Attributes:
        scenario: what was missing.
        fitted: what the temperature was fitted over, on validation questions; ``none`` is the
            network as trained, ``scenarios`` all of ``WHOLE`` together, ``own`` this scenario.
        temperature: that logits were divided by.
        error: calibration error with its interval over clips.
        confidences: the answers by how sure they were.
    """

    scenario: str
    fitted: Fitted
    temperature: float
    error: Interval
    confidences: Confidences


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """All that is counted of one network.

    Attributes:
        total: test questions with a known answer.
        counts: one for each scenario.
        sureness: one for each of ``WHOLE`` and each temperature.
    """

    total: int
    counts: tuple[Count, ...]
    sureness: tuple[Sureness, ...]


def drop_scenarios(num_segments: int) -> list[Scenario]:
    """Return each number of dropped segments that leaves some, for the sound and the picture."""
    drops = [number for number in DROPS if number < num_segments]
    return [Scenario(audio_drops=one) for one in drops] + [
        Scenario(visual_drops=one) for one in drops
    ]


def ratio_scenarios() -> list[Scenario]:
    """Return each share of questions that lack the sound, the picture, or each of them."""
    return [
        mixed(one * audio, one * visual)
        for audio, visual in ((1, 0), (0, 1), (1, 1))
        for one in RATIOS
    ]


def measure(answer: Answerer, num_segments: int, *, seed: int) -> Failures:
    """Count the right answers of one network in every scenario.

    Args:
        answer: answers the questions of a split in a scenario.
        num_segments: of a clip.
        seed: decides who misses what, and the redraws of the intervals.
    """
    validation = {name: answer("val", Scenario.parse(name)) for name in WHOLE}
    test = {name: answer("test", Scenario.parse(name)) for name in WHOLE}
    right = {name: one.is_correct for name, one in test.items()}
    counts = {name: sum(of) for name, of in right.items()}
    for scenario in drop_scenarios(num_segments):
        counts[str(scenario)] = sum(answer("test", scenario).is_correct)
    ids = test["complete"].question_ids
    for scenario in ratio_scenarios():
        counts[str(scenario)] = sum(mixed_right(right, scenario, ids, seed))
    shared: dict[Fitted, float] = {
        "none": 1.0,
        "complete": temperature_of([validation["complete"]]),
        "scenarios": temperature_of(list(validation.values())),
    }
    return Failures(
        total=len(ids),
        counts=tuple(Count(scenario=name, correct=one) for name, one in counts.items()),
        sureness=tuple(
            Sureness(
                scenario=name,
                fitted=fitted,
                temperature=temperature,
                error=of.error(temperature, seed),
                confidences=of.binned(temperature),
            )
            for name, of in test.items()
            for fitted, temperature in (
                shared | {"own": temperature_of([validation[name]])}
            ).items()
        ),
    )


def mixed_right(
    right: Mapping[str, Sequence[bool]],
    scenario: Scenario,
    question_ids: Int[Tensor, " Q"],
    seed: int,
) -> list[bool]:
    """Return which questions are right where each misses whole modalities or nothing.

    A question that misses its sound in a mixed scenario is the question it is in ``audio_missing``,
    so nothing has to be answered again.

    Args:
        right: ``WHOLE`` -> whether each question is answered right.
        scenario: a mixed one, without drops.
        question_ids: of the questions, in the order of ``right``.
        seed: decides who misses what.
    """
    present = scenario.availability(question_ids, 1, seed)[:, 0]
    lost = ~present
    # In the order of WHOLE: nothing, the sound, the picture, both.
    which = lost[:, 0].long() + 2 * lost[:, 1].long()
    table = torch.tensor([list(right[name]) for name in WHOLE])
    picked: list[bool] = table[which, torch.arange(len(which))].tolist()
    return picked
