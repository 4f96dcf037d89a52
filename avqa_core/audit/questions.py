"""How many questions of each category a test file has: all that the audit needs to know of it.

Counts come from an annotation file, or from a small JSON file that keeps them with their
provenance, because annotation files are not shipped with the book.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avqa_core.checksums import sha256
from avqa_core.data.annotations import count_categories, read_annotations
from avqa_core.errors import AnnotationError
from avqa_core.training.runs import source_hash
from avqa_core.types import QuestionCategory

FORMAT = 1
# What the counts are computed from; stored ones are stale when any of these changes.
SOURCES = [f"avqa_core.{name}" for name in ("audit.questions", "data.annotations", "types")]


@dataclass(frozen=True, slots=True)
class Questions:
    """The category counts of one candidate test file.

    Attributes:
        name: how the audit calls it, the name of the file without its ending.
        counts: questions by category, in the order of the table's usual columns.
        provenance: file name, hash and date of counting; empty for counts given by hand.
    """

    name: str
    counts: Mapping[QuestionCategory, int]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.counts or min(self.counts.values()) < 1:
            raise AnnotationError(
                f"{self.name}: expected at least one question of each category, got "
                f"{dict(self.counts)}: leave empty categories out"
            )

    @property
    def total(self) -> int:
        """All questions."""
        return sum(self.counts.values())

    @property
    def groups(self) -> dict[str, list[QuestionCategory]]:
        """The categories of each group, both in their order."""
        return groups_of(self.counts)

    def total_of(self, categories: Sequence[QuestionCategory]) -> int:
        """Return the questions of some categories together."""
        return sum(self.counts[one] for one in categories)


def groups_of(categories: Iterable[QuestionCategory]) -> dict[str, list[QuestionCategory]]:
    """Return the categories of each group, both in their order."""
    groups: dict[str, list[QuestionCategory]] = {}
    for one in categories:
        groups.setdefault(one.group, []).append(one)
    return groups


def load_questions(path: Path | str) -> list[Questions]:
    """Count an annotation file, or read counts that ``save_questions`` has written.

    Raises:
        AnnotationError: the file is neither.
    """
    path = Path(path)
    content = _json(path)
    if isinstance(content, dict) and "files" in content:
        return _stored(content, path)
    present = {one: n for one, n in count_categories(read_annotations(path)).items() if n}
    provenance = {
        "file": path.name,
        "sha256": sha256(path),
        "counted": datetime.date.today().isoformat(),
    }
    return [Questions(path.stem, present, provenance)]


def rows_in_common(paths: Sequence[Path]) -> int:
    """Return how many rows files share: number, clip, question and answer all equal."""
    files = [
        Counter((one.question_id, one.video_id, one.question, one.answer) for one in rows)
        for rows in map(read_annotations, paths)
    ]
    shared = files[0]
    for other in files[1:]:
        shared &= other
    return sum(shared.values())


def stored_rows_in_common(path: Path) -> int:
    """Return what ``save_questions`` has written about the rows that all its files share.

    Raises:
        AnnotationError: the file does not tell.
    """
    content = _json(path)
    if not isinstance(content, dict) or not isinstance(content.get("rows_in_common"), int):
        raise AnnotationError(
            f"expected the number of rows in common in {path}, got none: count the annotation "
            "files again"
        )
    return int(content["rows_in_common"])


def save_questions(
    files: Sequence[Questions], path: Path, command: str, shared: int | None = None
) -> None:
    """Write counts with their provenance, the command that made them, and the rows all share."""
    content = {
        "format": FORMAT,
        "command": command,
        "source_modules": SOURCES,
        "source_hash": source_hash(SOURCES),
        "rows_in_common": shared,
        "files": [
            {
                "name": one.name,
                **one.provenance,
                "rows": one.total,
                "counts": {
                    group: {category.kind: one.counts[category] for category in members}
                    for group, members in one.groups.items()
                },
            }
            for one in files
        ],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _stored(content: dict[str, Any], path: Path) -> list[Questions]:
    if content.get("format") != FORMAT:
        raise AnnotationError(
            f"expected question counts of format {FORMAT} in {path}, got "
            f"{content.get('format')!r}: count the annotation files again"
        )
    try:
        return [_one_stored(one) for one in content["files"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnnotationError(
            f"expected question counts with their provenance in {path}, got a damaged entry "
            f"({type(error).__name__}: {error}): count the annotation files again"
        ) from error


def _one_stored(one: dict[str, Any]) -> Questions:
    counts = {
        QuestionCategory(group, kind): int(count)
        for group, kinds in one["counts"].items()
        for kind, count in kinds.items()
    }
    if sum(counts.values()) != one["rows"]:
        raise ValueError(f"{sum(counts.values())} questions in {one['rows']} rows")
    provenance = {key: one[key] for key in ("file", "sha256", "counted")}
    return Questions(one["name"], counts, provenance)


def _json(path: Path) -> Any:
    """Return the content of a JSON file; None leaves the complaint to the annotation reader."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
