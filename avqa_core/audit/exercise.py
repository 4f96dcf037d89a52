"""The check of the exercise about one cell: whether a reader's function finds the right counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from avqa_core.audit.rounding import Printed, consistent_counts
from avqa_core.checks import Verdict

# text, questions: nothing fits, one fits, several fit, and the two ends of the scale
_TRIED = (
    ("68.10", 1022),
    ("68.10", 1017),
    ("50.0", 9129),
    ("100.00", 594),
    ("0.00", 594),
)


def counts_behind(solution: Callable[[str, int], Iterable[int]]) -> Verdict:
    """Check a function of the printed text and the number of questions that returns the counts."""
    for text, total in _TRIED:
        wanted = list(consistent_counts(Printed.parse(text), total))
        try:
            found = sorted(solution(text, total))
        except Exception as error:
            return Verdict(False, f"your function stopped with {type(error).__name__}: {error}")
        if found != wanted:
            return Verdict(
                False, f"for {text} % of {total} expected {_shown(wanted)}, got {_shown(found)}"
            )
    return Verdict(True, f"right on all {len(_TRIED)} cells, with none, one and several counts")


def _shown(counts: list[int]) -> str:
    if not counts:
        return "no count"
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
