"""Words and answers as numbers: built from the training split, saved beside the checkpoint.

MUSIC-AVQA's language is closed: 33 templates over 22 instruments give 92 words and 42 answers.
Where the training split speaks it, the vocabulary is that whole language in a fixed order, so that
a small training split neither renumbers a word nor makes a rare answer of the test split an error.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avqa_core.errors import AnnotationError
from avqa_core.types import QAExample

PADDING = "<pad>"

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


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A word is its place in ``words`` (0 is ``<pad>``), an answer its place in ``answers``."""

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
            if not names or not all(names) or len(set(names)) != len(names):
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
        order of that list; otherwise those of the split, sorted.

        Raises:
            AnnotationError: no question, or none with an answer.
        """
        examples = list(examples)
        words = {word for example in examples for word in example.tokens}
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
            AnnotationError: a word is unknown; the message has the closest known one.
        """
        indices = [_look_up(self._word_index, word, "word") for word in tokens[:num_tokens]]
        return indices + [0] * (num_tokens - len(indices))

    def answer_index(self, answer: str | None) -> int:
        """Return the index of ``answer``, -1 where it is not known.

        Raises:
            AnnotationError: the vocabulary has no such answer; the message has the closest one.
        """
        return -1 if answer is None else _look_up(self._answer_index, answer, "answer")

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
            content = json.loads(Path(path).read_text(encoding="utf-8"))
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
