"""Question files -> ``list[QAExample]``: whose file it is, and the rows of MUSIC-AVQA's.

A file says by its keys which data set wrote it. MUSIC-AVQA's files, both releases, misspell
``anser``, keep JSON strings inside JSON (``type``, ``templ_values``), end two templates with a
blank and one with a full-width question mark. Nothing of that leaves this module.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from avqa_core.data.avqa_annotations import AVQA_CATEGORIES, AVQA_KEYS, parse_avqa_row
from avqa_core.data.rows import (
    MAX_CHARACTERS,
    object_of,
    question_id_of,
    read_rows,
    shown,
    text_of,
    value_of,
)
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


def read_annotations(path: Path | str) -> list[QAExample]:
    """Read a question file of any data set that is known, in the order of its rows.

    Rows that the file marks as deleted are left out.

    Raises:
        AnnotationError: unreadable or empty; a malformed row is named by its index and key.
    """
    path = Path(path)
    rows = read_rows(path)
    parse = schema_of(rows).parse
    examples = [
        parse(row, f"{path.name} row {index}")
        for index, row in enumerate(rows)
        if not is_deleted(row)
    ]
    if not examples:
        raise AnnotationError(
            f"expected at least one question in {path}, got none: write the split again"
        )
    return examples


def is_deleted(row: Any) -> bool:
    """Tell whether the file marks the row as deleted."""
    return isinstance(row, dict) and row.get("question_deleted") == 1


def parse_row(row: Any, where: str = "row") -> QAExample:
    """Turn one row of a file of MUSIC-AVQA into an example; ``where`` begins every message.

    Raises:
        AnnotationError: a key is missing or malformed.
    """
    row = object_of(row, where)
    template = text_of(row, "question_content", where).rstrip()
    slot_values = _strings(row, "templ_values", where)
    return QAExample(
        question_id=question_id_of(row, "question_id", where),
        video_id=text_of(row, "video_id", where),
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
    try:
        return _filled(template, tuple(slot_values))
    except AnnotationError as error:
        raise AnnotationError(f"{where}, {error}") from None


# A file asks few questions about many clips, so what a text says is worked out once.
@lru_cache(maxsize=2**14)
def _filled(template: str, values: tuple[str, ...]) -> tuple[str, ...]:
    tokens = template.rstrip().split(" ")
    last = tokens[-1][-1:]
    # Any mark may close a question, but a letter lost in silence would be a new word.
    if not last or last.isalnum() or last == ">":
        raise AnnotationError(
            f"question_content: expected a question mark at the end, got {shown(template)}: add it"
        )
    tokens[-1] = tokens[-1][:-1]
    num_slots = sum("<" in token for token in tokens)
    if num_slots != len(values):
        raise AnnotationError(
            f"templ_values: expected {num_slots} for the placeholders of {shown(template)}, "
            f"got {len(values)}: give one value for each"
        )
    remaining = iter(values)
    filled = tuple(next(remaining) if "<" in token else token for token in tokens)
    if not all(filled):
        raise AnnotationError(
            "question_content: expected words set apart by single blanks, got "
            f"{shown(template)}: remove the extra blank or the empty value"
        )
    return filled


def duplicate_question_ids(examples: Iterable[QAExample]) -> dict[int, int]:
    """Return how often each question id occurs that occurs more than once.

    The first release has such rows, some with different answers; the corrected one has none.
    """
    counts = Counter(example.question_id for example in examples)
    return {question_id: count for question_id, count in counts.items() if count > 1}


def count_categories(examples: Iterable[QAExample]) -> dict[QuestionCategory, int]:
    """Return the number of questions of each category of their data set, in its usual order.

    Questions of several data sets, or none, are counted in the categories of all of them.
    """
    counts = Counter(example.category for example in examples)
    known = next((one.categories for one in SCHEMAS if set(counts) <= set(one.categories)), ())
    return {category: counts[category] for category in known or in_table_order(counts)}


def in_table_order(categories: Iterable[QuestionCategory]) -> list[QuestionCategory]:
    """Return the different ones of ``categories`` as tables list them, unknown ones last."""
    place = {category: number for number, category in enumerate(ALL_CATEGORIES)}
    return sorted(set(categories), key=lambda one: (place.get(one, len(place)), one))


def _strings(row: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return a list of texts that the file keeps as a JSON string; a plain list will do too."""
    value = value_of(row, key, where)
    items = _parsed(value) if isinstance(value, str) else _texts(value)
    if items is None:
        raise AnnotationError(
            f"{where}, {key}: expected a JSON list of texts, got {shown(value)}: "
            'write it like "[\\"violin\\"]"'
        )
    if sum(map(len, items)) > MAX_CHARACTERS:
        raise AnnotationError(
            f"{where}, {key}: expected at most {MAX_CHARACTERS} characters, "
            f"got {sum(map(len, items))}: shorten it"
        )
    return items


@lru_cache(maxsize=2**14)
def _parsed(text: str) -> tuple[str, ...] | None:
    try:
        return _texts(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _texts(items: Any) -> tuple[str, ...] | None:
    is_list = isinstance(items, list) and all(isinstance(item, str) for item in items)
    return tuple(items) if is_list else None


def _category(row: dict[str, Any], where: str) -> QuestionCategory:
    pair = _strings(row, "type", where)
    if pair not in CATEGORIES:
        raise AnnotationError(
            f"{where}, type: expected one of {'; '.join(map(str, CATEGORIES))}, "
            f"got {shown(' '.join(pair))}: choose one of them"
        )
    return QuestionCategory(*pair)


def _answer(row: dict[str, Any], where: str) -> str | None:
    """Return the answer, under the misspelt key of the files or the right one; None if neither."""
    spellings = [key for key in ("anser", "answer") if key in row]
    if not spellings:
        return None
    if len(spellings) == 2 and row["anser"] != row["answer"]:
        raise AnnotationError(
            f"{where}, answer: expected one answer, got {shown(row['anser'])} as 'anser' and "
            f"{shown(row['answer'])} as 'answer': keep one of the keys"
        )
    return text_of(row, spellings[0], where).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """How a data set writes its questions down.

    Attributes:
        name: of the data set.
        keys: of a row; others are read by nobody.
        categories: of its questions, in the order in which every table lists them.
        parse: turns a row into an example; its second argument begins every message.
    """

    name: str
    keys: frozenset[str]
    categories: tuple[QuestionCategory, ...]
    parse: Callable[[Any, str], QAExample]


MUSIC_AVQA = Schema(
    name="MUSIC-AVQA",
    keys=frozenset(
        {
            *("video_id", "question_id", "type", "question_content", "templ_values"),
            *("question_deleted", "anser", "answer"),
        }
    ),
    categories=CATEGORIES,
    parse=parse_row,
)
AVQA = Schema(name="AVQA", keys=AVQA_KEYS, categories=AVQA_CATEGORIES, parse=parse_avqa_row)
SCHEMAS = (MUSIC_AVQA, AVQA)
ALL_CATEGORIES = tuple(category for schema in SCHEMAS for category in schema.categories)


def schema_of(rows: Sequence[Any]) -> Schema:
    """Return the schema that shares most keys with the first row; MUSIC-AVQA's among equals."""
    keys = set(rows[0]) if rows and isinstance(rows[0], dict) else set()
    return max(SCHEMAS, key=lambda schema: len(schema.keys & keys))
