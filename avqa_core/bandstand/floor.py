"""What the question alone gives: look-up tables of the most common answer.

Four tables, each finer than the last, are fitted on the training questions and scored on others; a
question that a table has never seen falls back to the next coarser one. The floor is the table that
does best on the validation questions. Nothing here is particular to Bandstand: it takes questions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.types import QAExample, QuestionCategory

Key = tuple[str, ...]


def _by_category(example: QAExample) -> Key:
    return tuple(example.category)


def _by_template(example: QAExample) -> Key:
    return (*example.category, example.template)


def _by_variant(example: QAExample) -> Key:
    fixed = (word for word in example.slot_values if word not in INSTRUMENTS)
    return (*_by_template(example), *fixed)


def _by_question(example: QAExample) -> Key:
    return (*_by_template(example), "|", *example.slot_values)


# From coarse to fine; a variant is a template with every slot filled that is not an instrument.
TABLES: dict[str, Callable[[QAExample], Key]] = {
    "category": _by_category,
    "template": _by_template,
    "variant": _by_variant,
    "question": _by_question,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRow:
    """How often one look-up table is right in one category."""

    table: str
    category: QuestionCategory
    correct: int
    total: int


class LookUp:
    """The most common answer of each question, as finely as ``table`` tells questions apart."""

    def __init__(self, examples: Iterable[QAExample], table: str) -> None:
        self.keys = list(TABLES.values())[: list(TABLES).index(table) + 1][::-1]
        counts: dict[Key, Counter[str]] = defaultdict(Counter)
        overall: Counter[str] = Counter()
        for example in examples:
            if example.answer is not None:
                overall[example.answer] += 1
                for key in self.keys:
                    counts[key(example)][example.answer] += 1
        self.answers = {key: _commonest(counter) for key, counter in counts.items()}
        self.overall = _commonest(overall) if overall else None

    def answer(self, example: QAExample) -> str | None:
        """Return the most common answer, None only if nothing was ever answered."""
        for key in self.keys:
            if (found := self.answers.get(key(example))) is not None:
                return found
        return self.overall


def _commonest(counter: Counter[str]) -> str:
    """Return the commonest answer; among equals the alphabetically first, on any machine."""
    return min(counter, key=lambda answer: (-counter[answer], answer))


def score_tables(train: Sequence[QAExample], examples: Sequence[QAExample]) -> list[FloorRow]:
    """Return one row per table and category of ``examples``, the tables fitted on ``train``."""
    rows = []
    for table in TABLES:
        look_up = LookUp(train, table)
        right: Counter[QuestionCategory] = Counter()
        total: Counter[QuestionCategory] = Counter()
        for example in examples:
            total[example.category] += 1
            right[example.category] += look_up.answer(example) == example.answer
        rows += [
            FloorRow(table=table, category=category, correct=right[category], total=number)
            for category, number in sorted(total.items())
        ]
    return rows


def best_table(rows: Iterable[FloorRow]) -> str:
    """Return the table that is right most often over all categories; the coarsest among equals."""
    correct: Counter[str] = Counter()
    for row in rows:
        correct[row.table] += row.correct
    return max(TABLES, key=lambda table: correct[table])
