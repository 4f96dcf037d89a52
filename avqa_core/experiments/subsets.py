"""A world of one question category: the same clips and features, fewer questions."""

from __future__ import annotations

import json
from pathlib import Path

from avqa_core.data.annotations import parse_row
from avqa_core.data.folder import SPLITS
from avqa_core.errors import AnnotationError, ConfigError
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
    (folder / "json").mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        name = f"avqa-{split}.json"
        try:
            rows = json.loads((base / "json" / name).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise AnnotationError(
                f"expected a list of questions in {base / 'json' / name}, got {error}: copy the "
                "file again"
            ) from error
        kept = [row for row in rows if str(parse_row(row, name).category) == category]
        if not kept:
            raise ConfigError(
                f"expected questions of category {category!r} in {base / 'json' / name}, got none: "
                "'avqa inspect' shows which there are"
            )
        runs.replace_text(folder / "json" / name, json.dumps(kept))
    for shared in _SHARED:
        link, target = folder / shared, (base / shared).resolve()
        if link.is_symlink() and link.readlink() != target:
            link.unlink()
        if target.exists() and not link.exists():
            link.symlink_to(target, target_is_directory=target.is_dir())
