from collections import Counter, defaultdict

import pytest
import torch

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


E_ = 2.718281828459045


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (lambda num_slots: E_ / (E_ + num_slots - 1), True, "bound"),
        (lambda num_slots: 1 / num_slots, False, "uniform"),
        (lambda num_slots: 1.0, False, "before the last softmax"),
        (lambda num_slots: E_ / (E_ + num_slots), False, "exp(1)"),
        (lambda num_slots: None, False, "returns None"),
    ],
)
def test_the_largest_weight(solution, solved, reason):
    verdict = checks.largest_weight(solution)
    assert bool(verdict) is solved and reason in verdict.message


def normalised(scores, question):
    product = scores.softmax(-1) * question.softmax(-1)
    return product / product.sum(-1, keepdim=True)


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (normalised, True, "renormalised"),
        (lambda s, q: (s + q).softmax(-1), True, "renormalised"),
        (lambda s, q: (s.softmax(-1) * q.softmax(-1)).softmax(-1), False, "as printed"),
        (lambda s, q: s.softmax(-1) * q.softmax(-1), False, "divide by the sum"),
        (lambda s, q: (s + q).softmax(0), False, "over which axis"),
        (lambda s, q: s.softmax(-1), False, "others"),
        (lambda s, q: s[0], False, "expected shape [4, 9]"),
        (lambda s, q: [1.0], False, "expected a tensor"),
    ],
)
def test_the_product_of_experts(solution, solved, reason):
    verdict = checks.product_of_experts(solution)
    assert bool(verdict) is solved and reason in verdict.message


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (lambda x, e, a: a.sqrt() * x + (1 - a).sqrt() * e, True, "every step"),
        (lambda x, e, a: a * x + (1 - a) * e, False, "square roots"),
        (lambda x, e, a: (1 - a).sqrt() * x + a.sqrt() * e, False, "swapped"),
        (lambda x, e, a: x + e, False, "not x_k"),
    ],
)
def test_noising(solution, solved, reason):
    verdict = checks.noised(solution)
    assert bool(verdict) is solved and reason in verdict.message


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (lambda v, x, a: a.sqrt() * x - (1 - a).sqrt() * v, True, "comes back"),
        (lambda v, x, a: a.sqrt() * x + (1 - a).sqrt() * v, False, "one sign"),
        (lambda v, x, a: (1 - a).sqrt() * x + a.sqrt() * v, False, "this is the noise"),
        (lambda v, x, a: torch.zeros_like(x), False, "not x_0"),
    ],
)
def test_clean_from_velocity(solution, solved, reason):
    verdict = checks.clean_from_velocity(solution)
    assert bool(verdict) is solved and reason in verdict.message


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (lambda available, present: present & ~available, True, "nothing else"),
        (lambda available, present: ~available, False, "never recorded"),
        (lambda available, present: present, False, "copying"),
        (lambda available, present: torch.zeros_like(present), False, "hidden halves are no"),
        (lambda available, present: (present & ~available).float(), False, "True and False"),
        (lambda available, present: None, False, "None"),
    ],
)
def test_hidden_targets(solution, solved, reason):
    verdict = checks.hidden_targets(solution)
    assert bool(verdict) is solved and reason in verdict.message


def test_a_verdict_reads_as_a_sentence():
    assert repr(checks.Verdict(True, "all of it")) == "solved: all of it"
    assert repr(checks.Verdict(False, "a sign")) == "not yet: a sign"


def _paired(ours, control):
    shared = ours.keys() & control.keys()
    return sum(ours[one] - control[one] for one in shared) / len(shared)


def _of_means(ours, control):
    return sum(ours.values()) / len(ours) - sum(control.values()) / len(control)


@pytest.mark.parametrize(
    ("solution", "solved", "reason"),
    [
        (_paired, True, "seed by seed"),
        (lambda a, b: -_paired(a, b), False, "ours minus control"),
        (_of_means, False, "one side lacks"),
        (lambda a, b: sum(a[one] - b[one] for one in a) / 2, False, "KeyError"),
    ],
)
def test_paired_gain(solution, solved, reason):
    verdict = checks.paired_gain(solution)
    assert bool(verdict) is solved and reason in verdict.message
