"""Writing a world: scenes, questions, features, floors and ceilings in one folder.

    json/avqa-{train,val,test}.json   questions in the format of MUSIC-AVQA, or of AVQA
    scenes/{train,val,test}.jsonl     all facts, one scene a line
    features/                         the packed store
    floor.json, ceiling.json          what can be reached on the test questions; a perfect observer
                                      of multiple choice is not computed
    world.json                        config and provenance; its presence marks a whole world
    media/*.mp4                       films, if wanted

A build that was interrupted goes on where it stopped. Clips are a pure function of the config and
their id, and every split has ids of its own, so a larger world contains the smaller one.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from avqa_core.bandstand.answering import ANSWERS
from avqa_core.bandstand.bounds import Ceilings, Floors, write_json, write_lines
from avqa_core.bandstand.calibration import calibrate
from avqa_core.bandstand.ceiling import NUM_DRAWS, SCENARIOS, Observed, observe
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.multiple_choice import multiple_choice_row
from avqa_core.bandstand.questions import VARIANTS, Question, ask_about
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import Scene
from avqa_core.config import from_dict, to_dict
from avqa_core.data.annotations import read_annotations
from avqa_core.data.store import StoreWriter
from avqa_core.errors import ConfigError
from avqa_core.workers import Run, chunks, workers

__all__ = [
    "WorldConfig",
    "WorldFinished",
    "WorldProgress",
    "build_world",
    "clip_ids",
    "read_config",
    "read_scenes",
]

FORMAT = 2
# Ids from 90,000,000 up are for training the encoders, on clips that are in no split. Those from
# 50,000,000 up were the test split while the models were designed: no result may rest on them now.
FIRST_ID = {"train": 10_000_000, "val": 30_000_000, "test": 70_000_000}
MOST_CLIPS = 10_000_000
CHUNK = 16
MARK, PLAN = "world.json", "plan.json"

QuestionFormat = Literal["music_avqa", "avqa"]
# A plan names no format of questions where it is MUSIC-AVQA's, as before there was another.
_PLANNED = ("format", "config", "splits", "question_format")

Features = Mapping[str, np.ndarray]
MakeFeatures = Callable[[Sequence[Scene]], Sequence[Features]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldProgress:
    """``done`` of ``total`` clips have passed a stage: questions, features, ceilings or films."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldFinished:
    """The world is whole; counts are by split."""

    path: Path
    num_clips: Mapping[str, int]
    num_questions: Mapping[str, int]


Event = WorldProgress | WorldFinished


def clip_ids(split: str, num_clips: int) -> list[str]:
    """Return the ids of the first clips of a split."""
    return [f"{FIRST_ID[split] + index:08d}" for index in range(num_clips)]


def build_world(
    config: WorldConfig,
    out: Path,
    *,
    splits: Mapping[str, int],
    num_workers: int = 1,
    video: bool = False,
    num_draws: int = NUM_DRAWS,
    make_features: MakeFeatures | None = None,
    question_format: QuestionFormat = "music_avqa",
) -> Iterator[Event]:
    """Build a world in ``out``, or go on with one that was begun with the same plan.

    Args:
        config: the knobs.
        out: folder; empty, absent, or of an earlier build of the same world.
        splits: number of clips of ``train``, ``val`` and ``test``.
        num_workers: processes; the result does not depend on it.
        video: also write every clip as .mp4; films can be added to a finished world.
        num_draws: scenes drawn at a time for each ceiling.
        make_features: scenes -> named arrays; the stored encoders if None.
        question_format: whose files the questions are written as; AVQA's are multiple choice.

    Raises:
        ConfigError: ``splits`` is malformed, or ``out`` holds something else.
    """
    _check_splits(splits)
    plan = {"format": FORMAT, "config": to_dict(config), "splits": dict(splits)}
    is_choice = question_format == "avqa"
    plan |= {"question_format": question_format} if is_choice else {}
    is_whole = _claim(out, plan)
    everything = [one for split in FIRST_ID for one in clip_ids(split, splits[split])]
    with workers(num_workers) as run:
        if not is_whole:
            num_questions = yield from _write_questions(config, out, splits, is_choice)
            yield from _write_features(config, out, everything, run, make_features)
            _write_floors(out)
            if not is_choice:
                test_ids = clip_ids("test", splits["test"])
                yield from _write_ceilings(config, out, test_ids, run, num_draws)
            counts = {"clips": dict(splits), "questions": num_questions}
            described = plan | counts | {"keep_rates": _rates(config), **_provenance()}
            write_json(out / MARK, described)
        if video:
            yield from _write_films(config, out, everything, run)
    yield _finished(out)


def read_config(world: Path) -> WorldConfig:
    """Return the config of a finished world.

    Raises:
        ConfigError: there is no finished world.
    """
    return from_dict(WorldConfig, _read(world / MARK)["config"], f"{MARK} config")


def read_scenes(world: Path, split: str) -> list[Scene]:
    """Return the scenes of a split, in the order of the clips.

    Raises:
        ConfigError: the file is missing or damaged.
    """
    path = world / "scenes" / f"{split}.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [Scene.from_dict(json.loads(line)) for line in lines]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"expected one scene a line in {path}, got {error}: build the world again"
        ) from error


def _check_splits(splits: Mapping[str, int]) -> None:
    if set(splits) != set(FIRST_ID) or not all(0 < n <= MOST_CLIPS for n in splits.values()):
        raise ConfigError(
            f"splits: expected a number of clips from 1 to {MOST_CLIPS} for each of "
            f"{', '.join(FIRST_ID)}, got {dict(splits)}: change it"
        )


def _claim(out: Path, plan: Mapping[str, Any]) -> bool:
    """Return whether the world is there already; refuse a folder that holds anything else."""
    for name in (MARK, PLAN):
        if (out / name).exists():
            found = _read(out / name)
            if any(found.get(key) != plan.get(key) for key in _PLANNED):
                raise ConfigError(
                    f"expected {out} to hold the same world as asked for, got another one "
                    f"({out / name}): choose another folder or remove that one"
                )
            return name == MARK
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            f"expected an empty or new folder for the world, got {out}, which holds other files: "
            "choose another folder"
        )
    write_json(out / PLAN, plan)
    return False


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"expected the description of a world at {path}, got {error}: build it with "
            "'avqa world'"
        ) from error
    if not isinstance(data, dict):
        raise ConfigError(f"expected an object in {path}, got {data!r:.40}: build the world again")
    return data


def _finished(out: Path) -> WorldFinished:
    data = _read(out / MARK)
    return WorldFinished(path=out, num_clips=data["clips"], num_questions=data["questions"])


def _write_questions(
    config: WorldConfig, out: Path, splits: Mapping[str, int], is_choice: bool
) -> Generator[WorldProgress, None, dict[str, int]]:
    """Write scenes and questions of all splits; return the number of questions of each."""
    rates = calibrate(config)
    num_questions, done, total = {}, 0, sum(splits.values())
    for split in FIRST_ID:
        scenes: list[Scene] = []
        rows: list[dict[str, Any]] = []
        for chunk in chunks(clip_ids(split, splits[split]), 64):
            drawn = [sample_scene(config, clip_id) for clip_id in chunk]
            asked = ask_about(config, rates, drawn)
            scenes += drawn
            for scene, questions in zip(drawn, asked, strict=True):
                rows += _rows_of(config, scene, questions, is_choice)
            done += len(chunk)
            yield WorldProgress(stage="questions", done=done, total=total)
        write_lines(
            out / "scenes" / f"{split}.jsonl", (json.dumps(scene.to_dict()) for scene in scenes)
        )
        write_json(out / "json" / f"avqa-{split}.json", rows)
        num_questions[split] = len(rows)
    return num_questions


def _rows_of(
    config: WorldConfig, scene: Scene, questions: Sequence[Question], is_choice: bool
) -> list[dict[str, Any]]:
    """Return the rows of a question file about one scene."""
    if not is_choice:
        return [question.to_row() for question in questions]
    rows = [multiple_choice_row(question, scene, config.seed) for question in questions]
    return [row for row in rows if row is not None]


def _write_features(
    config: WorldConfig,
    out: Path,
    ids: Sequence[str],
    run: Run,
    make_features: MakeFeatures | None,
) -> Iterator[WorldProgress]:
    shapes = _layout(config)
    with StoreWriter(out / "features", shapes, provenance={"world": to_dict(config)}) as writer:
        missing = [one for one in ids if one not in writer]
        work = partial(_features_of, config, make_features)
        for chunk, features in run(work, chunks(missing, CHUNK)):
            for clip_id, arrays in zip(chunk, features, strict=True):
                writer.add(clip_id, arrays)
            yield WorldProgress(stage="features", done=len(writer), total=len(ids))


def _layout(config: WorldConfig) -> dict[str, tuple[int, ...]]:
    from avqa_core.bandstand.media import layout_for

    return layout_for(config.num_segments)


def _features_of(
    config: WorldConfig, make_features: MakeFeatures | None, ids: Sequence[str]
) -> Sequence[Features]:
    if make_features is None:
        from avqa_core.bandstand.media import features_for

        make_features = features_for
    return make_features([sample_scene(config, clip_id) for clip_id in ids])


def _write_floors(out: Path) -> None:
    train, val, test = (read_annotations(out / "json" / f"avqa-{one}.json") for one in FIRST_ID)
    Floors.fit(train, val, test).write(out / "floor.json")


def _write_ceilings(
    config: WorldConfig, out: Path, ids: Sequence[str], run: Run, num_draws: int
) -> Iterator[WorldProgress]:
    observed: dict[str, list[tuple[Question, Observed]]] = {one: [] for one in SCENARIOS}
    done = 0
    for chunk, found in run(partial(_ceilings_of, config, num_draws), chunks(ids, CHUNK)):
        for scenario, pairs in found.items():
            observed[scenario] += pairs
        done += len(chunk)
        yield WorldProgress(stage="ceilings", done=done, total=len(ids))
    Ceilings.collect(observed).write(out / "ceiling.json")


def _ceilings_of(
    config: WorldConfig, num_draws: int, ids: Sequence[str]
) -> dict[str, list[tuple[Question, Observed]]]:
    scenes = [sample_scene(config, clip_id) for clip_id in ids]
    asked = ask_about(config, calibrate(config), scenes)
    return {
        scenario: [
            pair
            for scene, questions in zip(scenes, asked, strict=True)
            for pair in zip(
                questions,
                observe(config, scene, questions, scenario, num_draws=num_draws),
                strict=True,
            )
        ]
        for scenario in SCENARIOS
    }


def _write_films(
    config: WorldConfig, out: Path, ids: Sequence[str], run: Run
) -> Iterator[WorldProgress]:
    missing = [one for one in ids if not (out / "media" / f"{one}.mp4").exists()]
    done = len(ids) - len(missing)
    for chunk, _ in run(partial(_films_of, config, out / "media"), chunks(missing, CHUNK)):
        done += len(chunk)
        yield WorldProgress(stage="films", done=done, total=len(ids))


def _films_of(config: WorldConfig, folder: Path, ids: Sequence[str]) -> None:
    from avqa_core.bandstand.media import write_film

    for clip_id in ids:
        write_film(sample_scene(config, clip_id), folder / f"{clip_id}.mp4")


def _rates(config: WorldConfig) -> dict[str, dict[str, float]]:
    """Return the calibration by name, for readers of ``world.json``."""
    names = [*ANSWERS[: calibrate(config).shape[1] - 1], "<Object>"]
    return {
        variant.name: {
            name: round(float(rate), 6) for name, rate in zip(names, row, strict=True) if rate > 0
        }
        for variant, row in zip(VARIANTS, calibrate(config), strict=True)
    }


def _provenance() -> dict[str, Any]:
    return {
        "provenance": {
            "package": version("avqa-core"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        }
    }
