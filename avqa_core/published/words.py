"""The order in which published programs number words and answers."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from avqa_core.backbones.avst import AVST
from avqa_core.data.annotations import read_annotations
from avqa_core.data.vocabulary import (
    MUSIC_AVQA_ANSWERS,
    MUSIC_AVQA_WORDS,
    PADDING,
    Vocabulary,
)
from avqa_core.errors import AnnotationError, CheckpointError

FIRST_RELEASE_ROWS = 32_087  # training questions of MUSIC-AVQA as first published
_log = logging.getLogger(__name__)


def published_vocabulary(train_file: Path | str) -> Vocabulary:
    """Return words and answers in their order of first appearance in a training file.

    AVST and the released Missing-AVQA program both number them so, from the first release of
    ``avqa-train.json``, even where they train on the corrected one; padding comes first. Another
    file gives another order: what the checkpoint was trained with cannot be told from it.

    Raises:
        AnnotationError: unreadable, or a question without an answer.
    """
    examples = read_annotations(train_file)
    if len(examples) != FIRST_RELEASE_ROWS:
        _log.warning(
            "%s has %d questions, the first release of avqa-train.json %d: the order of words and "
            "answers may not be the published one",
            *(train_file, len(examples), FIRST_RELEASE_ROWS),
        )
    words = dict.fromkeys(word for example in examples for word in example.tokens)
    answers: dict[str, None] = {}
    for example in examples:
        if example.answer is None:
            raise AnnotationError(
                f"question {example.question_id} in {train_file}: expected an answer, got none: "
                "give the training file that the checkpoint was made with"
            )
        answers.setdefault(example.answer)
    return Vocabulary((PADDING, *words), tuple(answers))


def music_avqa_vocabulary() -> Vocabulary:
    """Return the closed language of MUSIC-AVQA in the order that our own runs use."""
    return Vocabulary((PADDING, *MUSIC_AVQA_WORDS), MUSIC_AVQA_ANSWERS)


def renumber(backbone: AVST, old: Vocabulary, new: Vocabulary) -> None:
    """Move the rows of the word and the answer table, so that ``new`` means what ``old`` meant.

    Raises:
        CheckpointError: the two do not hold the same words and answers.
    """
    if set(old.words) != set(new.words) or set(old.answers) != set(new.answers):
        differing = (set(old.words) ^ set(new.words)) | (set(old.answers) ^ set(new.answers))
        raise CheckpointError(
            "expected two orders of the same words and answers, got words or answers in one only: "
            f"{', '.join(sorted(differing)[:5])}: keep the vocabulary of the checkpoint"
        )
    words = torch.tensor([old.words.index(word) for word in new.words])
    answers = torch.tensor([old.answers.index(answer) for answer in new.answers])
    with torch.no_grad():
        for tensor, order in (
            (backbone.question_encoder.embedding.weight, words),
            (backbone.answer_head.weight, answers),
            (backbone.answer_head.bias, answers),
        ):
            tensor.copy_(tensor[order.to(tensor.device)])
