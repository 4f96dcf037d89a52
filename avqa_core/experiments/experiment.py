"""What one run of an experiment is, and the folder it lives in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avqa_core import fingerprint
from avqa_core.config import from_dict, require, to_dict
from avqa_core.errors import AvqaError, CheckpointError
from avqa_core.losses import ObjectiveConfig
from avqa_core.model import ModelConfig
from avqa_core.training.runs import replace_text
from avqa_core.training.settings import TrainConfig

SCENARIOS = ("complete", "audio_missing", "visual_missing", "both_missing")
DEFAULT_WORLD = "default"
JOB, OUTCOME, LOG = "job.json", "outcome.json", "log.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One run: what is built, where it starts, what it minimises and in what it is tested.

    Attributes:
        name: ``group/method``, the same for all seeds.
        group: what belongs to one table or figure.
        about: the row in words.
        model: what is built.
        objective: what is minimised.
        training: settings of the trainer; None takes the model as it starts.
        seed: of everything random in training.
        parent: name of the experiment whose weights it starts from, of the same seed.
        parts: what is taken from the parent.
        labelled_fraction: share of the training questions whose answer is told.
        missing_rate: share of the training clips that lack one half for good.
        world: ``default``, or ``coupling(x)`` for a Bandstand of another coupling.
        scenarios: what the test split is answered in.
        device: where the test split is answered, and where training happens if there is any.
    """

    name: str
    group: str
    about: str
    model: ModelConfig
    objective: ObjectiveConfig
    training: TrainConfig | None
    seed: int
    parent: str | None = None
    parts: tuple[str, ...] = ("backbone",)
    labelled_fraction: float = 1.0
    missing_rate: float = 0.0
    world: str = DEFAULT_WORLD
    scenarios: tuple[str, ...] = SCENARIOS
    device: str = "cpu"

    def __post_init__(self) -> None:
        require(
            self.training is None
            or (self.training.seed, self.training.device) == (self.seed, self.device),
            f"experiment {self.name}: expected the trainer to have seed {self.seed} and device "
            f"{self.device!r}, got {self.training}: set both alike",
        )
        require(
            self.training is not None or self.parent is not None,
            f"experiment {self.name}: expected training or a parent, got neither: a network that "
            "was never trained says nothing",
        )
        require(
            0 < self.labelled_fraction <= 1,
            f"experiment {self.name}: expected labelled_fraction in (0, 1], got "
            f"{self.labelled_fraction}",
        )
        require(
            0 <= self.missing_rate <= 1,
            f"experiment {self.name}: expected missing_rate in [0, 1], got {self.missing_rate}",
        )

    @property
    def key(self) -> tuple[str, int]:
        """What names the run among all runs of a plan."""
        return self.name, self.seed

    @property
    def num_steps(self) -> int:
        """Steps of the optimiser; 0 if nothing is trained."""
        return 0 if self.training is None else self.training.num_steps or 0

    def identity(self, data_hash: str, parent: str | None) -> str:
        """Return a hash of all that decides the trained weights.

        What stands at its default is left out, so that an option that comes later makes no run old.

        Args:
            data_hash: of the world.
            parent: identity of the parent's run.
        """
        told = to_dict(self, defaults=False)
        for name in ("name", "group", "about", "scenarios"):  # they decide no weight
            told.pop(name, None)
        return fingerprint.of_text(json.dumps(told, sort_keys=True), data_hash, parent or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An experiment with its places on disk; a folder with one can be run anywhere."""

    experiment: Experiment
    identity: str
    data: str
    data_hash: str
    parent_run: str | None = None

    def write(self, folder: Path) -> None:
        """Write the job into its folder."""
        replace_text(folder / JOB, json.dumps(to_dict(self), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Job:
        """Read what ``write`` wrote.

        Raises:
            CheckpointError: it is missing or damaged.
        """
        try:
            return from_dict(cls, json.loads((folder / JOB).read_text()), JOB)
        except (OSError, ValueError, AvqaError) as error:
            raise CheckpointError(
                f"expected the description of a run at {folder / JOB}, got {error}: start it with "
                "'avqa results'"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run gave: counts, cost, and what made them.

    Attributes:
        identity: of the job.
        correct: scenario -> right answers by ``str(category)``.
        total: questions by ``str(category)``.
        trained_parameters: how many numbers learned.
        total_parameters: of the whole model.
        steps: of the optimiser.
        seconds: of training, over all parts of a resumed run.
        evaluation_seconds: of answering the test split in every scenario.
        losses: mean over the last tenth of the steps, by name.
        provenance: versions, device and hashes.
    """

    identity: str
    correct: dict[str, dict[str, int]]
    total: dict[str, int]
    trained_parameters: int
    total_parameters: int
    steps: int
    seconds: float
    evaluation_seconds: float
    losses: dict[str, float]
    provenance: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write the outcome; from now on the run counts as finished."""
        values = {name: getattr(self, name) for name in self.__slots__}
        replace_text(folder / OUTCOME, json.dumps(values, indent=1) + "\n")

    @classmethod
    def find(cls, folder: Path) -> Outcome | None:
        """Return the outcome in ``folder``, None if there is none yet.

        Raises:
            CheckpointError: there is one, but it cannot be read.
        """
        path = folder / OUTCOME
        if not path.exists():
            return None
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(
                f"expected the outcome of a run at {path}, got {error}: remove {folder} and start "
                "again"
            ) from error
