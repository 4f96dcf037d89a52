"""What a run is: the trainer's settings, and everything a run was started with in one value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from avqa_core.config import require
from avqa_core.data.availability import Scenario
from avqa_core.errors import ConfigError
from avqa_core.losses import ObjectiveConfig
from avqa_core.model import ModelConfig
from avqa_core.types import FeatureDims


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Settings of the trainer; batch, optimiser and learning rate are the paper's.

    Attributes:
        num_steps: steps of the optimiser; None takes ``num_epochs``.
        num_epochs: passes over the training questions; None takes ``num_steps``.
        batch_size: questions a step, over all processes and all accumulated parts.
        learning_rate: the highest one of the schedule.
        schedule: ``constant``, ``step`` (times ``decay_factor`` every ``decay_epochs``) or
            ``cosine`` (to zero one step behind the last).
        decay_epochs: passes between two cuts of the schedule ``step``.
        decay_factor: what one cut multiplies by.
        warmup_steps: steps of linear growth before any schedule.
        answer_layer_steps: first of all, steps in which only the backbone's answer layer learns. A
            network that ends in tanh saturates while this layer finds out which answers are ever
            given; chapter 12 shows it.
        answer_layer_rate: learning rate of those steps.
        gradient_clip: largest norm of the whole gradient; None leaves it as it is.
        weight_decay: decoupled from the gradient (AdamW); at 0 the optimiser is Adam.
        seed: the one number that all randomness of the run comes from.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``bfloat16`` computes under autocast; parameters stay float32.
        compile: compile the loss; worth it on a GPU and for long runs only.
        accumulation: parts that a batch is cut into, to fit into memory.
        evaluate_every: steps between two validations; 0 validates after the last step only.
        checkpoint_every: steps between two resume points; 0 writes one after the last step only.
        selection: scenarios of the validation; the score that selects the best checkpoint is the
            mean of their accuracies.
    """

    num_steps: int | None = None
    num_epochs: int | None = None
    batch_size: int = 4
    learning_rate: float = 1e-4
    schedule: Literal["constant", "step", "cosine"] = "constant"
    decay_epochs: int = 20
    decay_factor: float = 0.1
    warmup_steps: int = 0
    answer_layer_steps: int = 0
    answer_layer_rate: float = 3e-2
    gradient_clip: float | None = None
    weight_decay: float = 0.0
    seed: int = 0
    device: str = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    accumulation: int = 1
    evaluate_every: int = 0
    checkpoint_every: int = 0
    selection: tuple[str, ...] = ("complete", "audio_missing", "visual_missing")

    def __post_init__(self) -> None:
        require(
            (self.num_steps is None) != (self.num_epochs is None),
            f"training: expected num_steps or num_epochs, got {self.num_steps} and "
            f"{self.num_epochs}: give exactly one",
        )
        for name in ("num_steps", "num_epochs"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"training.{name}: expected >= 1, got {value}")
        for name in ("batch_size", "accumulation", "decay_epochs"):
            value = getattr(self, name)
            require(value >= 1, f"training.{name}: expected >= 1, got {value}")
        for name in (
            "warmup_steps",
            "answer_layer_steps",
            "evaluate_every",
            "checkpoint_every",
            "weight_decay",
            "seed",
        ):
            value = getattr(self, name)
            require(value >= 0, f"training.{name}: expected >= 0, got {value}")
        for name in ("learning_rate", "answer_layer_rate", "decay_factor", "gradient_clip"):
            value = getattr(self, name)
            require(
                value is None or (math.isfinite(value) and value > 0),
                f"training.{name}: expected a finite number > 0, got {value}",
            )
        require(
            self.batch_size % self.accumulation == 0,
            f"training: expected accumulation to divide batch_size {self.batch_size}, "
            f"got {self.accumulation}: change one of them",
        )
        require(bool(self.selection), "training.selection: expected a scenario, got none: add one")
        try:
            names = [str(Scenario.parse(name)) for name in self.selection]
        except ConfigError as error:
            raise ConfigError(f"training.selection: {error}") from error
        require(
            len(set(names)) == len(names),
            f"training.selection: expected each scenario once, got {', '.join(names)}: leave the "
            "second out",
        )

    def learning_rate_at(self, step: int, num_steps: int, steps_per_epoch: int) -> float:
        """Return the learning rate of ``step`` (from 0): a function, so that resume is exact."""
        since = step - self.answer_layer_steps
        if since < 0:
            return self.answer_layer_rate
        if since < self.warmup_steps:
            return self.learning_rate * (since + 1) / self.warmup_steps
        if self.schedule == "step":
            cuts = step // (self.decay_epochs * steps_per_epoch)
            return self.learning_rate * self.decay_factor**cuts
        if self.schedule == "cosine":
            begun = self.answer_layer_steps + self.warmup_steps
            done = (step - begun) / max(1, num_steps - begun)
            return self.learning_rate * (1 + math.cos(math.pi * done)) / 2
        return self.learning_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that decides what a run computes, apart from its data and its first weights."""

    model: ModelConfig
    dims: FeatureDims
    objective: ObjectiveConfig
    training: TrainConfig
