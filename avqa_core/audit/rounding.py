"""One printed accuracy and the integers behind it.

An accuracy over n questions is k/n for a whole number k. Printed with two decimals it stands for
100 k/n rounded, and for n well below 10,000 most two-decimal numbers are no such rounding.
Everything here is exact: integers only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from avqa_core.errors import AnnotationError

MOST_DECIMALS = 4
Whole = Any  # a whole number, or an array of them
_NUMBER = re.compile(r"(\d{1,3})(?:\.(\d+))?\s*%?")


@dataclass(frozen=True, slots=True)
class Printed:
    """An accuracy in per cent as a table prints it.

    Attributes:
        text: the characters, which tell how many decimals were printed: ``"74.0"`` is not
            ``"74.00"``.
        units: the value in units of its last digit, 6810 for ``"68.10"``.
        decimals: digits after the point.
    """

    text: str
    units: int
    decimals: int

    @classmethod
    def parse(cls, text: str, where: str = "value") -> Printed:
        """Read a number as it is printed; ``where`` begins the message if it is none.

        Raises:
            AnnotationError: not a number from 0 to 100, or with more than four decimals.
        """
        found = _NUMBER.fullmatch(text.strip())
        whole, after = found.groups("") if found else ("", "")
        units = int(whole + after) if found else -1
        if not 0 <= units <= 100 * 10 ** len(after) or len(after) > MOST_DECIMALS:
            raise AnnotationError(
                f"{where}: expected an accuracy in per cent from 0 to 100 with at most "
                f"{MOST_DECIMALS} decimals, got {text[:40]!r}: write it as printed, e.g. 68.10"
            )
        return cls(whole + (f".{after}" if after else ""), units, len(after))

    @property
    def percent(self) -> float:
        """The value as a float."""
        return self.units / 10**self.decimals

    @property
    def scale(self) -> int:
        """How many units make 100 %."""
        return scale_of(self.decimals)

    def moved_to(self, units: int) -> Printed:
        """Return another value printed with as many decimals."""
        text = f"{units // 10**self.decimals}"
        if self.decimals:
            text += f".{units % 10**self.decimals:0{self.decimals}d}"
        return Printed(text, units, self.decimals)


def scale_of(decimals: int) -> int:
    """Return how many units of the last digit make 100 %."""
    return 100 * 10**decimals


@lru_cache(maxsize=65536)
def consistent_counts(printed: Printed, total: int) -> range:
    """Return every number of right answers among ``total`` that prints as ``printed``.

    Half a unit either way counts, both ends included: programs round halves up, to even, or as
    binary fractions happen to fall, and a check should not depend on which.
    """
    low, high = count_bounds(printed.units, total, printed.decimals)
    return range(int(low), int(high) + 1)


def count_bounds(units: Whole, total: Whole, decimals: int) -> tuple[Whole, Whole]:
    """Return the first and the last of the consistent counts; where there is none, first > last.

    Args:
        units: printed values in units of their last digit; arrays broadcast.
        total: numbers of questions.
        decimals: of the print.
    """
    twice = 2 * scale_of(decimals)
    low = -((1 - 2 * units) * total // twice)
    high = (2 * units + 1) * total // twice
    return np.maximum(low, 0), np.minimum(high, total)


def printed_count(count: int, total: int, decimals: int = 2) -> Printed:
    """Return how ``count`` of ``total`` is printed, halves rounded up."""
    scale = scale_of(decimals)
    units = (2 * count * scale + total) // (2 * total)
    return Printed("", 0, decimals).moved_to(units)


@lru_cache(maxsize=4096)
def share_of_values(total: int, decimals: int = 2) -> float:
    """Return which share of all numbers from 0 to 100 % are roundings of some k / ``total``.

    It is the probability that a number drawn evenly from them passes the check of one cell.
    """
    units = np.arange(scale_of(decimals) + 1)
    low, high = count_bounds(units, total, decimals)
    return float(np.mean(low <= high))


@lru_cache(maxsize=4096)
def share_in_common(scored_on: int, checked_on: int, decimals: int = 2) -> float:
    """Return how often a true accuracy over one number of questions passes as one over another.

    Args:
        scored_on: questions that the accuracy was counted on; every count is taken once.
        checked_on: questions that the check believes in.
        decimals: of the print.
    """
    counts = np.arange(scored_on + 1)
    units = (2 * counts * scale_of(decimals) + scored_on) // (2 * scored_on)
    low, high = count_bounds(units, checked_on, decimals)
    return float(np.mean(low <= high))
