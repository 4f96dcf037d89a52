"""Checks of the exercises: they take a reader's function and say what is off, not only that it is.

Every check tries the function on inputs of its own, compares with the package, and returns a
``Verdict``. A function that is not written yet, or that fails, is a verdict too: running a whole
chapter never stops at an exercise.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from avqa_core import comparison, rng
from avqa_core.bandstand.floor import LookUp
from avqa_core.completion.rmm import joint_addressing, max_joint_weight
from avqa_core.diffusion.schedule import Schedule
from avqa_core.types import QAExample

CLOSE = 1e-4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an exercise is solved, and what to look at if it is not."""

    is_solved: bool
    message: str

    def __bool__(self) -> bool:
        return self.is_solved

    def __repr__(self) -> str:
        return f"{'solved' if self.is_solved else 'not yet'}: {self.message}"


class _NotYetError(Exception):
    """What is off; becomes the message of a verdict."""


def _verdict(check: Callable[[], str]) -> Verdict:
    """Return what ``check`` says; an error of the reader's function is a verdict as well."""
    try:
        return Verdict(True, check())
    except _NotYetError as reason:
        return Verdict(False, str(reason))
    except Exception as error:
        return Verdict(False, f"your function stopped with {type(error).__name__}: {error}")


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise _NotYetError(message)


def _number(value: Any) -> float:
    _expect(value is not None, "your function returns None: nothing is returned yet")
    return float(value)


def _tensor(value: Any, shape: Sequence[int]) -> Tensor:
    _expect(value is not None, "your function returns None: nothing is returned yet")
    _expect(isinstance(value, Tensor), f"expected a tensor, got {type(value).__name__}")
    _expect(
        tuple(value.shape) == tuple(shape),
        f"expected shape {list(shape)}, got {list(value.shape)}: keep the input's axes",
    )
    return value


def _is_close(value: Tensor, wanted: Tensor) -> bool:
    return bool(torch.allclose(value.float(), wanted.float(), atol=CLOSE, rtol=CLOSE))


def most_common_answers(
    solution: Callable[[Sequence[QAExample]], Mapping[str, str]], examples: Sequence[QAExample]
) -> Verdict:
    """Check a table from question template to its most common answer."""

    def check() -> str:
        table = solution(examples)
        _expect(table is not None, "your function returns None: return the table")
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for one in examples:
            if one.answer is not None:
                counts[one.template][one.answer] += 1
        missing = sorted(set(counts) - set(table))
        _expect(not missing, f"the template {missing[:1]} has no answer in your table")
        for template, counter in counts.items():
            said, top = counter[table[template]], max(counter.values())
            _expect(
                said == top,
                f"for {template!r} you say {table[template]!r}, which {said} questions have; "
                f"another answer has {top}: take the most common one",
            )
        look_up = LookUp(examples, "template")
        right = sum(look_up.answer(one) == one.answer for one in examples)
        return f"the same table as the package's, right on {right} of {len(examples)} questions"

    return _verdict(check)


def largest_weight(solution: Callable[[int], float]) -> Verdict:
    """Check the largest weight that Eq. 2 as printed can put on one of L slots."""

    def check() -> str:
        for num_slots in (1, 2, 75, 100):
            value, wanted = _number(solution(num_slots)), max_joint_weight(num_slots)
            _expect(
                not math.isclose(value, 1 / num_slots, rel_tol=CLOSE) or num_slots == 1,
                f"{value:.4f} at L = {num_slots} is the uniform weight: the winner enters the "
                "last softmax with 1, the others with 0",
            )
            _expect(
                not math.isclose(value, 1.0, rel_tol=CLOSE) or num_slots == 1,
                "1 would be the weight before the last softmax: take that one too",
            )
            _expect(
                math.isclose(value, wanted, rel_tol=CLOSE),
                f"expected {wanted:.4f} at L = {num_slots}, got {value:.4f}: exp(1) for the "
                "winner, exp(0) for each of the other L - 1",
            )
        return "the bound of Eq. 2, for every L that was tried"

    return _verdict(check)


def product_of_experts(solution: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """Check the renormalised addressing, a function of two tensors of scores [rows, L]."""
    generator = rng.named(0, "check product of experts")
    scores, question = (3 * torch.randn(4, 9, generator=generator) for _ in range(2))

    def check() -> str:
        weights = _tensor(solution(scores, question), scores.shape)
        wanted = joint_addressing(scores, question, "renormalised")
        printed = joint_addressing(scores, question, "paper")
        sums = weights.sum(dim=-1)
        _expect(
            not _is_close(weights, printed),
            "this is Eq. 2 as printed: the product of two softmaxes must not go through a third",
        )
        _expect(
            not _is_close(weights, scores.softmax(-1) * question.softmax(-1)),
            f"the product is right, but its rows sum to {float(sums[0]):.3f}: divide by the sum",
        )
        _expect(
            _is_close(sums, torch.ones_like(sums)),
            f"expected rows that sum to 1, got {float(sums[0]):.3f}: over which axis do you sum?",
        )
        _expect(_is_close(weights, wanted), "the rows sum to 1, but the weights are others")
        return "equal to the package's renormalised addressing"

    return _verdict(check)


def noised(solution: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """Check Eq. 5 in one go, a function of x_0, the noise and alpha_bar."""
    generator = rng.named(0, "check noised")
    clean, noise = (torch.randn(3, 5, generator=generator) for _ in range(2))

    def check() -> str:
        for left in Schedule("sigmoid", 10).alpha_bar[1:]:
            value = _tensor(solution(clean, noise, left), clean.shape)
            wanted = left.sqrt() * clean + (1 - left).sqrt() * noise
            if _is_close(value, wanted):
                continue
            _expect(
                not _is_close(value, left * clean + (1 - left) * noise),
                "the shares are right as variances; amplitudes are their square roots",
            )
            _expect(
                not _is_close(value, (1 - left).sqrt() * clean + left.sqrt() * noise),
                "signal and noise are swapped: alpha_bar is what is left of the signal",
            )
            _expect(False, f"not x_k at alpha_bar = {float(left):.3f}")
        return "x_k for every step of the sigmoid schedule"

    return _verdict(check)


def clean_from_velocity(solution: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """Check x_0 from a velocity, a function of the velocity, x_k and alpha_bar."""
    generator = rng.named(0, "check velocity")
    clean, noise = (torch.randn(3, 5, generator=generator) for _ in range(2))

    def check() -> str:
        for left in Schedule("sigmoid", 10).alpha_bar[1:]:
            signal, rest = left.sqrt(), (1 - left).sqrt()
            noisy, velocity = signal * clean + rest * noise, signal * noise - rest * clean
            value = _tensor(solution(velocity, noisy, left), clean.shape)
            if _is_close(value, clean):
                continue
            _expect(
                not _is_close(value, noise),
                "this is the noise: swap the two factors and mind the sign",
            )
            _expect(
                not _is_close(value, signal * noisy + rest * velocity),
                "one sign is wrong: insert x_k and v and see which terms must cancel",
            )
            _expect(False, f"not x_0 at alpha_bar = {float(left):.5f}")
        return "x_0 comes back at every step, also where next to nothing is left of it"

    return _verdict(check)


def recovered_share(solution: Callable[[float, float, float], float]) -> Verdict:
    """Check the share of what a control leaves below the ceiling that is won back."""

    def check() -> str:
        for accuracy, control, ceiling, hint in (
            (0.4, 0.4, 0.9, "at the control nothing is won back"),
            (0.9, 0.4, 0.9, "at the ceiling all of it is won back"),
            (0.5, 0.4, 0.9, "divide what was won by what there was to win"),
            (0.3, 0.4, 0.8, "below the control the share is negative: do not cut it off"),
        ):
            value = _number(solution(accuracy, control, ceiling))
            wanted = comparison.recovered_share(accuracy, control, ceiling)
            _expect(
                abs(value - wanted) <= CLOSE,
                f"for accuracy {accuracy}, control {control} and ceiling {ceiling} you return "
                f"{value:g}, expected {wanted:g}: {hint}",
            )
        return "the same share as the package's"

    return _verdict(check)


def paired_gain(solution: Callable[[dict[int, float], dict[int, float]], float]) -> Verdict:
    """Check the mean gain over the seeds that two methods have in common."""

    def check() -> str:
        for ours, control, wanted, hint in (
            ({0: 0.5, 1: 0.7}, {0: 0.4, 1: 0.5}, 0.15, "take ours minus control"),
            ({0: 0.5, 2: 0.9}, {0: 0.6, 1: 0.1}, -0.1, "leave out seeds that one side lacks"),
        ):
            value = _number(solution(dict(ours), dict(control)))
            _expect(
                abs(value - wanted) <= CLOSE,
                f"for {ours} against {control} you return {value:g}, expected {wanted:g}: {hint}",
            )
        return "a gain seed by seed, over the seeds that both have"

    return _verdict(check)


def hidden_targets(solution: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """Check which halves of which segments may be targets of a recall loss.

    Args:
        solution: (availability, present), both bool ``[B, T, 2]`` -> bool ``[B, T, 2]``.
    """

    def check() -> str:
        generator = rng.named(0, "hidden targets")
        present = torch.rand(6, 5, 2, generator=generator) < 0.7
        availability = present & (torch.rand(6, 5, 2, generator=generator) < 0.6)
        found = _tensor(solution(availability, present), present.shape)
        _expect(found.dtype == torch.bool, f"expected True and False, got {found.dtype}")
        _expect(
            not bool((found & ~present).any()),
            "a half that was never recorded is a target: there is nothing to compare with",
        )
        _expect(
            not bool((found & availability).any()),
            "a half that the completer saw is a target: copying it would be learned",
        )
        missed = int((present & ~availability & ~found).sum())
        _expect(missed == 0, f"{missed} hidden halves are no targets: they were there, and unseen")
        return "what was there and was not shown, and nothing else"

    return _verdict(check)
