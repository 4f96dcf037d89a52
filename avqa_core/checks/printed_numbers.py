"""Chapter 7: the numbers of right answers behind one printed accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from avqa_core.audit.rounding import Printed, consistent_counts
from avqa_core.checks.verdict import Verdict, expect, returned, verdict

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

    def check() -> str:
        for text, total in _TRIED:
            wanted = list(consistent_counts(Printed.parse(text), total))
            found = sorted(returned(solution(text, total)))
            expect(
                found == wanted,
                f"for {text} % of {total} expected {_shown(wanted)}, got {_shown(found)}",
            )
        return f"right on all {len(_TRIED)} cells, with none, one and several counts"

    return verdict(check)


def _shown(counts: list[int]) -> str:
    if not counts:
        return "no count"
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
