"""What the commands of ``avqa`` do, as functions that a program can call too."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from avqa_core import bounds, run_calibration, worlds
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.world import Event as WorldEvent
from avqa_core.bandstand.world import QuestionFormat, build_world
from avqa_core.config import read, require, to_dict
from avqa_core.data.availability import Scenario
from avqa_core.errors import ConfigError
from avqa_core.evaluation import evaluate
from avqa_core.losses import ObjectiveConfig
from avqa_core.model import ModelConfig
from avqa_core.presets import SIZES, assign
from avqa_core.progress import counting
from avqa_core.report import Report
from avqa_core.training import checkpoint, runs
from avqa_core.training.distributed import joined, resolve_device
from avqa_core.training.loop import Resume, Trainer
from avqa_core.training.settings import RunConfig, TrainConfig
from avqa_core.usable import UsableFolder, told, told_shared

Configs = tuple[ModelConfig, ObjectiveConfig, TrainConfig]


def compose(
    model: ModelConfig,
    objective: ObjectiveConfig,
    training: TrainConfig,
    assignments: Sequence[str],
    size: str,
) -> Configs:
    """Apply assignments such as ``completer.num_slots=50`` or ``objective.recall_weight=0``.

    A path begins with ``objective``, with ``training`` or with a part of the model. A part can be
    exchanged by its name, ``completer=slot_mean`` or ``enhancer.denoiser=light``, and comes at the
    given size.

    Raises:
        ConfigError: no such field, or a value that does not fit it.
    """
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        require(
            bool(separator and path),
            f"--set: expected FIELD=VALUE such as completer.num_slots=50, got {assignment!r}",
        )
        head, _, rest = path.partition(".")
        require(
            bool(rest) or head not in ("objective", "training"),
            f"--set: expected {head}.FIELD=VALUE, got {assignment!r}: name a field",
        )
        if head == "objective":
            objective = assign(objective, rest, text, SIZES[size])
        elif head == "training":
            training = assign(training, rest, text, SIZES[size])
        else:
            model = assign(model, path, text, SIZES[size])
    return model, objective, training


def configs_of(run: Path) -> Configs:
    """Return how another run was built and trained; its features are no concern of ours.

    Raises:
        CheckpointError: no such run, or it has no checkpoint yet.
    """
    folder = checkpoint.find(runs.RunFolder(run).checkpoints, "last")
    config = read(RunConfig, folder / "config.json")
    return config.model, config.objective, config.training


def trainer(
    data: Path,
    out: Path,
    configs: Configs,
    *,
    size: str,
    assignments: Sequence[str] = (),
    is_like: bool = False,
    init_from: Path | None = None,
    init_parts: Sequence[str] = ("backbone",),
    resume: Resume = "auto",
) -> Trainer:
    """Return the trainer that ``avqa train`` runs.

    Args:
        data: data folder.
        out: run folder.
        configs: model, objective and settings, of a preset or of another run.
        size: of parts that the assignments exchange.
        assignments: what is to differ from ``configs``, see ``compose``.
        is_like: whether ``configs`` are those of another run, which has chosen its selection.
        init_from: a trained run to start from.
        init_parts: what to take from it.
        resume: whether to go on from a checkpoint.

    Raises:
        AvqaError: something does not exist or does not fit.
    """
    with _blaming(assignments):
        model, objective, training = compose(*configs, assignments, size)
    require(
        out.resolve() != data.resolve(),
        f"--out: expected a folder for the run alone, got the data folder {data}: name another one",
    )
    is_chosen = any(one.partition("=")[0] == "training.selection" for one in assignments)
    is_chosen = is_chosen or (is_like and configs[1].regime == "plain")
    if objective.regime == "plain" and not is_chosen:
        # completer and enhancer keep their random start, so what they do must not choose the best
        training = replace(training, selection=("complete",))
    folder = _opened(data, "train", "val")
    initial = None if init_from is None else runs.load_run(init_from, "best")
    if initial is not None and initial[1] != folder.vocabulary:
        raise ConfigError(
            f"--init-from: expected a run with the words and answers of {data}, got other ones: "
            "use the world it was trained on"
        )
    train, validation = folder.dataset("train"), folder.dataset("val")
    with _blaming(assignments):
        return Trainer(
            training,
            model=model,
            objective=objective,
            train=train,
            validation=validation,
            run_dir=out,
            initial=None if initial is None else initial[0],
            initial_parts=init_parts,
            data_hash=runs.data_hash(data),
            resume=resume,
        )


@contextmanager
def _blaming(assignments: Sequence[str]) -> Iterator[None]:
    """Turn what goes wrong while a model is built into an error about what was set, if it was.

    Without anything set it is a fault of ours, or of a part that is being written, and its author
    wants to see where.
    """
    try:
        yield
    except (ArithmeticError, IndexError, RuntimeError, TypeError, ValueError) as error:
        if not assignments or "OutOfMemory" in type(error).__name__:
            raise
        raise ConfigError(
            f"--set: expected values with which a model can be built, got {type(error).__name__}: "
            f"{error}: change what was set, {' '.join(assignments)}"
        ) from error


def evaluate_run(
    run: Path,
    data: Path,
    *,
    scenarios: Sequence[str],
    split: str = "test",
    which: checkpoint.Which = "best",
    seed: int = 0,
    batch_size: int = 64,
    device: str = "auto",
    keep_answers: bool = False,
    is_calibrated: bool = False,
) -> Report:
    """Return the report of a trained run on a split of a data folder.

    With ``is_calibrated`` its answers are kept, as sure as the calibration of the run says.

    Raises:
        AvqaError: something does not exist or does not fit, or the run was never calibrated.
    """
    parsed = _parsed(scenarios, batch_size)
    folder, place = _opened(data, split), resolve_device(device)
    where = checkpoint.find(runs.RunFolder(run).checkpoints, which)
    model, loaded = checkpoint.load_model(where)
    temperatures = {}
    if is_calibrated:
        calibration = run_calibration.read(where)
        temperatures = {str(one): calibration.of(str(one)).temperature for one in parsed}
    dataset = folder.dataset(split, loaded.vocabulary)
    made_by = runs.provenance(seed, place, runs.data_hash(data))
    with joined(place) as processes:
        share = len(processes.share(len(dataset))) * len(parsed)
        bar, advance = counting(share, "question")
        with bar:
            return evaluate(
                model,
                dataset,
                parsed,
                seed=seed,
                batch_size=batch_size,
                device=place,
                split=split,
                floors=bounds.floors(folder, split),
                ceilings=bounds.ceilings(folder, split, parsed, seed),
                keep_answers=keep_answers or is_calibrated,
                provenance={**made_by, "run": run_provenance(loaded), "temperatures": temperatures},
                temperatures=temperatures,
                processes=processes,
                on_rows=advance,
            )


def _parsed(scenarios: Sequence[str], batch_size: int) -> list[Scenario]:
    """Return the scenarios of a command, each once."""
    require(batch_size >= 1, f"--batch-size: expected at least 1, got {batch_size}: raise it")
    parsed = [Scenario.parse(one) for one in scenarios]
    names = [str(one) for one in parsed]
    require(bool(names), "--scenarios: expected at least one, got none: name some")
    require(
        len(set(names)) == len(names),
        f"--scenarios: expected each once, got {' '.join(names)}: name each once",
    )
    return parsed


def calibrate_run(
    run: Path,
    data: Path,
    *,
    scenarios: Sequence[str],
    which: checkpoint.Which = "best",
    seed: int = 0,
    batch_size: int = 64,
    device: str = "auto",
) -> tuple[run_calibration.RunCalibration, Path]:
    """Fit the temperatures of a trained run on the validation questions, and write them to it.

    Returns:
        What is known of the checkpoint, with what was fitted on the same questions before, and
        where it was written.

    Raises:
        AvqaError: something does not exist or does not fit.
    """
    parsed = _parsed(scenarios, batch_size)
    where = checkpoint.find(runs.RunFolder(run).checkpoints, which)
    model, loaded = checkpoint.load_model(where)
    dataset = _opened(data, "val").dataset("val", loaded.vocabulary)
    bar, advance = counting(len(dataset) * len(parsed), "question")
    with bar:
        fitted = run_calibration.fit(
            model,
            dataset,
            parsed,
            data_hash=runs.data_hash(data),
            seed=seed,
            batch_size=batch_size,
            device=resolve_device(device),
            on_rows=advance,
        )
    fitted = fitted.joined_to(run_calibration.found(where))
    return fitted, fitted.write(where)


def world_events(
    out: Path,
    clips: int,
    *,
    seed: int,
    coupling: float,
    difficulty: float,
    video: bool,
    num_workers: int,
    question_format: QuestionFormat = "music_avqa",
) -> Iterator[WorldEvent]:
    """Build a Bandstand of ``clips``, split 8 : 1 : 2, yielding its progress.

    Raises:
        ConfigError: too few clips for three splits, a knob out of range, or, while it is built, a
            process that was killed.
    """
    require(
        clips >= 11,
        f"--clips: expected at least 11, eight for training and three for the rest, got {clips}",
    )
    val, test = round(clips / 11), round(2 * clips / 11)
    events = build_world(
        WorldConfig(seed=seed, coupling=coupling, difficulty=difficulty),
        out,
        splits={"train": clips - val - test, "val": val, "test": test},
        num_workers=num_workers,
        video=video,
        question_format=question_format,
    )
    return worlds.told_if_killed(events, out)


def run_provenance(loaded: checkpoint.Checkpoint) -> dict[str, Any]:
    """Return where a trained model comes from: its config, and how and how long it was trained."""
    return {
        "config": to_dict(loaded.config),
        "step": loaded.state.step,
        "best_score": loaded.state.best_score,
        "seconds": loaded.state.seconds,
        "provenance": dict(loaded.state.provenance),
    }


def _opened(data: Path, *splits: str) -> UsableFolder:
    """Return a data folder, and say which questions of some splits do not count."""
    folder = UsableFolder(data)
    for line in (*told(folder, splits), *told_shared(folder, splits)):
        sys.stderr.write(f"{line}\n")
    return folder
