"""The command line: parsing, progress and exit codes; the work is in the library.

Whatever a command needs is imported inside of it, so that ``avqa --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
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
from avqa_core.cli_training import evaluate, train
from avqa_core.errors import AvqaError

Several = tuple[str, ...]
QuestionFormat = Literal["music_avqa", "avqa"]


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
