"""The check of the exercise in chapter 11."""

from __future__ import annotations

import pytest
import torch

from avqa_core import checks


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
