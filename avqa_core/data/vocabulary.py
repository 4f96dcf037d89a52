"""Words and answers as numbers: built from the training split, saved beside the checkpoint.

MUSIC-AVQA's language is closed: 33 templates over 22 instruments give 92 words and 42 answers.
Where the training split speaks it, the vocabulary is that whole language in a fixed order, so that
a small training split neither renumbers a word nor makes a rare answer of the test split an error.
Questions with candidates are in open language: there is no list of answers, and a word that
training does not know well is ``<unk>``.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avqa_core.errors import AnnotationError
from avqa_core.types import QAExample

PADDING, UNKNOWN = "<pad>", "<unk>"

_INSTRUMENTS = """
accordion acoustic_guitar bagpipe banjo bassoon cello clarinet congas drum electric_bass erhu flute
guzheng piano pipa saxophone suona trumpet tuba ukulele violin xylophone
"""
_OTHER_WORDS = """
Are How Is What Where Which a after always and appeared are as at before beginning comes coming did
end entire fifth first fourth from heard in instrument instruments is it kind last left leftest
longer louder loudest lowest makes many middle more musical not of on performance playing rhythmic
right rightest same second sound sounding sounds than that the there third this throughout time to
types video voiceover were
"""
_NUMBERS = "zero one two three four five six seven eight nine ten"
_PLACES = "left middle right indoor outdoor simultaneously"

MUSIC_AVQA_WORDS: tuple[str, ...] = tuple(sorted((_INSTRUMENTS + _OTHER_WORDS).split()))
MUSIC_AVQA_ANSWERS: tuple[str, ...] = (
    *("yes", "no"),
    *_NUMBERS.split(),
    "more than ten",
    *_PLACES.split(),
    *_INSTRUMENTS.split(),
)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of an open text in lower case, without the marks between them."""
    return tuple(re.findall(r"\w+(?:'\w+)*", text.lower()))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A word is its place in ``words`` (0 is ``<pad>``), an answer its place in ``answers``.

    Without ``answers`` it is that of multiple choice: each question has candidates of its own.
    """

    words: tuple[str, ...]
    answers: tuple[str, ...]
    _word_index: dict[str, int] = field(init=False, repr=False, compare=False)
    _answer_index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.words[:1] != (PADDING,):
            raise AnnotationError(
                f"vocabulary: expected {PADDING!r} as the first word, got {self.words[:1]}: "
                "build it with Vocabulary.from_examples"
            )
        for what, names in (("words", self.words), ("answers", self.answers)):
            is_too_short = not names and UNKNOWN not in self.words
            if is_too_short or not all(names) or len(set(names)) != len(names):
                raise AnnotationError(
                    f"vocabulary: expected {what} that differ and are not empty, got {names}: "
                    "build it with Vocabulary.from_examples"
                )
        object.__setattr__(self, "_word_index", _numbered(self.words))
        object.__setattr__(self, "_answer_index", _numbered(self.answers))

    @classmethod
    def from_examples(cls, examples: Iterable[QAExample]) -> Vocabulary:
        """Build the vocabulary of a training split; unknown answers (None) are passed over.

        Words and answers are each the whole list of MUSIC-AVQA if the split uses no other, in the
        order of that list; otherwise those of the split, sorted. With candidates, the words of
        questions and candidates that occur more than once: from the others is learned what to make
        of a word that nobody knows.

        Raises:
            AnnotationError: no question, or none with an answer.
        """
        examples = list(examples)
        if any(example.candidates for example in examples):
            return cls((PADDING, UNKNOWN, *_repeated(examples)), ())
        words = {word for tokens in {one.tokens for one in examples} for word in tokens}
        answers = {example.answer for example in examples if example.answer is not None}
        if not words or not answers:
            raise AnnotationError(
                f"vocabulary: expected questions with answers, got {len(examples)} questions and "
                f"{len(answers)} answers: give it the training split"
            )
        return cls(
            (PADDING, *_ordered(words, MUSIC_AVQA_WORDS)), _ordered(answers, MUSIC_AVQA_ANSWERS)
        )

    def encode(self, tokens: Sequence[str], num_tokens: int = 14) -> list[int]:
        """Return the indices of ``tokens``, cut or padded with 0 to ``num_tokens``.

        Raises:
            AnnotationError: a word is unknown and the language closed; the message has the
                closest known one.
        """
        indices = [self._word_place(word) for word in tokens[:num_tokens]]
        return indices + [0] * (num_tokens - len(indices))

    def answer_index(self, answer: str | None) -> int:
        """Return the index of ``answer``, -1 where it is not known.

        Raises:
            AnnotationError: the vocabulary has no such answer; the message has the closest one.
        """
        return -1 if answer is None else _look_up(self._answer_index, answer, "answer")

    @property
    def is_multiple_choice(self) -> bool:
        """Whether every question brings candidates of its own, in open language."""
        return not self.answers

    def choices(self, example: QAExample) -> tuple[str, ...]:
        """Return what a model has to choose from: the candidates, or all answers there are."""
        return example.candidates or self.answers

    def place_of_answer(self, example: QAExample) -> int:
        """Return the place of the answer among the choices, -1 where it is not known.

        Raises:
            AnnotationError: it is none of the choices, or the question has candidates where the
                vocabulary has answers, or none where it has none.
        """
        if bool(example.candidates) != self.is_multiple_choice:
            wanted, got = ("no candidates", "some") if self.answers else ("candidates", "none")
            raise AnnotationError(
                f"expected {wanted} beside the question, got {got}: use the data set that the "
                "vocabulary is of"
            )
        if example.candidates and example.answer is not None:
            return example.candidates.index(example.answer)
        return self.answer_index(example.answer)

    def _word_place(self, word: str) -> int:
        if UNKNOWN in self._word_index:
            return self._word_index.get(word, self._word_index[UNKNOWN])
        return _look_up(self._word_index, word, "word")

    def save(self, path: Path | str) -> None:
        """Write the vocabulary as JSON."""
        content = {"format": 1, "words": list(self.words), "answers": list(self.answers)}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str) -> Vocabulary:
        """Read what ``save`` wrote.

        Raises:
            AnnotationError: unreadable, or not exactly a vocabulary of format 1.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise AnnotationError(
                f"expected a vocabulary at {path}, got {error}: check the path"
            ) from error
        if not _is_vocabulary(content):
            raise AnnotationError(
                f"expected a vocabulary of format 1 (format, words, answers) at {path}, got "
                f"{repr(content)[:80]}: take the vocabulary.json of a run"
            )
        return cls(tuple(content["words"]), tuple(content["answers"]))


def _is_vocabulary(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and set(content) == {"format", "words", "answers"}
        and content["format"] == 1
        and all(
            isinstance(content[key], list) and all(isinstance(item, str) for item in content[key])
            for key in ("words", "answers")
        )
    )


def _repeated(examples: Iterable[QAExample]) -> list[str]:
    """Return the words that occur more than once in questions and candidates, sorted."""
    counts = Counter(
        word
        for example in examples
        for words in (example.tokens, *map(words_of, example.candidates))
        for word in words
    )
    return sorted(word for word, count in counts.items() if count > 1)


def _ordered(seen: set[str], closed: tuple[str, ...]) -> tuple[str, ...]:
    return closed if seen <= set(closed) else tuple(sorted(seen))


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: index for index, name in enumerate(names)}


def _look_up(index: dict[str, int], name: str, what: str) -> int:
    if name in index:
        return index[name]
    close = difflib.get_close_matches(name, index, n=1, cutoff=0.0)
    raise AnnotationError(
        f"expected one of the {len(index)} {what}s of the vocabulary, got {name[:80]!r}: "
        f"did you mean {close[0]!r}?"
    )
