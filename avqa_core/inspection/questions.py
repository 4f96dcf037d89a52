"""A question file in lines for a person: what is asked, how often, and what looks wrong."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

from avqa_core.data.annotations import MUSIC_AVQA, Schema, count_categories, is_deleted, schema_of
from avqa_core.data.rows import read_rows
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS
from avqa_core.errors import AnnotationError
from avqa_core.features.summary import number
from avqa_core.printable import printable
from avqa_core.types import QAExample

NUM_COMMONEST = 5
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """What became of the rows of a question file.

    Attributes:
        path: of the file.
        schema: of the data set that it is written like.
        examples: rows that are questions.
        num_deleted: rows that the file marks as deleted, which are never read.
        malformed: for each row that is no question, why.
        unknown_keys: key that nobody reads -> number of rows with it.
    """

    path: Path
    schema: Schema
    examples: list[QAExample]
    num_deleted: int
    malformed: list[str]
    unknown_keys: Counter[str]

    @property
    def video_ids(self) -> set[str]:
        """The clips that are asked about."""
        return {example.video_id for example in self.examples}

    def check(self) -> None:
        """Refuse a file that training would refuse.

        Raises:
            AnnotationError: rows are malformed, or there is no question.
        """
        if self.malformed:
            raise AnnotationError(
                f"expected questions in every row of {self.path}, got {len(self.malformed)} "
                f"malformed of {len(self.malformed) + len(self.examples)}: the first is "
                f"{printable(self.malformed[0])}"
            )
        if not self.examples:
            raise AnnotationError(
                f"expected at least one question in {self.path}, got none: write the split again"
            )


def read_question_file(path: Path) -> QuestionFile:
    """Read a question file row by row; a malformed row is noted, not the end.

    Raises:
        AnnotationError: it is no JSON list at all.
    """
    examples: list[QAExample] = []
    malformed: list[str] = []
    num_deleted, unknown_keys = 0, Counter[str]()
    rows = read_rows(path)
    schema = schema_of(rows)
    for index, row in enumerate(rows):
        if isinstance(row, dict):
            unknown_keys.update(set(row) - schema.keys)
        if is_deleted(row):
            num_deleted += 1
            continue
        try:
            examples.append(schema.parse(row, f"row {index}"))
        except AnnotationError as error:
            malformed.append(str(error))
    return QuestionFile(path, schema, examples, num_deleted, malformed, unknown_keys)


def question_lines(file: QuestionFile) -> Iterator[str]:
    """Yield all there is to say about a question file.

    Raises:
        AnnotationError: as ``QuestionFile.check`` does, after the lines about what can be read.
    """
    examples = file.examples
    yield counted_line(file)
    yield "by category"
    yield from category_lines(examples)
    yield from short_lines(examples) if is_open_language(examples) else _long_lines(examples)
    yield from oddity_lines(file)
    file.check()


def is_open_language(examples: Iterable[QAExample]) -> bool:
    """Tell whether questions are in anybody's words, and would fill pages if they were listed."""
    return any(one.candidates for one in examples)


def counted_line(file: QuestionFile) -> str:
    """Return how many questions there are about how many clips."""
    return f"{number(len(file.examples), 'question')} about {number(len(file.video_ids), 'clip')}"


def category_lines(examples: list[QAExample]) -> Iterator[str]:
    """Yield the number of questions of each category that occurs."""
    for category, count in count_categories(examples).items():
        if count:
            yield f"  {category}: {count} ({100 * count / len(examples):.1f} %)"


def _long_lines(examples: list[QAExample]) -> Iterator[str]:
    """Yield every answer and every template with its number of questions."""
    answers = Counter(one.answer for one in examples if one.answer is not None)
    yield f"by answer, {len(answers)} of them"
    yield from _wrapped(f"{printable(name)} {count}" for name, count in _ordered(answers))
    templates = Counter(one.template for one in examples)
    yield number(len(templates), "template")
    for template, count in _ordered(templates):
        yield f"  {count:>6,}  {printable(template)}"


def short_lines(examples: list[QAExample]) -> Iterator[str]:
    """Yield answers and templates in one line each."""
    answers = Counter(one.answer for one in examples if one.answer is not None)
    common = ", ".join(f"{printable(one)} {n}" for one, n in _ordered(answers)[:NUM_COMMONEST])
    yield f"{number(len(answers), 'answer')}, most often {common or 'none'}"
    yield number(len({one.template for one in examples}), "template")


def oddity_lines(file: QuestionFile) -> Iterator[str]:
    """Yield lengths, and what is repeated, deleted, unknown or malformed."""
    examples = file.examples
    if lengths := [len(one.tokens) for one in examples]:
        yield f"words a question: {min(lengths)} to {max(lengths)}, median {median(lengths):g}"
    if silent := sum(one.answer is None for one in examples):
        yield f"without an answer: {number(silent, 'question')}"
    yield f"repeated question ids: {_repeats((one.question_id, one) for one in examples)}"
    asked = _repeats(((one.video_id, one.tokens), one) for one in examples)
    yield f"repeated questions about one clip: {asked}"
    yield f"deleted rows: {file.num_deleted}"
    unknown = (f"{printable(key)[:60]} ({n} rows)" for key, n in _ordered(file.unknown_keys))
    yield f"unknown keys: {', '.join(list(unknown)[:10]) or 'none'}"
    yield from candidate_lines(examples)
    if file.schema is MUSIC_AVQA:
        yield from beyond_lines(examples, MUSIC_AVQA_WORDS, MUSIC_AVQA_ANSWERS, "MUSIC-AVQA")
    if file.malformed:
        yield f"malformed: {number(len(file.malformed), 'row')}"


def candidate_lines(examples: list[QAExample]) -> Iterator[str]:
    """Yield where the right candidate stands, and which questions offer a candidate twice."""
    chosen = [one for one in examples if one.candidates]
    if not chosen:
        return
    places = Counter(
        one.candidates.index(one.answer) + 1 for one in chosen if one.answer is not None
    )
    yield f"right candidate: {', '.join(f'no. {place} {n}' for place, n in sorted(places.items()))}"
    twice = sum(len(set(one.candidates)) < len(one.candidates) for one in chosen)
    yield f"a candidate twice: {number(twice, 'question') if twice else 'none'}"


def beyond_lines(
    examples: list[QAExample], words: Iterable[str], answers: Iterable[str], whose: str
) -> Iterator[str]:
    """Yield the words and answers that are not among the known ones."""
    new_words = {word for one in examples for word in one.tokens} - set(words)
    listed = (one.answer for one in examples if not one.candidates)
    new_answers = {answer for answer in listed if answer is not None} - set(answers)
    for what, new in (("words", new_words), ("answers", new_answers)):
        if new:
            shown = ", ".join(printable(one)[:40] for one in sorted(new)[:10])
            more = ", ..." if len(new) > 10 else ""
            yield f"{what} that {whose} does not have: {len(new)} ({shown}{more})"


def _repeats(keyed: Iterable[tuple[Hashable, QAExample]]) -> str:
    """Return how many keys occur more than once, and how many of these with other answers."""
    answers: dict[Hashable, list[str | None]] = {}
    for key, example in keyed:
        answers.setdefault(key, []).append(example.answer)
    repeated = [given for given in answers.values() if len(given) > 1]
    if not repeated:
        return "none"
    surplus = sum(len(given) - 1 for given in repeated)
    disagreeing = sum(len(set(given)) > 1 for given in repeated)
    return f"{len(repeated)} ({surplus} rows too many), {disagreeing} with different answers"


def _ordered(counts: Counter[_Key]) -> list[tuple[_Key, int]]:
    """Return counts from the highest on, equal ones by name."""
    return sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))


def _wrapped(parts: Iterable[str]) -> Iterator[str]:
    """Yield lines of parts, none of them broken in its middle."""
    glued = ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    for line in textwrap.wrap(glued, 96, break_long_words=False, break_on_hyphens=False):
        yield "  " + line.replace("\N{NO-BREAK SPACE}", " ")
