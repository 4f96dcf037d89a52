"""What every check of an exercise is made of: a verdict, and what it has to look at.

A function that is not written yet, or that fails, is a verdict too: running a whole chapter never
stops at an exercise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

CLOSE = 1e-4
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an exercise is solved, and what to look at if it is not."""

    is_solved: bool
    message: str

    def __bool__(self) -> bool:
        return self.is_solved

    def __repr__(self) -> str:
        return f"{'solved' if self.is_solved else 'not yet'}: {self.message}"


class NotYetError(Exception):
    """What is off; becomes the message of a verdict."""


def verdict(check: Callable[[], str]) -> Verdict:
    """Return what ``check`` says; an error of the reader's function is a verdict as well."""
    try:
        return Verdict(True, check())
    except NotYetError as reason:
        return Verdict(False, str(reason))
    except Exception as error:
        return Verdict(False, f"your function stopped with {type(error).__name__}: {error}")


def expect(condition: bool, message: str) -> None:
    """End a check with ``message`` unless ``condition`` holds."""
    if not condition:
        raise NotYetError(message)


def returned(value: Value | None) -> Value:
    """Return what the reader's function returned; nothing ends the check."""
    if value is None:
        raise NotYetError("your function returns None: nothing is returned yet")
    return value


def tensor(value: object, shape: Sequence[int]) -> Tensor:
    """Return what the reader's function returned if it is a tensor of this shape."""
    value = returned(value)
    if not isinstance(value, Tensor):
        raise NotYetError(f"expected a tensor, got {type(value).__name__}")
    expect(
        tuple(value.shape) == tuple(shape),
        f"expected shape {list(shape)}, got {list(value.shape)}: keep the input's axes",
    )
    return value


def is_close(value: Tensor, wanted: Tensor) -> bool:
    """Tell whether two tensors are equal but for rounding."""
    return bool(torch.allclose(value.float(), wanted.float(), atol=CLOSE, rtol=CLOSE))
