"""The check of the exercise in chapter 1."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from avqa_core import checks
from avqa_core.types import QAExample, QuestionCategory


def question(number, template, answer):
    return QAExample(
        question_id=number,
        video_id="clip",
        category=QuestionCategory("Audio", "Counting"),
        template=template,
        slot_values=(),
        tokens=tuple(template.split()),
        answer=answer,
    )


EXAMPLES = [
    question(0, "how many", "two"),
    question(1, "how many", "two"),
    question(2, "how many", "one"),
    question(3, "is it", "yes"),
    question(4, "is it", None),
]


def table(examples):
    counts = defaultdict(Counter)
    for one in examples:
        counts[one.template][one.answer] += one.answer is not None
    return {template: counter.most_common(1)[0][0] for template, counter in counts.items()}


def test_a_right_table_of_answers_is_told_how_often_it_is_right():
    verdict = checks.most_common_answers(table, EXAMPLES)
    assert verdict and "right on 3 of 5" in verdict.message


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        (lambda examples: None, "returns None"),
        (lambda examples: {"how many": "two"}, "'is it'"),
        (lambda examples: {"how many": "one", "is it": "yes"}, "which 1 questions have"),
        (lambda examples: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_wrong_table_is_told_what_is_off(solution, reason):
    verdict = checks.most_common_answers(solution, EXAMPLES)
    assert not verdict and reason in verdict.message
