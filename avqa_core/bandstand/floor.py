"""What the question alone gives: look-up tables of the most common answer.

Four tables, each finer than the last, are fitted on the training questions and scored on others; a
question that a table has never seen falls back to the next coarser one. The floor is the table that
does best on the validation questions. Questions with candidates have tables of their own: how often
a candidate was right when it was offered. Nothing here is particular to Bandstand: it takes
questions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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

# Of multiple choice; the first does not even read the question.
CHOICE_TABLES: dict[str, Callable[[QAExample], Key]] = {
    "candidates": lambda example: (),
    "category": _by_category,
    "question": _by_template,
}
PRIOR = 4  # a coarser table weighs as much as this many offers


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


class ChoiceLookUp:
    """The candidate that was right most often when offered, as finely as ``table`` tells apart.

    A finer table is drawn towards the coarser ones where it has seen little. Among equals it is the
    first candidate, so that who knows nothing is right as often as chance.
    """

    def __init__(self, examples: Iterable[QAExample], table: str) -> None:
        self.keys = list(CHOICE_TABLES.values())[: list(CHOICE_TABLES).index(table) + 1]
        self.offered: Counter[Key] = Counter()
        self.right: Counter[Key] = Counter()
        for example in examples:
            if example.answer is None:
                continue
            for key in self.keys:
                self.right[(*key(example), example.answer)] += 1
                self.offered.update((*key(example), one) for one in set(example.candidates))

    def answer(self, example: QAExample) -> str:
        """Return the most promising candidate."""
        return max(example.candidates, key=lambda candidate: self.rate(example, candidate))

    def rate(self, example: QAExample, candidate: str) -> float:
        """Return how often ``candidate`` is expected to be right beside such a question."""
        rate = 1 / len(example.candidates)
        for key in self.keys:
            what = (*key(example), candidate)
            rate = (self.right[what] + PRIOR * rate) / (self.offered[what] + PRIOR)
        return rate


def readers(train: Sequence[QAExample]) -> Mapping[str, LookUp | ChoiceLookUp]:
    """Return who answers questions like those of ``train``, from coarse to fine."""
    if any(example.candidates for example in train):
        return {table: ChoiceLookUp(train, table) for table in CHOICE_TABLES}
    return {table: LookUp(train, table) for table in TABLES}


def score_tables(train: Sequence[QAExample], examples: Sequence[QAExample]) -> list[FloorRow]:
    """Return one row per table and category of ``examples``, the tables fitted on ``train``."""
    rows = []
    for table, reader in readers(train).items():
        right: Counter[QuestionCategory] = Counter()
        total: Counter[QuestionCategory] = Counter()
        for example in examples:
            total[example.category] += 1
            right[example.category] += reader.answer(example) == example.answer
        rows += [
            FloorRow(table=table, category=category, correct=right[category], total=number)
            for category, number in sorted(total.items())
        ]
    return rows


def best_table(rows: Iterable[FloorRow]) -> str:
    """Return the table that is right most often over all categories; the coarsest among equals."""
    correct: dict[str, int] = {}
    for row in rows:
        correct[row.table] = correct.get(row.table, 0) + row.correct
    return max(correct, key=lambda table: correct[table])
