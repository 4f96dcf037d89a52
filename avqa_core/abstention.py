"""How sure a model was, as counts in bins: small enough to store, fine enough to choose from.

Every whole per cent is the edge of a bin, so that "answer only when at least 80 % sure" can be
looked up for any such threshold, without the answers. See ``calibration`` for single answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from avqa_core.calibration import Bin, RiskCoverage, answered_at, checked
from avqa_core.config import require
from avqa_core.metrics import Tally, overall
from avqa_core.report import Answered

# A trained network is nearly certain of most answers: the last per cent is halved again and again.
EDGES = (*(number / 100 for number in range(100)), *(1 - 0.01 / 2**k for k in range(1, 11)))
_CENTRES = tuple((low + high) / 2 for low, high in pairwise((*EDGES, 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidences:
    """Questions of one scenario by how sure the model was; bins without a question are left out.

    Attributes:
        place: number of each bin among ``EDGES``, rising; its lower edge belongs to it.
        total: questions in it.
        correct: those answered right.
    """

    place: tuple[int, ...]
    total: tuple[int, ...]
    correct: tuple[int, ...]

    def __post_init__(self) -> None:
        require(
            len(self.place) == len(self.total) == len(self.correct)
            and set(self.place) <= set(range(len(EDGES)))
            and all(0 <= right <= of for right, of in zip(self.correct, self.total, strict=True)),
            f"confidences: expected bins out of {len(EDGES)} with no more right answers than "
            f"questions, got {self.place[:3]}, {self.total[:3]} and {self.correct[:3]}, ...",
        )

    def __add__(self, other: Confidences) -> Confidences:
        """Return the questions of both, for example of two seeds."""
        sums = dict.fromkeys(sorted({*self.place, *other.place}), Tally())
        for one in (self, other):
            for place, total, correct in zip(one.place, one.total, one.correct, strict=True):
                sums[place] = sums[place] + Tally(correct, total)
        return Confidences(
            place=tuple(sums),
            total=tuple(one.total for one in sums.values()),
            correct=tuple(one.correct for one in sums.values()),
        )

    @property
    def tally(self) -> Tally:
        """All questions, whether the model was sure or not."""
        return Tally(sum(self.correct), sum(self.total))

    def answered_at(self, threshold: float) -> tuple[Tally, Tally]:
        """Return how many questions are answered, and how many of those are right.

        Args:
            threshold: how sure an answer has to be; one that is no edge of a bin, which every whole
                per cent is, counts as the next edge above it.
        """
        require_threshold(threshold)
        kept = [row for row, place in enumerate(self.place) if EDGES[place] >= threshold]
        number = sum(self.total[row] for row in kept)
        right = sum(self.correct[row] for row in kept)
        return Tally(number, sum(self.total)), Tally(right, number)

    def risk_coverage(self) -> RiskCoverage:
        """Return the curve from answering only the surest bin to answering all."""
        total = np.cumsum(self.total[::-1])
        wrong = total - np.cumsum(self.correct[::-1])
        return RiskCoverage(
            coverage=tuple((total / total[-1]).tolist()),
            risk=tuple((wrong / total).tolist()),
            threshold=tuple(EDGES[place] for place in self.place[::-1]),
        )

    def reliability(self, num_bins: int = 10) -> list[Bin]:
        """Return bins of equal width for a reliability diagram, from unsure to sure.

        How sure the questions of a bin were is told to half a per cent.

        Args:
            num_bins: a divisor of 100, so that no bin is cut.
        """
        require(100 % num_bins == 0, f"reliability: expected a divisor of 100, got {num_bins}")
        rows: dict[int, list[tuple[float, Tally]]] = {}
        for place, total, correct in zip(self.place, self.total, self.correct, strict=True):
            # The last per cent is cut finer, and is the hundredth all the same.
            number = min(place, 99) * num_bins // 100
            rows.setdefault(number, []).append((_CENTRES[place], Tally(correct, total)))
        found = []
        for of in rows.values():
            tally = overall(one for _, one in of)
            found.append(Bin(sum(centre * one.total for centre, one in of) / tally.total, tally))
        return found


def binned(confidence: Sequence[float], is_correct: Sequence[bool]) -> Confidences:
    """Return single answers as counts.

    Raises:
        ConfigError: a confidence is no probability, or there are not as many as answers.
    """
    sure, right = checked(confidence, is_correct)
    place = np.searchsorted(EDGES, sure, side="right") - 1
    filled = np.unique(place)
    return Confidences(
        place=tuple(filled.tolist()),
        total=tuple(int((place == one).sum()) for one in filled),
        correct=tuple(int(right[place == one].sum()) for one in filled),
    )


def table(answered: Sequence[Answered], at_least: float) -> str:
    """Return for a terminal what comes of answering only when sure, a line for each scenario."""
    lines = [
        f"answered only when at least {100 * at_least:g} % sure",
        f"  {'':<16}{'answered':>9}{'of':>7}{'':>9}{'right':>8}",
    ]
    for one in answered:
        given, right = answered_at(one.confidence, one.is_correct, at_least)
        share = f"{100 * given.accuracy:.1f} %"
        accuracy = f"{100 * right.accuracy:.1f} %" if right.total else "-"
        lines.append(
            f"  {one.scenario:<16}{given.correct:>9}{given.total:>7}{share:>9}{accuracy:>8}"
        )
    return "\n".join(lines)


def require_threshold(threshold: float) -> None:
    """Refuse what is no probability.

    Raises:
        ConfigError: the threshold is not in [0, 1].
    """
    require(
        0 <= threshold <= 1,
        f"--at-least: expected how sure an answer has to be, from 0 to 1, got {threshold}: "
        "0.8 answers only when at least 80 % sure",
    )
