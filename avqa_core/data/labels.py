"""Few labels, many clips: hide the answers of most questions, keep their clips.

The recall and diffusion losses need no answer, so a method that learns from them can use what a
method that learns from answers alone cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from avqa_core import rng
from avqa_core.config import require
from avqa_core.data.draws import draw_uniform
from avqa_core.types import QAExample


def with_few_labels(examples: Sequence[QAExample], fraction: float, seed: int) -> list[QAExample]:
    """Return all questions, of which only a share tells its answer; a batch has -1 for the others.

    Whether a question tells is a function of (seed, question id), and whoever tells at a small
    fraction tells at a larger one too.

    Args:
        examples: of a training split.
        fraction: in (0, 1], the expected share of questions with an answer.
        seed: of the choice.

    Raises:
        ConfigError: the fraction is out of range, or leaves no answer at all.
    """
    require(
        0 < fraction <= 1,
        f"labelled_fraction: expected a number in (0, 1], got {fraction}: use 1 for all labels",
    )
    keys = np.array([example.question_id for example in examples], dtype=np.int64)
    drawn = draw_uniform(rng.derive(seed, "labels"), keys, 1)[:, 0]
    chosen = [
        example if draw < fraction else replace(example, answer=None)
        for example, draw in zip(examples, drawn, strict=True)
    ]
    require(
        any(example.answer is not None for example in chosen),
        f"labelled_fraction: expected at least one labelled question, got none of {len(chosen)} "
        f"at {fraction}: raise it",
    )
    return chosen
