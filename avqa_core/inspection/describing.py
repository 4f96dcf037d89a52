"""Find out what something is, and describe it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from avqa_core.data.shards import INDEX
from avqa_core.data.store import FeatureStore
from avqa_core.data.store_writer import JOURNAL
from avqa_core.errors import ConfigError
from avqa_core.features.folders import npy_folders
from avqa_core.features.summary import number
from avqa_core.inspection.data_folder import data_lines
from avqa_core.inspection.features import coverage_lines, npy_lines, store_lines, verified_lines
from avqa_core.inspection.questions import question_lines, read_question_file
from avqa_core.inspection.trained import checkpoint_lines, run_lines
from avqa_core.printable import printable
from avqa_core.report import Report

MOST_NAMED = 10
# Enough of a file to tell whether it begins like a list of questions, whichever data set's; a
# byte-order mark may stand in front of it.
_HEAD_BYTES = 4096
_FIRST_QUESTION = re.compile(rb'(?:\xef\xbb\xbf)?\s*\[\s*\{[^{}]*"question_')


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
        yield from _file_lines(path)
    elif npy_folders(path):
        yield from npy_lines(path, questions)
    else:
        raise ConfigError(
            "expected a run, a checkpoint, a report, a data folder, a feature store, a question "
            f"file or folders of .npy files at {path}, got {_instead(path)}"
        )


def _file_lines(path: Path) -> Iterator[str]:
    """Yield lines about a question file or a report."""
    content = _content(path)
    if isinstance(content, list):
        yield from question_lines(read_question_file(path))
    elif isinstance(content, dict) and {"split", "rows"} <= set(content):
        yield Report.load(path).table()
    else:
        raise ConfigError(
            f"expected a question file, which is a list, or a report of 'avqa evaluate' at {path}, "
            f"got {_shown(content)}: inspect one of these, or the folder of a run, a checkpoint, "
            "data, a feature store or .npy files"
        )


def _shown(content: Any) -> str:
    """Return what JSON that is no list is, short enough for a message of one line."""
    if not isinstance(content, dict):
        return printable(json.dumps(content)[:80])
    keys = ", ".join(printable(repr(key)[:40]) for key in list(content)[:MOST_NAMED])
    more = ", ..." if len(content) > MOST_NAMED else ""
    return f"an object with {f'the keys {keys}{more}' if content else 'no keys'}"


def _instead(path: Path) -> str:
    """Return what a place has that cannot be described whole, and what to do."""
    if not path.exists():
        return "no such file or folder: check the path"
    found = _question_files(path)
    if not found:
        return "none of them: check the path"
    names = ", ".join(printable(one.name) for one in found[:MOST_NAMED])
    more = ", ..." if len(found) > MOST_NAMED else ""
    return (
        f"a folder with {number(len(found), 'question file')} ({names}{more}): inspect one of "
        f"them, such as {found[0]}"
    )


def _question_files(folder: Path) -> list[Path]:
    """Return the files directly in a folder that begin like question files."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            with path.open("rb") as file:
                if _FIRST_QUESTION.match(file.read(_HEAD_BYTES)):
                    found.append(path)
        except OSError:  # a folder of that name, or a file nobody may read, is not on offer
            continue
    return found


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"expected a report or a question file at {path}, got {error}: check that it was "
            "copied whole"
        ) from error
