"""The command line: parsing, progress and exit codes; the work is in the library.

Whatever a command needs is imported inside of it, so that ``avqa --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import tyro

from avqa_core.cli_audit import audit
from avqa_core.cli_calibration import calibrate, field
from avqa_core.cli_checkpoints import import_checkpoint
from avqa_core.cli_data import inspect, pack
from avqa_core.cli_experiments import compare, grid, results
from avqa_core.cli_floors import floors
from avqa_core.cli_media import ask, extract
from avqa_core.errors import AvqaError, ConfigError

Several = tuple[str, ...]
Preset = Literal["paper", "released_code", "recommended"]
Size = Literal["tiny", "book", "full", "paper"]
Regime = Literal["plain", "joint", "modality_dropout", "plug_in"]
QuestionFormat = Literal["music_avqa", "avqa"]
PartName = Literal["backbone", "completer", "enhancer"]


def train(
    data: Path,
    out: Path,
    preset: Preset = "recommended",
    size: Size = "book",
    regime: Regime = "joint",
    seed: int = 0,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int = 32,
    learning_rate: float = 1e-4,
    schedule: Literal["constant", "step", "cosine"] = "constant",
    device: str = "auto",
    precision: Literal["float32", "bfloat16"] = "float32",
    compile: bool = False,
    accumulation: int = 1,
    evaluate_every: int = 500,
    checkpoint_every: int = 100,
    like: Path | None = None,
    set: Several = (),
    init_from: Path | None = None,
    init_parts: tuple[PartName, ...] = ("backbone",),
    resume: Literal["auto", "require", "refuse"] = "auto",
) -> int:
    """Train a model, or go on with a run that was interrupted: the same command does both.

    Under torchrun every process takes its share of the same batches:
    torchrun --nproc-per-node 2 -m -- avqa_core.cli train ...

    Args:
        data: data folder, as 'avqa world' makes one.
        out: run folder; a run that was started there is taken up where it stopped.
        preset: which model.
        size: how large it is.
        regime: plain (complete data), joint (the paper), modality_dropout or plug_in.
        seed: the one number that all randomness comes from.
        steps: steps of the optimiser; 2000 unless epochs are given.
        epochs: passes over the training questions, instead of steps.
        batch_size: questions a step, over all processes.
        learning_rate: the highest one of the schedule.
        schedule: how the learning rate falls.
        device: auto, cpu, cuda or cuda:N.
        precision: bfloat16 computes under autocast.
        compile: compile the loss; pays off in long runs.
        accumulation: parts that a batch is cut into, to fit into memory.
        evaluate_every: steps between two validations; 0 validates after the last step only.
        checkpoint_every: steps between two resume points; 0 writes one after the last step only.
        like: a run to take model, objective and settings from, instead of the options above; what
            is to differ goes into --set, e.g. training.seed=1.
        set: any other field, e.g. completer.num_slots=50 completer=slot_mean
            objective.both_missing_rate=0.1 training.warmup_steps=100.
        init_from: a trained run to start from; plug_in needs one.
        init_parts: what to take from it.
        resume: auto goes on from a checkpoint if there is one, require only then, refuse never.
    """
    given = locals()
    from avqa_core import commands, presets
    from avqa_core.losses import ObjectiveConfig
    from avqa_core.progress import shown_training
    from avqa_core.training.events import Finished
    from avqa_core.training.settings import TrainConfig

    if like is None:
        configs: commands.Configs = (
            presets.preset(preset, size),
            ObjectiveConfig(regime=regime),
            TrainConfig(
                num_steps=2000 if steps is None and epochs is None else steps,
                num_epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
                schedule=schedule,
                seed=seed,
                device=device,
                precision=precision,
                compile=compile,
                accumulation=accumulation,
                evaluate_every=evaluate_every,
                checkpoint_every=checkpoint_every,
            ),
        )
    else:
        _refuse_beside_like(given)
        configs = commands.configs_of(like)
    trainer = commands.trainer(
        data,
        out,
        configs,
        size=size,
        assignments=set,
        is_like=like is not None,
        init_from=init_from,
        init_parts=init_parts,
        resume=resume,
    )
    try:
        for event in shown_training(trainer.run(), trainer.num_steps):
            if isinstance(event, Finished) and trainer.processes.is_main:
                score = "none" if event.best_score is None else f"{100 * event.best_score:.2f} %"
                print(f"{event.step} steps in {event.seconds:.0f} s, best validation {score}")
                print(f"next: avqa evaluate --run {out} --data {data}")
    except KeyboardInterrupt:
        _say(
            f"interrupted after step {trainer.step}: the same command goes on from the last "
            f"checkpoint of {out}, if one was written"
        )
        raise
    return 0


# What is no setting of a run, and so may stand beside --like; the size is that of exchanged parts.
_BESIDE_LIKE = {"data", "out", "size", "like", "set", "init_from", "init_parts", "resume"}


def _refuse_beside_like(given: Mapping[str, Any]) -> None:
    """Refuse an option of ``train`` that the other run has decided already."""
    for name, option in signature(train).parameters.items():
        if name not in _BESIDE_LIKE and given[name] != option.default:
            raise ConfigError(
                f"--like: expected no --{name.replace('_', '-')} beside it, got {given[name]}: "
                "change what the other run has with --set, e.g. training.seed=1"
            )


def evaluate(
    run: Path,
    data: Path,
    scenarios: Several = ("complete", "audio_missing", "visual_missing", "both_missing"),
    split: Literal["train", "val", "test"] = "test",
    which: Literal["best", "last"] = "best",
    seed: int = 0,
    batch_size: int = 64,
    device: str = "auto",
    keep_answers: bool = False,
    at_least: float | None = None,
    out: Path | None = None,
) -> int:
    """Answer a split in each scenario, print the table and write report.json.

    Under torchrun every process answers its share of the questions:
    torchrun --nproc-per-node 2 -m -- avqa_core.cli evaluate ...

    Args:
        run: run folder of a trained model.
        data: data folder.
        scenarios: complete, audio_missing, visual_missing, both_missing, 'mixed(p_a,p_v)',
            'audio_drops(n)', 'visual_drops(n)', or several of them at once, joined by '+'.
        split: which questions; the floor of train is fitted on these very questions.
        which: the best checkpoint of the validation, or the last.
        seed: decides who misses what in a mixed scenario, and the noise of a sampler.
        batch_size: questions at a time; the report does not depend on it.
        device: auto, cpu, cuda or cuda:N.
        keep_answers: put every answer into the report, for paired tests.
        at_least: tell how many questions are answered, and how many of those right, by answering
            only when at least so sure, e.g. 0.8; the run has to be calibrated with 'avqa
            calibrate', and the report keeps every answer.
        out: where to write; report.json in the run folder if not given.
    """
    from avqa_core import abstention, commands
    from avqa_core.places import require_file_place
    from avqa_core.training.distributed import is_main_process

    if at_least is not None:
        abstention.require_threshold(at_least)
    if out is not None:
        require_file_place(out, "--out", "report.json")
    report = commands.evaluate_run(
        run,
        data,
        scenarios=scenarios,
        split=split,
        which=which,
        seed=seed,
        batch_size=batch_size,
        device=device,
        keep_answers=keep_answers,
        is_calibrated=at_least is not None,
    )
    if is_main_process():
        path = out or run / "report.json"
        print(report.table())  # first: what took minutes is not lost with a full disk
        if at_least is not None:
            print(abstention.table(report.answered, at_least))
        report.save(path)
        print(f"written to {path}")
    return 0


def world(
    out: Path,
    clips: int = 2200,
    seed: int = 0,
    coupling: float = 0.8,
    difficulty: float = 0.3,
    format: QuestionFormat = "music_avqa",
    video: bool = False,
    workers: int | None = None,
) -> int:
    """Make a Bandstand: scenes, questions and features in the format of MUSIC-AVQA or AVQA.

    A build that was interrupted goes on where it stopped.

    Args:
        out: where to.
        clips: of all three splits together; 8 : 1 : 2 for training, validation and test.
        seed: of the whole world.
        coupling: in [0, 1], how far sight predicts sound and back.
        difficulty: in [0, 1], how fine the differences are that questions ask for.
        format: of the question files; avqa writes multiple choice with four candidates.
        video: write a playable .mp4 of each clip too.
        workers: processes; one for each core if not given.
    """
    import os

    from avqa_core import commands
    from avqa_core.bandstand.world import WorldFinished, WorldProgress
    from avqa_core.config import require
    from avqa_core.progress import Stage, resumable, shown_stages

    def place(event: object) -> Stage | None:
        if isinstance(event, WorldProgress):
            return Stage(event.stage, event.done, event.total, "clip")
        return None

    require(
        workers is None or workers >= 1,
        f"--workers: expected at least 1, got {workers}: name a number of cores",
    )
    events = commands.world_events(
        out,
        clips,
        seed=seed,
        coupling=coupling,
        difficulty=difficulty,
        video=video,
        num_workers=workers or os.cpu_count() or 1,
        question_format=format,
    )
    with resumable():
        for event in shown_stages(events, place):
            if isinstance(event, WorldFinished):
                print(f"{sum(event.num_questions.values())} questions in {out}")
                print(f"next: avqa train --data {out} --out RUN")
    return 0


def encoders(
    out: Path | None = None,
    seed: int = 0,
    visual_steps: int | None = None,
    audio_steps: int | None = None,
    replace_stored: bool = False,
) -> int:
    """Train Bandstand's frame and sound encoders anew, on scenes that are in no split.

    Args:
        out: where to write the weights and recipe.json.
        seed: of scenes, first weights and order.
        visual_steps: updates of the network that looks; those of the recipe if not given.
        audio_steps: updates of the network that listens; likewise.
        replace_stored: write in place of the stored weights, with which every world is made.
    """
    from dataclasses import replace

    from avqa_core.bandstand import encoder_training as training
    from avqa_core.config import require
    from avqa_core.progress import Stage, shown_stages

    def place(event: object) -> Stage | None:
        if isinstance(event, training.EncoderStep):
            note = f"loss {event.loss:.3f}"
            return Stage(event.network, event.step, event.num_steps, "step", note)
        return None

    recipe = training.EncoderConfig(seed=seed)
    config = replace(
        recipe,
        visual_steps=recipe.visual_steps if visual_steps is None else visual_steps,
        audio_steps=recipe.audio_steps if audio_steps is None else audio_steps,
    )
    require(
        (out is not None) != replace_stored,
        "encoders: expected a place for the weights, got "
        f"{'two' if replace_stored else 'none'}: name a folder with --out, or give "
        "--replace-stored to change what every world is made with",
    )
    folder = out or Path(training.__file__).parent / "weights"
    folder.mkdir(parents=True, exist_ok=True)  # before minutes of training, not behind them
    for event in shown_stages(training.train_encoders(config, folder), place):
        if isinstance(event, training.EncodersWritten):
            for name, score in event.scores.items():
                print(f"{name}: {100 * score:.1f} %")
            print(f"written to {event.folder}")
    return 0


def env() -> int:
    """Check whether this machine has what the package needs; exit code 1 if it has not."""
    from avqa_core.inspection import environment

    lines = list(environment())
    for is_fine, line in lines:
        print(f"{'ok   ' if is_fine else 'WRONG'}  {line}")
    return 0 if all(is_fine for is_fine, _ in lines) else 1


COMMANDS: dict[str, Callable[..., Any]] = {
    "world": world,
    "encoders": encoders,
    "pack": pack,
    "extract": extract,
    "train": train,
    "evaluate": evaluate,
    "calibrate": calibrate,
    "ask": ask,
    "results": results,
    "grid": grid,
    "compare": compare,
    "audit": audit,
    "floors": floors,
    "field": field,
    "import-checkpoint": import_checkpoint,
    "inspect": inspect,
    "env": env,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 is success, 2 an error that the user can do something about, 130 an interruption, 141 a
    reader such as ``head`` that has gone.
    """
    try:
        try:
            return int(
                tyro.extras.subcommand_cli_from_dict(
                    COMMANDS,
                    prog="avqa",
                    description="Answer questions about clips whose sound or picture is gone.",
                    args=arguments,
                )
            )
        finally:  # --help leaves with SystemExit, and what it said is still to be written
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at its end
        return 141
    except AvqaError as error:
        _say(f"error: {error}")
        return 2
    except _errors("concurrent.futures.process.BrokenProcessPool"):
        _say(
            "error: expected every process to live, got one that was killed: was there memory "
            "enough? The same command goes on"
        )
        return 2
    except _errors("builtins.MemoryError", "torch.OutOfMemoryError") as error:
        _say(
            f"error: expected memory enough, got {str(error) or 'too little'}: ask for less at "
            "once, for example with fewer --workers or a smaller --batch-size"
        )
        return 2
    except OSError as error:
        _say(f"error: {error}: check the path, who may write there, and how much room is left")
        return 2
    except KeyboardInterrupt:
        return 130


def _errors(*names: str) -> tuple[type[BaseException], ...]:
    """Return errors by their full names, without those of modules that nobody has imported."""
    parts = (name.rsplit(".", 1) for name in names)
    found = (getattr(sys.modules.get(module), name, None) for module, name in parts)
    return tuple(one for one in found if one is not None)


def _say(message: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(" ".join(message.split()) + "\n")


if __name__ == "__main__":
    sys.exit(main())
