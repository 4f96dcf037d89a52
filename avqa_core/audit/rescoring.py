"""How much it can matter that a row was scored on another test file.

Two releases of a file share nearly all rows. Answers to the shared rows count in both, so a row
that was scored on one release has an accuracy on the other that lies between exact bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from avqa_core.audit.questions import Questions


@dataclass(frozen=True, slots=True)
class Rescored:
    """Bounds of an accuracy on a file that it was not counted on, as fractions."""

    low: float
    high: float


def rescored(right: range, scored_on: Questions, other: Questions, shared: int) -> Rescored:
    """Return between which bounds the same answers would score on the other file.

    Args:
        right: right answers that the row allows on the file it was scored on.
        scored_on: that file.
        other: the file to score on.
        shared: rows that stand in both, with the same answer.
    """
    dropped, added = scored_on.total - shared, other.total - shared
    fewest = max(0, right[0] - dropped)
    most = min(right[-1], shared) + added
    return Rescored(fewest / other.total, most / other.total)
