"""Data folders with fewer questions: the same clips and features, only questions are left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from avqa_core import fingerprint
from avqa_core.data.annotations import is_deleted, parse_row, schema_of
from avqa_core.data.folder import SPLITS, DataFolder
from avqa_core.errors import AnnotationError, ConfigError
from avqa_core.printable import printable
from avqa_core.training import runs

# What a data folder has beside its questions; whole folders and files are linked, not copied.
_SHARED = ("features", "ceiling.json")


def write_subset(base: Path, folder: Path, category: str) -> None:
    """Write a data folder with the questions of one category; features stay where they are.

    Args:
        base: data folder in the format of MUSIC-AVQA.
        folder: to write; one that is there is written again.
        category: as ``str(QuestionCategory)``, e.g. ``"Audio Counting"``.

    Raises:
        ConfigError: a split of ``base`` has no such question.
        AnnotationError: a file of questions is missing or damaged.
    """
    for name, rows in _files(base):
        kept = [row for row in rows if str(parse_row(row, name).category) == category]
        if not kept:
            raise ConfigError(
                f"expected questions of category {category!r} in {base / 'json' / name}, got none: "
                "'avqa inspect' shows which there are"
            )
        runs.replace_text(folder / "json" / name, json.dumps(kept))
    _link(base, folder)


def usable(data: Path, parent: Path, tell: Callable[[str], object]) -> Path:
    """Look a data folder through before hours of work, and return the one to work with.

    That is ``data`` itself unless its features leave clips out knowingly: then it is a folder below
    ``parent`` without the questions about those, because a run reads every question it is given.

    Args:
        data: the folder.
        parent: where folders with fewer questions lie.
        tell: takes a line for each split some of whose questions do not count.

    Raises:
        AvqaError: questions or features are missing, unfinished or damaged.
    """
    folder = DataFolder(data)
    asked = [one.video_id for split in SPLITS for one in folder.examples(split)]
    if any(clip not in folder.store for clip in asked):
        folder = _without_left_out(data, parent, tell)
    for split in SPLITS:
        folder.dataset(split)
    return folder.path


def _without_left_out(data: Path, parent: Path, tell: Callable[[str], object]) -> DataFolder:
    # Imported where a clip is missing: what is imported counts as what made a number.
    from avqa_core.usable import UsableFolder, told

    whole = UsableFolder(data)
    for line in told(whole):
        tell(line)
    left_out = whole.left_out
    name = fingerprint.of_text(runs.data_hash(data), *map(printable, sorted(left_out)))[:8]
    folder = parent / "usable" / name
    for file, rows in _files(data):
        parse = schema_of(rows).parse
        kept = [
            row for row in rows if not is_deleted(row) and parse(row, file).video_id not in left_out
        ]
        runs.replace_text(folder / "json" / file, json.dumps(kept))
    _link(data, folder)
    return DataFolder(folder)


def _files(base: Path) -> Iterator[tuple[str, list[Any]]]:
    """Yield the name of each question file with its rows."""
    for split in SPLITS:
        name = f"avqa-{split}.json"
        try:
            rows = json.loads((base / "json" / name).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise AnnotationError(
                f"expected a list of questions in {base / 'json' / name}, got {error}: copy the "
                "file again"
            ) from error
        yield name, rows


def _link(base: Path, folder: Path) -> None:
    """Let a folder share what ``base`` has beside its questions."""
    for shared in _SHARED:
        link, target = folder / shared, (base / shared).resolve()
        if link.is_symlink() and link.readlink() != target:
            link.unlink()
        if target.exists() and not link.exists():
            link.symlink_to(target, target_is_directory=target.is_dir())
