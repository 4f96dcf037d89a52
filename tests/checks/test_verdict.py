"""What every check is made of."""

from __future__ import annotations

import pytest
import torch

from avqa_core.checks.verdict import Verdict, expect, is_close, returned, tensor, verdict


def test_a_verdict_reads_as_a_sentence():
    assert repr(Verdict(True, "all of it")) == "solved: all of it"
    assert repr(Verdict(False, "a sign")) == "not yet: a sign"
    assert Verdict(True, "") and not Verdict(False, "")


def test_a_check_that_ends_says_why_it_is_solved():
    assert verdict(lambda: "all of it") == Verdict(True, "all of it")


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (lambda: expect(False, "a sign"), "a sign"),
        (lambda: returned(None), "your function returns None: nothing is returned yet"),
        (lambda: tensor(None, [2]), "your function returns None: nothing is returned yet"),
        (lambda: tensor([1.0, 2.0], [2]), "expected a tensor, got list"),
        (
            lambda: tensor(torch.zeros(3), [2]),
            "expected shape [2], got [3]: keep the input's axes",
        ),
        (lambda: {}["a"], "your function stopped with KeyError: 'a'"),
    ],
)
def test_a_check_that_stops_says_what_is_off(look, message):
    def check() -> str:
        look()
        return "solved"

    assert verdict(check) == Verdict(False, message)


def test_what_is_fine_goes_through():
    expect(True, "never said")
    assert returned(0) == 0
    assert torch.equal(tensor(torch.ones(2, 3), (2, 3)), torch.ones(2, 3))


def test_whoever_interrupts_a_check_is_not_its_verdict():
    def check() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict(check)


def test_close_forgives_rounding_and_nothing_more():
    assert is_close(torch.tensor([1.0]), torch.tensor([1.00009]))
    assert not is_close(torch.tensor([1.0]), torch.tensor([1.001]))
