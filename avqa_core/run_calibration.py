"""What belongs to a trained run so that it may abstain: temperatures, and what they are worth.

Fitted on the validation questions and stored in the folder of the checkpoint they were fitted for:
other weights have other temperatures. Each scenario has its own: whoever asks knows which sensor
fails, and one temperature for all spoils the answers about whole clips.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from avqa_core import calibration, rng
from avqa_core.abstention import Confidences, binned
from avqa_core.config import from_dict, to_dict
from avqa_core.data.availability import Scenario
from avqa_core.data.dataset import QADataset
from avqa_core.errors import CheckpointError, ConfigError
from avqa_core.evaluation import logits_by_batch
from avqa_core.metrics import Interval
from avqa_core.model import MissingModalityAVQA
from avqa_core.training.runs import replace_text

FORMAT = 1
NAME = "calibration.json"
NUM_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that is known about the answers to a split in one scenario.

    Attributes:
        logits: of every question whose answer is known.
        truth: the right answers.
        question_ids: of the questions.
        clips: the clip of each question.
    """

    logits: Float[Tensor, "Q A"]
    truth: Int[Tensor, " Q"]
    question_ids: Int[Tensor, " Q"]
    clips: tuple[str, ...]

    @property
    def is_correct(self) -> list[bool]:
        """Whether each question is answered right."""
        right: list[bool] = (self.logits.argmax(dim=-1) == self.truth).tolist()
        return right

    def confidence(self, temperature: float) -> list[float]:
        """Return how sure each answer is."""
        sure: list[float] = calibration.confidences(self.logits, temperature)[0].tolist()
        return sure

    def error(self, temperature: float, seed: int) -> Interval:
        """Return the calibration error, with a 95 % interval from redrawing whole clips."""
        return calibration.calibration_interval(
            self.confidence(temperature),
            self.is_correct,
            self.clips,
            generator=np.random.default_rng(rng.derive(seed, "calibration error")),
            num_draws=NUM_DRAWS,
        )

    def binned(self, temperature: float) -> Confidences:
        """Return how sure the answers are, as counts."""
        return binned(self.confidence(temperature), self.is_correct)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioCalibration:
    """One scenario on the validation questions.

    Attributes:
        scenario: its name.
        temperature: that logits are divided by.
        before: calibration error of the network as trained.
        after: the same with the temperature.
        confidences: with the temperature.
    """

    scenario: str
    temperature: float
    before: Interval
    after: Interval
    confidences: Confidences


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCalibration:
    """The temperatures of one checkpoint.

    Attributes:
        scenarios: what may fail, each with its temperature.
        data_hash: of the data whose validation questions they were fitted on.
        format: layout of the file.
    """

    scenarios: tuple[ScenarioCalibration, ...]
    data_hash: str
    format: int = FORMAT

    def of(self, scenario: str) -> ScenarioCalibration:
        """Return what is known of a scenario.

        Raises:
            CheckpointError: the run was not calibrated for it.
        """
        for one in self.scenarios:
            if one.scenario == scenario:
                return one
        known = ", ".join(one.scenario for one in self.scenarios)
        raise CheckpointError(
            f"expected a scenario that the run was calibrated for ({known}), got {scenario!r}: "
            "name it among the --scenarios of 'avqa calibrate'"
        )

    def joined_to(self, older: RunCalibration | None) -> RunCalibration:
        """Return this with the scenarios that an older one knows beside, from the same data."""
        if older is None or older.data_hash != self.data_hash:
            return self
        ours = {one.scenario for one in self.scenarios}
        kept = tuple(one for one in older.scenarios if one.scenario not in ours)
        return replace(self, scenarios=kept + self.scenarios)

    def write(self, checkpoint: Path) -> Path:
        """Write into the folder of a checkpoint, in one step, and return the path."""
        replace_text(checkpoint / NAME, json.dumps(to_dict(self)) + "\n")
        return checkpoint / NAME


def found(checkpoint: Path) -> RunCalibration | None:
    """Return the calibration of a checkpoint, None if it has none that can be read."""
    try:
        return read(checkpoint)
    except CheckpointError:
        return None


def read(checkpoint: Path) -> RunCalibration:
    """Read the calibration of a checkpoint.

    Raises:
        CheckpointError: it has none, or a damaged one.
    """
    try:
        found = from_dict(RunCalibration, json.loads((checkpoint / NAME).read_text()), NAME)
    except (OSError, ValueError, TypeError, RecursionError, ConfigError) as error:
        raise CheckpointError(
            f"expected the calibration of a run at {checkpoint / NAME}, got {error}: a network's "
            "own probabilities are no chances of being right; make it with 'avqa calibrate'"
        ) from error
    temperatures = [one.temperature for one in found.scenarios]
    if found.format != FORMAT or not all(one > 0 for one in temperatures):
        raise CheckpointError(
            f"expected a calibration of format {FORMAT} with temperatures above 0 at "
            f"{checkpoint / NAME}, got format {found.format} and {temperatures}: make it anew with "
            "'avqa calibrate'"
        )
    return found


@torch.inference_mode()
def answers(
    model: MissingModalityAVQA,
    dataset: QADataset,
    scenario: Scenario,
    *,
    seed: int,
    batch_size: int,
    device: torch.device | str,
    on_rows: Callable[[int], None] | None = None,
) -> Answers:
    """Return the logits of every question whose answer is known; arguments as in ``evaluate``.

    Raises:
        ConfigError: no answer is known.
    """
    known = (dataset.questions.answer >= 0).nonzero()[:, 0].tolist()
    if not known:
        raise ConfigError(
            f"calibration: expected questions with answers, got {len(dataset)} without: use a "
            "split that tells them"
        )
    found = []
    for rows, logits in logits_by_batch(
        model.to(device), dataset, scenario, known, seed=seed, batch_size=batch_size, device=device
    ):
        found.append(logits.cpu())
        if on_rows is not None:
            on_rows(len(rows))
    asked = dataset.questions[known]
    return Answers(torch.cat(found), asked.answer, asked.question_id, asked.video_ids)


def temperature_of(of: Sequence[Answers]) -> float:
    """Return the temperature that makes the right answers of all scenarios together likeliest."""
    return calibration.fit_temperature(
        torch.cat([one.logits for one in of]), torch.cat([one.truth for one in of])
    )


def fit(
    model: MissingModalityAVQA,
    dataset: QADataset,
    scenarios: Sequence[Scenario],
    *,
    data_hash: str,
    seed: int = 0,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
    on_rows: Callable[[int], None] | None = None,
) -> RunCalibration:
    """Return a temperature for each scenario, with what it changes there.

    Args:
        model: the model.
        dataset: validation questions; training questions would make it too sure.
        scenarios: what may fail where the model is used.
        data_hash: of the data, for the record.
        seed: decides who misses what in a mixed scenario, the noise of a sampler and the redraws.
        batch_size: questions at a time.
        device: where to compute.
        on_rows: called with the number of questions just answered.

    Raises:
        ConfigError: no scenario, or no answer is known.
    """
    if not scenarios:
        raise ConfigError("--scenarios: expected at least one, got none: name what may fail")
    found = []
    for one in scenarios:
        of = answers(
            model, dataset, one, seed=seed, batch_size=batch_size, device=device, on_rows=on_rows
        )
        temperature = temperature_of([of])
        found.append(
            ScenarioCalibration(
                scenario=str(one),
                temperature=temperature,
                before=of.error(1.0, seed),
                after=of.error(temperature, seed),
                confidences=of.binned(temperature),
            )
        )
    return RunCalibration(scenarios=tuple(found), data_hash=data_hash)
