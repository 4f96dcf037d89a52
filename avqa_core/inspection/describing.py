"""Find out what something is, and describe it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from avqa_core.data.shards import INDEX
from avqa_core.data.store import FeatureStore
from avqa_core.data.store_writer import JOURNAL
from avqa_core.errors import ConfigError
from avqa_core.features.folders import npy_folders
from avqa_core.inspection.data_folder import data_lines
from avqa_core.inspection.features import coverage_lines, npy_lines, store_lines, verified_lines
from avqa_core.inspection.questions import question_lines, read_question_file
from avqa_core.inspection.trained import checkpoint_lines, run_lines
from avqa_core.report import Report


def describe(path: Path, *, questions: Sequence[Path] = (), verify: bool = False) -> Iterator[str]:
    """Yield lines about a run, a checkpoint, a report, a data folder, a feature store, questions.

    A folder with subfolders of per-clip ``.npy`` files is described as ``avqa pack`` would take it.

    Args:
        path: of what to describe.
        questions: question files whose clips are looked for in a store or among ``.npy`` files.
        verify: read a store whole and name the damaged clips.

    Raises:
        AvqaError: it is none of these, or it is damaged; the message says which, after the lines
            about what could be read.
    """
    if (path / "checkpoints").is_dir():
        yield from run_lines(path)
    elif (path / "state.json").is_file():
        yield from checkpoint_lines(path)
    elif (path / "json").is_dir():
        yield from data_lines(path, verify=verify)
    elif (path / INDEX).is_file() or (path / JOURNAL).is_file():
        store = FeatureStore.open(path)
        yield from store_lines(store)
        yield from coverage_lines(store, questions)
        if verify:
            yield from verified_lines(store)
    elif path.is_file() and path.suffix == ".json":
        if isinstance(_content(path), list):
            yield from question_lines(read_question_file(path))
        else:
            yield Report.load(path).table()
    elif npy_folders(path):
        yield from npy_lines(path, questions)
    else:
        raise ConfigError(
            "expected a run, a checkpoint, a report, a data folder, a feature store, a question "
            f"file or folders of .npy files at {path}, got none of them: check the path"
        )


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"expected a report or a question file at {path}, got {error}: check that it was "
            "copied whole"
        ) from error
