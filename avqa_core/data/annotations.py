"""MUSIC-AVQA question files, both releases, oddities included -> ``list[QAExample]``.

The files misspell ``anser``, keep JSON strings inside JSON (``type``, ``templ_values``), end two
templates with a blank and one with a full-width question mark. Nothing of that leaves this module.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from avqa_core.errors import AnnotationError
from avqa_core.types import QAExample, QuestionCategory

# In the order in which every table lists them.
CATEGORIES = (
    QuestionCategory("Audio", "Counting"),
    QuestionCategory("Audio", "Comparative"),
    QuestionCategory("Visual", "Counting"),
    QuestionCategory("Visual", "Location"),
    QuestionCategory("Audio-Visual", "Existential"),
    QuestionCategory("Audio-Visual", "Location"),
    QuestionCategory("Audio-Visual", "Counting"),
    QuestionCategory("Audio-Visual", "Comparative"),
    QuestionCategory("Audio-Visual", "Temporal"),
)

MAX_CHARACTERS = 10_000
_MAX_QUESTION_ID = 2**63 - 1  # ids travel as int64 tensors


def read_annotations(path: Path | str) -> list[QAExample]:
    """Read a MUSIC-AVQA question file in the order of its rows.

    Rows that the file marks as deleted are left out.

    Raises:
        AnnotationError: unreadable or empty; a malformed row is named by its index and key.
    """
    path = Path(path)
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnnotationError(
            f"expected a JSON list of questions at {path}, got {_first_line(error)}: "
            "check the path and that the file was copied whole"
        ) from error
    if not isinstance(rows, list):
        raise AnnotationError(
            f"expected a JSON list of questions in {path}, got {_shown(rows)}: "
            "this looks like another kind of file"
        )
    examples = [
        parse_row(row, where=f"{path.name} row {index}")
        for index, row in enumerate(rows)
        if not (isinstance(row, dict) and row.get("question_deleted") == 1)
    ]
    if not examples:
        raise AnnotationError(
            f"expected at least one question in {path}, got none: write the split again"
        )
    return examples


def parse_row(row: Any, where: str = "row") -> QAExample:
    """Turn one row of a question file into an example; ``where`` begins every message.

    Raises:
        AnnotationError: a key is missing or malformed.
    """
    if not isinstance(row, dict):
        raise AnnotationError(f"{where}: expected an object, got {_shown(row)}: fix or remove it")
    template = _text(row, "question_content", where).rstrip()
    slot_values = _strings(row, "templ_values", where)
    return QAExample(
        question_id=_question_id(row, where),
        video_id=_text(row, "video_id", where),
        category=_category(row, where),
        template=template,
        slot_values=slot_values,
        tokens=fill_template(template, slot_values, where),
        answer=_answer(row, where),
    )


def fill_template(
    template: str, slot_values: Iterable[str], where: str = "question"
) -> tuple[str, ...]:
    """Return the tokens of a template with its placeholders filled, in order of appearance.

    The rule of the data set: strip the right end, split at single blanks, drop the last character
    of the last token (either question mark), replace each token that has a ``<``.

    Raises:
        AnnotationError: no question mark at the end, or slots and values do not match.
    """
    values = list(slot_values)
    tokens = template.rstrip().split(" ")
    last = tokens[-1][-1:]
    # Any mark may close a question, but a letter lost in silence would be a new word.
    if not last or last.isalnum() or last == ">":
        raise AnnotationError(
            f"{where}, question_content: expected a question mark at the end, got "
            f"{_shown(template)}: add it"
        )
    tokens[-1] = tokens[-1][:-1]
    num_slots = sum("<" in token for token in tokens)
    if num_slots != len(values):
        raise AnnotationError(
            f"{where}, templ_values: expected {num_slots} for the placeholders of "
            f"{_shown(template)}, got {len(values)}: give one value for each"
        )
    remaining = iter(values)
    filled = tuple(next(remaining) if "<" in token else token for token in tokens)
    if not all(filled):
        raise AnnotationError(
            f"{where}, question_content: expected words set apart by single blanks, got "
            f"{_shown(template)}: remove the extra blank or the empty value"
        )
    return filled


def duplicate_question_ids(examples: Iterable[QAExample]) -> dict[int, int]:
    """Return how often each question id occurs that occurs more than once.

    The first release has such rows, some with different answers; the corrected one has none.
    """
    counts = Counter(example.question_id for example in examples)
    return {question_id: count for question_id, count in counts.items() if count > 1}


def count_categories(examples: Iterable[QAExample]) -> dict[QuestionCategory, int]:
    """Return the number of questions of each of the nine categories, in their usual order."""
    counts = Counter(example.category for example in examples)
    return {category: counts[category] for category in CATEGORIES}


def _value(row: dict[str, Any], key: str, where: str) -> Any:
    if key not in row:
        raise AnnotationError(
            f"{where}: expected the key {key!r}, got only {', '.join(map(_shown, row)) or 'none'}: "
            "add it"
        )
    return row[key]


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = _value(row, key, where)
    if not isinstance(value, str) or not value.strip():
        raise AnnotationError(f"{where}, {key}: expected a text, got {_shown(value)}: fill it in")
    if len(value) > MAX_CHARACTERS:
        raise AnnotationError(
            f"{where}, {key}: expected at most {MAX_CHARACTERS} characters, got {len(value)}: "
            "shorten it"
        )
    return value


def _question_id(row: dict[str, Any], where: str) -> int:
    value = _value(row, "question_id", where)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_QUESTION_ID:
        raise AnnotationError(
            f"{where}, question_id: expected a whole number from 0 to 2**63 - 1, "
            f"got {_shown(value)}: number the questions"
        )
    return value


def _strings(row: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return a list of texts that the file keeps as a JSON string; a plain list will do too."""
    value = _value(row, key, where)
    try:
        items = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise AnnotationError(
            f"{where}, {key}: expected a JSON list of texts, got {_shown(value)}: "
            'write it like "[\\"violin\\"]"'
        )
    if sum(map(len, items)) > MAX_CHARACTERS:
        raise AnnotationError(
            f"{where}, {key}: expected at most {MAX_CHARACTERS} characters, "
            f"got {sum(map(len, items))}: shorten it"
        )
    return tuple(items)


def _category(row: dict[str, Any], where: str) -> QuestionCategory:
    pair = _strings(row, "type", where)
    if pair not in CATEGORIES:
        raise AnnotationError(
            f"{where}, type: expected one of {'; '.join(map(str, CATEGORIES))}, "
            f"got {_shown(' '.join(pair))}: choose one of them"
        )
    return QuestionCategory(*pair)


def _answer(row: dict[str, Any], where: str) -> str | None:
    """Return the answer, under the misspelt key of the files or the right one; None if neither."""
    spellings = [key for key in ("anser", "answer") if key in row]
    if not spellings:
        return None
    if len(spellings) == 2 and row["anser"] != row["answer"]:
        raise AnnotationError(
            f"{where}, answer: expected one answer, got {_shown(row['anser'])} as 'anser' and "
            f"{_shown(row['answer'])} as 'answer': keep one of the keys"
        )
    return _text(row, spellings[0], where).strip()


def _shown(value: Any) -> str:
    """Return ``value`` short enough for a message of one line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
