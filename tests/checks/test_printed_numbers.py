"""The check of the exercise in chapter 7."""

from __future__ import annotations

import pytest

from avqa_core.audit.rounding import Printed, consistent_counts
from avqa_core.checks import counts_behind


def rounded(text: str, n: int) -> list[int]:
    return [k for k in range(n + 1) if f"{100 * k / n:.2f}" == text]


def test_the_counts_of_the_package_are_accepted():
    assert counts_behind(lambda text, n: consistent_counts(Printed.parse(text), n))


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        # 696 and 697 of 1,022 are 68.10 and 68.20 %, so the first cell has the one count
        (lambda text, n: [], "68.10 % of 1022 expected 696, got no count"),
        (lambda text, n: rounded(text, n) or [1, 2], "68.10 % of 1017 expected no count, got 1 to"),
        (rounded, "50.0 % of 9129"),
        (lambda text, n: [1 // 0], "ZeroDivisionError"),
        (lambda text, n: None, "returns None"),
    ],
)
def test_what_is_off_is_said(solution, reason):
    verdict = counts_behind(solution)
    assert not verdict and reason in verdict.message
