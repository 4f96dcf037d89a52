"""Accuracy with its count and its interval: plain numbers in, plain numbers out.

Averages over categories are micro averages over questions, as in the tables of the paper: the
average of a group is the fraction of its questions that were answered right, not the mean of the
fractions of its categories.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import numpy as np

from avqa_core.types import QuestionCategory


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of how many questions were answered right."""

    correct: int = 0
    total: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.correct + other.correct, self.total + other.total)

    @property
    def accuracy(self) -> float:
        """The fraction that is right; NaN of nothing, so that it can never pass for a result."""
        return self.correct / self.total if self.total else math.nan


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between its bounds."""

    estimate: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Tell whether ``value`` lies outside; an interval with a NaN bound excludes nothing."""
        return value < self.low or value > self.high


def tally_by_category(
    categories: Sequence[QuestionCategory], is_correct: Sequence[bool]
) -> dict[QuestionCategory, Tally]:
    """Count right answers per category, in the order in which the categories first occur."""
    tallies: dict[QuestionCategory, Tally] = {}
    for category, right in zip(categories, is_correct, strict=True):
        tallies[category] = tallies.get(category, Tally()) + Tally(int(right), 1)
    return tallies


def overall(tallies: Iterable[Tally]) -> Tally:
    """Add everything up: the column "All Avg" of the paper's Table 1."""
    return sum(tallies, start=Tally())


def wilson_interval(tally: Tally, confidence: float = 0.95) -> Interval:
    """Return the accuracy of one run with the score interval for a fraction.

    Unlike the textbook interval it never leaves [0, 1] and has a width at 0 % and 100 %. It
    treats questions as independent; ``clustered_bootstrap`` does not.
    """
    if not tally.total:
        return Interval(math.nan, math.nan, math.nan)
    z, n, p = NormalDist().inv_cdf(0.5 + confidence / 2), tally.total, tally.accuracy
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half))


def seed_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the mean over seeds with its t interval; it has no bounds, NaN, of a single seed.

    Where one seed has no value, NaN, neither has the mean.
    """
    mean = fmean(values) if values else math.nan
    if len(values) < 2 or math.isnan(mean):
        return Interval(mean, math.nan, math.nan)
    quantile = student_t_quantile(0.5 + confidence / 2, len(values) - 1)
    half = quantile * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def paired_difference(
    ours: Mapping[int, float], theirs: Mapping[int, float], confidence: float = 0.95
) -> Interval:
    """Return the mean over seeds of ``ours - theirs`` with its t interval.

    Differences are taken seed by seed, so that what a seed does to both sides cancels.

    Raises:
        ValueError: the two were not run with the same seeds.
    """
    if ours.keys() != theirs.keys():
        raise ValueError(
            f"expected results of the same seeds, got {sorted(ours)} and {sorted(theirs)}: "
            "run the missing ones"
        )
    return seed_interval([ours[seed] - theirs[seed] for seed in sorted(ours)], confidence)


def mcnemar(ours: Sequence[bool], theirs: Sequence[bool]) -> float:
    """Return the exact two-sided p-value that two models are equally often right.

    Only questions that exactly one of them got right can tell; under the null hypothesis each of
    those is a toss of a fair coin.
    """
    pairs = list(zip(ours, theirs, strict=True))
    only_ours = sum(bool(a) and not b for a, b in pairs)
    only_theirs = sum(bool(b) and not a for a, b in pairs)
    tosses = only_ours + only_theirs
    tail = sum(math.comb(tosses, k) for k in range(min(only_ours, only_theirs) + 1))
    # Whole numbers are divided last: 2.0 ** tosses overflows beyond a thousand of them.
    return min(1.0, 2 * tail / 2**tosses)


def clustered_bootstrap(
    ours: Sequence[bool],
    theirs: Sequence[bool],
    clusters: Sequence[str],
    *,
    generator: np.random.Generator,
    num_draws: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Return the difference in accuracy with an interval from redrawing whole clusters.

    Args:
        ours: whether one model was right, question by question.
        theirs: the same for the other model.
        clusters: the clip of each question; questions about one clip are not independent.
        generator: source of the redraws.
        num_draws: how often the clips are redrawn.
        confidence: coverage of the interval.
    """
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    sums, sizes = np.bincount(cluster, difference), np.bincount(cluster)
    drawn = generator.integers(len(sums), size=(num_draws, len(sums)))
    redrawn = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(redrawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(float(difference.mean()), float(low), float(high))


def student_t_quantile(probability: float, degrees: int) -> float:
    """Return the value that a t variable with ``degrees`` of freedom stays below."""
    if probability < 0.5:
        return -student_t_quantile(1 - probability, degrees)
    low, high = 0.0, 1.0
    while _student_t_below(high, degrees) < probability:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if _student_t_below(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _student_t_below(value: float, degrees: int) -> float:
    """Return P(t <= value) for value >= 0, from the finite sums for whole degrees of freedom."""
    angle = math.atan(value / math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    if degrees % 2:
        terms, term = 0.0, cosine
        for k in range(1, degrees, 2):
            terms += term
            term *= cosine * cosine * (k + 1) / (k + 2)
        within = 2 / math.pi * (angle + sine * terms)
    else:
        terms, term = 0.0, 1.0
        for k in range(0, degrees, 2):
            terms += term
            term *= cosine * cosine * (k + 1) / (k + 2)
        within = sine * terms
    return 0.5 + within / 2
