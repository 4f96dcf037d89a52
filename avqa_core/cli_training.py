"""The commands that train a network and let it answer.

As in ``cli``, whatever a command needs is imported inside of it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from avqa_core.errors import ConfigError

Several = tuple[str, ...]
Preset = Literal["paper", "released_code", "recommended"]
Size = Literal["tiny", "book", "full", "paper"]
Regime = Literal["plain", "joint", "modality_dropout", "plug_in"]
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
    given = locals()  # the options alone, before anything else has a name
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
        sys.stderr.write(
            f"interrupted after step {trainer.step}: the same command goes on from the last "
            f"checkpoint of {out}, if one was written\n"
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
