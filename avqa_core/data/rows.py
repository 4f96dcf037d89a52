"""Question files as rows: a list is read from JSON, single values are taken out of a row.

Every message begins with where it happened, a row or a file, and names the key.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from avqa_core.errors import AnnotationError

MAX_CHARACTERS = 10_000
_MAX_QUESTION_ID = 2**63 - 1  # ids travel as int64 tensors


def read_rows(path: Path | str) -> list[Any]:
    """Read the rows of a question file, whatever they are.

    Raises:
        AnnotationError: unreadable, or no JSON list.
    """
    path = Path(path)
    try:
        # Some editors put a byte-order mark in front, which JSON does not know.
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnnotationError(
            f"expected a JSON list of questions at {path}, got {_first_line(error)}: "
            "check the path and that the file was copied whole"
        ) from error
    if not isinstance(rows, list):
        raise AnnotationError(
            f"expected a JSON list of questions in {path}, got {shown(rows)}: "
            "this looks like another kind of file"
        )
    return rows


def object_of(row: Any, where: str) -> dict[str, Any]:
    """Return ``row``, which has to be an object.

    Raises:
        AnnotationError: it is something else.
    """
    if not isinstance(row, dict):
        raise AnnotationError(f"{where}: expected an object, got {shown(row)}: fix or remove it")
    return row


def value_of(row: dict[str, Any], key: str, where: str) -> Any:
    """Return the value of ``key``.

    Raises:
        AnnotationError: the row has no such key.
    """
    if key not in row:
        raise AnnotationError(
            f"{where}: expected the key {key!r}, got only {', '.join(map(shown, row)) or 'none'}: "
            "add it"
        )
    return row[key]


def text_of(row: dict[str, Any], key: str, where: str) -> str:
    """Return the value of ``key``, which has to be a text that is not blank.

    Raises:
        AnnotationError: missing, no text, blank or far too long.
    """
    return checked_text(value_of(row, key, where), f"{where}, {key}")


def checked_text(value: Any, where: str) -> str:
    """Return ``value``, which has to be a text that is not blank.

    Raises:
        AnnotationError: no text, blank or far too long.
    """
    if not isinstance(value, str) or not value.strip():
        raise AnnotationError(f"{where}: expected a text, got {shown(value)}: fill it in")
    if len(value) > MAX_CHARACTERS:
        raise AnnotationError(
            f"{where}: expected at most {MAX_CHARACTERS} characters, got {len(value)}: shorten it"
        )
    return value


def question_id_of(row: dict[str, Any], key: str, where: str) -> int:
    """Return the number of the question, which stands under ``key``.

    Raises:
        AnnotationError: missing, or no whole number that fits a tensor.
    """
    value = value_of(row, key, where)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_QUESTION_ID:
        raise AnnotationError(
            f"{where}, {key}: expected a whole number from 0 to 2**63 - 1, "
            f"got {shown(value)}: number the questions"
        )
    return value


def shown(value: Any) -> str:
    """Return ``value`` short enough for a message of one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
