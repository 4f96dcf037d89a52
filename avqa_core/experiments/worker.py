"""One run of an experiment in a process of its own: train or go on, answer the test, write down.

``avqa results`` starts ``work`` for each run; ``python -m avqa_core.experiments.worker FOLDER`` is
the same for a scheduler.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import threading
import time
from collections import defaultdict
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import fmean

import torch

from avqa_core import rng
from avqa_core.data.folder import DataFolder
from avqa_core.errors import AvqaError, ConfigError
from avqa_core.evaluation import evaluate
from avqa_core.experiments.experiment import LOG, Experiment, Job, Outcome
from avqa_core.losses import LossModule
from avqa_core.model import MissingModalityAVQA
from avqa_core.report import Report
from avqa_core.training import runs, starting
from avqa_core.training.distributed import resolve_device
from avqa_core.training.events import StepDone, read_log
from avqa_core.training.loop import Trainer

# One for all runs: who misses what, and the noise of a sampler, are the same for every method.
EVALUATION_SEED = 0
BATCH_SIZE = 128


def run(folder: Path) -> Outcome:
    """Do the job in ``folder``, from where an earlier process left it.

    Raises:
        AvqaError: the job is damaged, or what it needs is not there.
    """
    job = Job.read(folder)
    data = DataFolder(job.data)
    parent = parent_of(job, data)
    if job.experiment.training is None:
        model, trained, seconds = as_it_starts(job.experiment, data, parent), 0, 0.0
    else:
        trainer = trainer_of(job, data, parent, folder)
        for _ in trainer.run():
            pass
        model = runs.load_run(folder, "best")[0]
        trained = sum(parameter.numel() for parameter in trainer.trained.values())
        seconds = trainer.seconds
    outcome = _tested(job, folder, data, model, trained, seconds)
    outcome.write(folder)
    return outcome


def parent_of(job: Job, data: DataFolder) -> MissingModalityAVQA | None:
    """Return the model that a job starts from, None if it starts anew.

    Raises:
        ConfigError: the parent was trained with other words or answers.
    """
    if job.parent_run is None:
        return None
    model, vocabulary, _ = runs.load_run(Path(job.parent_run), "best")
    if vocabulary != data.vocabulary:
        raise ConfigError(
            f"expected {job.parent_run} to know the words and answers of {job.data}, got other "
            "ones: run the parent again"
        )
    return model


def trainer_of(
    job: Job, data: DataFolder, parent: MissingModalityAVQA | None, folder: Path | None
) -> Trainer:
    """Return the trainer of a job that learns; without a ``folder`` it writes nothing."""
    experiment = job.experiment
    assert experiment.training is not None
    validates = experiment.training.evaluate_every > 0
    return Trainer(
        experiment.training,
        model=experiment.model,
        objective=experiment.objective,
        train=data.dataset(
            "train",
            cache=True,
            labelled_fraction=experiment.labelled_fraction,
            missing_rate=experiment.missing_rate,
            seed=experiment.seed,
        ),
        validation=data.dataset("val", cache=True) if validates else None,
        run_dir=folder,
        initial=parent,
        initial_parts=experiment.parts,
        data_hash=job.data_hash,
    )


def as_it_starts(
    experiment: Experiment, data: DataFolder, parent: MissingModalityAVQA | None
) -> MissingModalityAVQA:
    """Return the model with its parent's parts; a completer with a bank takes in the clips."""
    train = data.dataset("train", cache=True)
    with rng.initialising(rng.derive(experiment.seed, "parameters")):
        model = MissingModalityAVQA(experiment.model, train.dims)
    starting.take_parts(model, parent, experiment.parts, experiment.objective.regime)
    clips = starting.encoded_clips(model, train, torch.device("cpu"))
    model.completer.fit(clips, generator=rng.named(experiment.seed, "fit", 0))
    LossModule(model, experiment.objective)
    return model.eval()


def _tested(
    job: Job,
    folder: Path,
    data: DataFolder,
    model: MissingModalityAVQA,
    trained: int,
    seconds: float,
) -> Outcome:
    started = time.perf_counter()
    report = answered(job, data, model)
    return Outcome(
        identity=job.identity,
        correct=correct_of(report),
        total=_totals(report),
        trained_parameters=trained,
        total_parameters=sum(parameter.numel() for parameter in model.parameters()),
        steps=job.experiment.num_steps,
        seconds=seconds,
        evaluation_seconds=time.perf_counter() - started,
        losses=_last_losses(folder / "events.jsonl"),
        provenance=runs.provenance(
            job.experiment.seed, resolve_device(job.experiment.device), job.data_hash
        ),
    )


def answered(job: Job, data: DataFolder, model: MissingModalityAVQA) -> Report:
    """Return the answers to the test split in every scenario of a job."""
    return evaluate(
        model,
        data.dataset("test", cache=True),
        job.experiment.scenarios,
        seed=EVALUATION_SEED,
        batch_size=BATCH_SIZE,
        device=resolve_device(job.experiment.device),
    )


def correct_of(report: Report) -> dict[str, dict[str, int]]:
    """Return the right answers of each scenario by ``str(category)``."""
    correct: dict[str, dict[str, int]] = defaultdict(dict)
    for row in report.rows:
        correct[row.scenario][str(row.category)] = row.correct
    return dict(correct)


def _totals(report: Report) -> dict[str, int]:
    first = report.scenarios[0]
    return {str(row.category): row.total for row in report.select(first)}


def _last_losses(log: Path) -> dict[str, float]:
    """Return the mean of every loss over the last tenth of the steps."""
    if not log.exists():
        return {}
    steps = [one for one in read_log(log) if isinstance(one, StepDone)]
    values: dict[str, list[float]] = defaultdict(list)
    for step in steps[-max(1, len(steps) // 10) :]:
        for name, value in step.losses.items():
            values[name].append(value)
    return {name: fmean(of) for name, of in values.items()}


def work(folder: Path) -> None:
    """Do the job in ``folder`` in a process of its own, and end with an exit code.

    What it says goes to a log in the folder. It ends with the process that started it, also when
    that one is killed and cannot end its children.
    """
    with (folder / LOG).open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    sys.exit(_exit_code(folder))


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _exit_code(folder: Path) -> int:
    torch.set_num_threads(1)
    try:
        run(folder)
    except AvqaError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def main() -> int:
    """Run one job from the command line and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the job.json of a run")
    return _exit_code(parser.parse_args().folder)


# Hashes of the source are kept once they are made: made now, they are those of the code that runs,
# also if somebody edits a file before the run ends.
runs.source_hash()

if __name__ == "__main__":
    sys.exit(main())
