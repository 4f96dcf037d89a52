"""Chapter 1: the most common answer to each template."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from avqa_core.bandstand.floor import LookUp
from avqa_core.checks.verdict import Verdict, expect, returned, verdict
from avqa_core.types import QAExample


def most_common_answers(
    solution: Callable[[Sequence[QAExample]], Mapping[str, str]], examples: Sequence[QAExample]
) -> Verdict:
    """Check a table from question template to its most common answer."""

    def check() -> str:
        table = returned(solution(examples))
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for one in examples:
            if one.answer is not None:
                counts[one.template][one.answer] += 1
        missing = sorted(set(counts) - set(table))
        expect(not missing, f"the template {missing[:1]} has no answer in your table")
        for template, counter in counts.items():
            said, top = counter[table[template]], max(counter.values())
            expect(
                said == top,
                f"for {template!r} you say {table[template]!r}, which {said} questions have; "
                f"another answer has {top}: take the most common one",
            )
        look_up = LookUp(examples, "template")
        right = sum(look_up.answer(one) == one.answer for one in examples)
        return f"the same table as the package's, right on {right} of {len(examples)} questions"

    return verdict(check)
