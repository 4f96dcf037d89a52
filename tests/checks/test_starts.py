"""The check of the exercise in chapter 12."""

from __future__ import annotations

import pytest
import torch

from avqa_core.checks import slope_behind


def test_one_minus_the_square_is_accepted():
    assert slope_behind(lambda state: 1 - state**2)


@pytest.mark.parametrize(
    ("solution", "hint"),
    [
        (lambda state: 1 / torch.cosh(state) ** 2, "tanh once more"),
        (lambda state: 1 - state, "square it"),
        (lambda state: state, "expected 0.0707"),
        (lambda state: (1 - state**2).mean(), "shape"),
        (lambda state: None, "returns None"),
    ],
)
def test_what_is_off_is_said(solution, hint):
    found = slope_behind(solution)
    assert not found and hint in found.message
