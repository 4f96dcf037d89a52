"""The check of the exercise in chapter 15."""

from __future__ import annotations

import pytest

from avqa_core.checks import sounding_players


def test_a_product_and_a_sum_are_accepted():
    assert sounding_players(lambda players, heard: (players * heard).sum(dim=-1))


@pytest.mark.parametrize(
    ("solution", "hint"),
    [
        (lambda players, heard: players.sum(dim=1), "some of them are silent"),
        (lambda players, heard: ((players > 0) & heard).sum(dim=1), "kinds of instruments"),
        (lambda players, heard: heard.sum(dim=1), "nobody on stage"),
        (lambda players, heard: (players * ~heard).sum(dim=1), "expected [5, 0, 2]"),
        (lambda players, heard: players * heard, "shape"),
        (lambda players, heard: None, "returns None"),
    ],
)
def test_what_is_off_is_said(solution, hint):
    found = sounding_players(solution)
    assert not found and hint in found.message
