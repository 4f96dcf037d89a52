"""What a source computes at the beginning of an experiment, to compare two sources by.

A replay needs the folder of a whole run. Where there is none, on another machine or after a
clean-up, two checkouts can be asked instead: each takes the first steps of every experiment, from a
parent with random weights, and answers some questions. Where all of it agrees bit for bit on one
machine, the stored runs of the one source count as made by the other. Weights that have learned are
not seen so, as a replay sees them, nor is what acts only later in a training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from avqa_core import fingerprint, rng
from avqa_core.data.availability import Scenario
from avqa_core.data.folder import DataFolder
from avqa_core.errors import CheckpointError
from avqa_core.evaluation import logits_by_batch
from avqa_core.experiments import worker
from avqa_core.experiments.experiment import Job
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.training import runs
from avqa_core.training.events import StepDone
from avqa_core.training.loop import Trainer

NUM_STEPS, NUM_QUESTIONS = 5, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The first steps of one experiment, and its first answers.

    Attributes:
        experiment: its name.
        seed: of the run that was begun; others run the same code.
        data_hash: of the data.
        source_modules: what was imported for it.
        source_hash: of these.
        rates: hash of the learning rates of all its steps.
        losses: of each step that was taken, by name, as JSON.
        logits: hash of the answers to the first questions of the test, by scenario.
    """

    experiment: str
    seed: int
    data_hash: str
    source_modules: tuple[str, ...]
    source_hash: str
    rates: str
    losses: tuple[str, ...]
    logits: dict[str, str]

    @property
    def source(self) -> dict[str, Any]:
        """What was imported and its hash, as a provenance has them."""
        return {"source_modules": list(self.source_modules), "source_hash": self.source_hash}

    def differs_from(self, other: Beginning) -> list[str]:
        """Return one sentence for everything that the two do not have in common."""
        found = []
        if self.data_hash != other.data_hash:
            found.append("the data are others")
        if self.rates != other.rates:
            found.append("the learning rates are others")
        pairs = zip(self.losses, other.losses, strict=False)
        for step, (ours, theirs) in enumerate(pairs, start=1):
            if ours != theirs:
                found.append(f"step {step}: losses {ours}, {theirs} before")
                break
        if len(self.losses) != len(other.losses):
            found.append(f"{len(self.losses)} steps, {len(other.losses)} before")
        for scenario in {**self.logits, **other.logits}:
            if self.logits.get(scenario) != other.logits.get(scenario):
                found.append(f"{scenario}: other answers")
        return found


def begin(job: Job, parent: ModelConfig | None) -> Beginning:
    """Take the first steps of a run that is written nowhere, and answer the first questions.

    Args:
        job: what is run; the run that it starts from need not be there.
        parent: how that one is built; its weights are random.
    """
    torch.set_num_threads(1)
    experiment, data = job.experiment, DataFolder(job.data)
    initial = None
    if parent is not None:
        with rng.initialising(rng.derive(experiment.seed, "beginnings")):
            initial = MissingModalityAVQA(parent, data.dataset("train").dims).eval()
    rates, losses = "", list[str]()
    if experiment.training is None:
        model = worker.as_it_starts(experiment, data, initial)
    else:
        trainer = worker.trainer_of(job, data, initial, None)
        rates = _rates(trainer)
        taken = (one for one in trainer.run() if isinstance(one, StepDone))
        losses = [json.dumps(dict(one.losses)) for one in islice(taken, NUM_STEPS)]
        model = trainer.model
    logits = {one: _answered(model.eval(), data, one) for one in experiment.scenarios}
    modules = [name for name in runs.source_modules() if name != __name__]
    return Beginning(
        experiment=experiment.name,
        seed=experiment.seed,
        data_hash=job.data_hash,
        source_modules=tuple(modules),
        source_hash=runs.source_hash(modules),
        rates=rates,
        losses=tuple(losses),
        logits=logits,
    )


@dataclass(frozen=True)
class Beginnings:
    """What one source computes: its beginnings by the name of their experiment.

    ``sources`` are the hashes by which stored runs are known to be of this source.
    """

    found: Mapping[str, Beginning]
    sources: frozenset[str]


def write(path: Path, beginnings: Beginnings) -> None:
    """Write beginnings into a file."""
    content = {
        "sources": sorted(beginnings.sources),
        "beginnings": [asdict(one) for one in beginnings.found.values()],
    }
    runs.replace_text(path, json.dumps(content, indent=1) + "\n")


def read(path: Path) -> Beginnings:
    """Return what ``write`` wrote.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        content = json.loads(path.read_text())
        found = [_from_json(one) for one in content["beginnings"]]
        sources = frozenset(content["sources"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"--beginnings: expected a file that 'avqa results --beginnings' wrote, got {path} "
            f"({error}): write it in a checkout of the source to compare with"
        ) from error
    return Beginnings({one.experiment: one for one in found}, sources)


def _from_json(one: dict[str, Any]) -> Beginning:
    lists = {name: tuple(one[name]) for name in ("source_modules", "losses")}
    return Beginning(**{**one, **lists})


def _rates(trainer: Trainer) -> str:
    settings = trainer.config.training
    steps = range(trainer.num_steps)
    return fingerprint.of_text(
        *(
            repr(settings.learning_rate_at(one, trainer.num_steps, trainer.steps_per_epoch))
            for one in steps
        )
    )


@torch.inference_mode()
def _answered(model: MissingModalityAVQA, data: DataFolder, scenario: str) -> str:
    test = data.dataset("test", cache=True)
    batches = logits_by_batch(
        model,
        test,
        Scenario.parse(scenario),
        range(min(NUM_QUESTIONS, len(test))),
        seed=worker.EVALUATION_SEED,
        batch_size=NUM_QUESTIONS,
        device="cpu",
    )
    return fingerprint.of_text(*(repr(logits.tolist()) for _, logits in batches))
