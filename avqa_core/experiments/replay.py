"""Does changed source still make the same numbers? Repeat the beginning and the test of a run.

A run of an hour need not be repeated for an edit that computes the same. So its first steps are
taken again, and its stored weights answer the test again: every loss has to be the one in the log
and every count the stored one, bit for bit, and the learning rate of every step as well. What acts
only later in a training, such as the order of a second epoch, is not seen. Digits agree only on a
machine like the one that made them; elsewhere the run has to be made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch

from avqa_core.data.folder import DataFolder
from avqa_core.experiments import worker
from avqa_core.experiments.experiment import Job, Outcome
from avqa_core.training import runs
from avqa_core.training.events import StepDone, read_log
from avqa_core.training.loop import Trainer

NUM_STEPS = 20


def differences(folder: Path, num_steps: int = NUM_STEPS) -> tuple[list[str], dict[str, Any]]:
    """Repeat a finished run in part; return what differs, and the source that repeated it.

    Args:
        folder: of the run; nothing in it is changed.
        num_steps: steps that are taken again.

    Returns:
        One sentence a difference, none if all agrees; ``source_modules`` and ``source_hash``.
    """
    torch.set_num_threads(1)
    try:
        found = list(_differences(folder, num_steps))
    except Exception as error:  # other source may stumble over anything
        found = [f"it cannot be repeated: {type(error).__name__}: {error}"]
    modules = [name for name in runs.source_modules() if name != __name__]
    return found, {"source_modules": modules, "source_hash": runs.source_hash(modules)}


def _differences(folder: Path, num_steps: int) -> Iterator[str]:
    job, outcome = Job.read(folder), Outcome.find(folder)
    if outcome is None:
        yield "it is not finished"
        return
    data = DataFolder(job.data)
    parent = worker.parent_of(job, data)
    if job.experiment.training is None:
        model = worker.as_it_starts(job.experiment, data, parent)
    else:
        yield from _of_steps(worker.trainer_of(job, data, parent, None), folder, num_steps)
        model = runs.load_run(folder, "best")[0]
    correct = worker.correct_of(worker.answered(job, data, model))
    for scenario, counts in correct.items():
        if counts != outcome.correct.get(scenario):
            yield (
                f"{scenario}: {sum(counts.values())} right answers, "
                f"{sum(outcome.correct.get(scenario, {}).values())} are stored"
            )


def _of_steps(trainer: Trainer, folder: Path, num_steps: int) -> Iterator[str]:
    logged = [one for one in read_log(folder / "events.jsonl") if isinstance(one, StepDone)]
    settings = trainer.config.training
    for done in logged:
        rate = settings.learning_rate_at(done.step - 1, trainer.num_steps, trainer.steps_per_epoch)
        if rate != done.learning_rate:
            yield f"step {done.step}: learning rate {rate}, {done.learning_rate} is logged"
            return
    taken = (one for one in trainer.run() if isinstance(one, StepDone))
    for ours, theirs in zip(islice(taken, num_steps), logged, strict=False):
        if dict(ours.losses) != dict(theirs.losses):
            yield f"step {ours.step}: losses {dict(ours.losses)}, {dict(theirs.losses)} are logged"
            return
    if len(logged) != trainer.num_steps:
        yield f"{trainer.num_steps} steps are wanted, {len(logged)} are logged"


def vouched(
    source: dict[str, Any], seed: int, steps: int, weights: Literal["trained", "random"] = "trained"
) -> dict[str, Any]:
    """Return what the provenance of a run says from now on.

    Args:
        source: as ``differences`` returned it.
        seed: of the run that was repeated; runs of one experiment differ in nothing else.
        steps: of a whole run, or those that were taken.
        weights: that the test was answered with.
    """
    told = {
        "commit": runs.commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "seed": seed,
        "steps": min(NUM_STEPS, steps),
        "weights": weights,
    }
    return {**source, "replayed": told}


def vouch(folder: Path, told: dict[str, Any]) -> None:
    """Let a run count as made by other source; what made it first stays in its provenance.

    Args:
        folder: of the run.
        told: as ``vouched`` returned it.
    """
    outcome = Outcome.find(folder)
    assert outcome is not None, folder
    outcome.provenance.update(told)
    outcome.write(folder)
