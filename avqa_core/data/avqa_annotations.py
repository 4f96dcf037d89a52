"""AVQA question files (Yang et al., ACM Multimedia 2022) -> examples with four candidates.

A row has ``id``, ``video_name`` (the clip; ``video_id`` is a bare number), ``question_text``,
``multi_choice`` (four texts), ``answer`` (0 to 3), ``question_type`` and ``question_relation``.
The published files are ``train_qa.json`` and ``val_qa.json``; labels of a test split are not.
"""

from __future__ import annotations

from typing import Any

from avqa_core.data.rows import (
    checked_text,
    object_of,
    question_id_of,
    shown,
    text_of,
    value_of,
)
from avqa_core.data.vocabulary import words_of
from avqa_core.errors import AnnotationError
from avqa_core.types import QAExample, QuestionCategory

NUM_CANDIDATES = 4
# In the order of the columns of the paper's Table 2.
AVQA_CATEGORIES = tuple(
    QuestionCategory("AVQA", kind)
    for kind in (
        *("Which", "Come From", "Happening", "Where"),
        *("Why", "Before Next", "When", "Used For"),
    )
)
AVQA_KEYS = frozenset(
    {
        *("id", "video_name", "video_id", "question_text", "multi_choice", "answer"),
        *("question_type", "question_relation"),
    }
)
_BY_NAME = {category.kind: category for category in AVQA_CATEGORIES}


def parse_avqa_row(row: Any, where: str = "row") -> QAExample:
    """Turn one row of a file of AVQA into an example; ``where`` begins every message.

    Words are lower-cased, and marks between them are dropped. The candidates stay as they are
    written, in their order. A row without ``answer`` is a question whose answer nobody tells.

    Raises:
        AnnotationError: a key is missing or malformed.
    """
    row = object_of(row, where)
    text = text_of(row, "question_text", where).strip()
    tokens = words_of(text)
    if not tokens:
        raise AnnotationError(
            f"{where}, question_text: expected words, got {shown(text)}: write the question out"
        )
    candidates = _candidates(row, where)
    return QAExample(
        question_id=question_id_of(row, "id", where),
        video_id=text_of(row, "video_name", where).strip(),
        category=_category(row, where),
        template=text,
        slot_values=(),
        tokens=tokens,
        answer=_answer(row, candidates, where),
        candidates=candidates,
    )


def _candidates(row: dict[str, Any], where: str) -> tuple[str, ...]:
    value = value_of(row, "multi_choice", where)
    if not isinstance(value, list) or len(value) != NUM_CANDIDATES:
        raise AnnotationError(
            f"{where}, multi_choice: expected a list of {NUM_CANDIDATES} texts, got "
            f"{shown(value)}: give {NUM_CANDIDATES} candidates"
        )
    return tuple(
        checked_text(one, f"{where}, multi_choice {place}").strip()
        for place, one in enumerate(value)
    )


def _category(row: dict[str, Any], where: str) -> QuestionCategory:
    name = text_of(row, "question_type", where).strip()
    if name not in _BY_NAME:
        raise AnnotationError(
            f"{where}, question_type: expected one of {', '.join(_BY_NAME)}, got {shown(name)}: "
            "choose one of them"
        )
    return _BY_NAME[name]


def _answer(row: dict[str, Any], candidates: tuple[str, ...], where: str) -> str | None:
    if "answer" not in row:
        return None
    place = row["answer"]
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < NUM_CANDIDATES:
        raise AnnotationError(
            f"{where}, answer: expected the place of a candidate, 0 to {NUM_CANDIDATES - 1}, got "
            f"{shown(place)}: number the candidates from 0"
        )
    return candidates[place]
