"""The ledger: what we found on each claim of ``claims.py``, and the verdict.

A claim says that some runs are better than others. Ours are paired by seed; a claim holds if the
whole 95 % interval of every difference is above zero. It is contradicted if one of them lies below
zero, with an interval that is the wider the more differences there are: each is another occasion
for chance. Three seeds can agree by chance, too: no interval is narrower than that of seeds which
differ as little as those of the lower quarter of all differences. The verdict follows from the
stored numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import stdev
from typing import Literal, TypeVar

from avqa_core.claims import Claim, claims, every_claim
from avqa_core.experiments.results import Stored
from avqa_core.metrics import Interval, paired_difference, student_t_quantile
from avqa_core.paper_values import paper_accuracy

Verdict = Literal["holds", "contradicted", "open", "one seed", "not run"]
ONE_SEED = "one seed: no verdict"
VERDICTS: dict[Verdict, str] = {
    "holds": "holds here",
    "contradicted": "contradicted here",
    "open": "not told apart",
    "one seed": ONE_SEED,
    "not run": "not run",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger.

    ``ours`` is the comparison that decides, as a fraction, and ``pair`` names it; its interval is
    the wider one of several comparisons where that is what keeps a claim from being contradicted.
    ``paper`` is the paper's of the same pair, which has no interval, or its smallest where nothing
    was run.
    """

    claim: Claim
    paper: float | None
    ours: Interval | None
    pair: tuple[str, str] | None
    num_seeds: int
    verdict: Verdict


def ledger(stored: Stored, of: Sequence[Claim] | None = None) -> list[Entry]:
    """Return an entry for each claim; those whose runs are not stored say so."""
    least = least_spread(stored)
    return [_entry(claim, stored, least) for claim in (claims() if of is None else of)]


def compared(
    stored: Stored, name: str, other: str, scenario: str, *, over: str | None = None
) -> Entry:
    """Return the entry of two experiments, so that every page prints what the ledger would.

    Args:
        stored: results over seeds.
        name: of the experiment that may be better.
        other: what it is compared with, paired by seed.
        scenario: in which both were tested.
        over: a run beside each of them, see ``Claim``.
    """
    claim = Claim(
        source="comparison",
        statement=f"{name} beats {other}",
        scenario=scenario,
        better=(name,),
        worse=(other,),
        over=over,
    )
    return ledger(stored, [claim])[0]


def paired(
    ours: Mapping[int, float], theirs: Mapping[int, float], least: float, confidence: float = 0.95
) -> tuple[Interval | None, int]:
    """Return the mean difference over the seeds that both have, and how many those are.

    Args:
        ours: what was measured, by seed.
        theirs: likewise; the difference is None if no seed is in both.
        least: by how much the seeds are taken to differ at least, see ``least_spread``; in the
            unit of what was measured.
        confidence: of the interval.
    """
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        return None, 0
    found = paired_difference(
        {seed: ours[seed] for seed in shared}, {seed: theirs[seed] for seed in shared}, confidence
    )
    if len(shared) < 2:
        return found, len(shared)
    quantile = student_t_quantile(0.5 + confidence / 2, len(shared) - 1)
    half = max(found.high - found.estimate, quantile * least / math.sqrt(len(shared)))
    return Interval(found.estimate, found.estimate - half, found.estimate + half), len(shared)


def confidence_against(num_pairs: int) -> float:
    """Return the confidence with which one of several differences has to lie below zero.

    Together they are then wrong in at most one case of twenty (Bonferroni).
    """
    return 1 - 0.05 / max(1, num_pairs)


def judge(differences: Sequence[Interval], wider: Sequence[Interval] | None = None) -> Verdict:
    """Return the verdict on a claim that all ``differences`` are above zero.

    An interval of a single seed has no bounds and decides nothing.

    Args:
        differences: with their 95 % intervals.
        wider: the same with the confidence that a contradiction needs, see ``confidence_against``;
            needed for several.
    """
    if not differences:
        return "not run"
    if any(one.high < 0 for one in wider or differences):
        return "contradicted"
    if any(one.low <= 0 for one in differences):
        return "open"
    return "one seed" if any(math.isnan(one.low) for one in differences) else "holds"


Name = TypeVar("Name")


def deciding(
    differences: Mapping[Name, Interval], wider: Mapping[Name, Interval] | None = None
) -> Name:
    """Return the comparison that the verdict rests on; arguments as of ``judge``, by name.

    Of those that give the verdict it is the one with the smallest estimate: the closest rival.
    """
    against = wider or differences
    verdict = judge(list(differences.values()), list(against.values()))
    of_verdict = [
        name for name, one in differences.items() if judge([one], [against[name]]) == verdict
    ]
    return min(of_verdict, key=lambda name: differences[name].estimate)


def _entry(claim: Claim, stored: Stored, least: float) -> Entry:
    if not stored.has(*claim.names) or not all(_seeds(claim, pair, stored) for pair in claim.pairs):
        return Entry(
            claim=claim, paper=_paper(claim), ours=None, pair=None, num_seeds=0, verdict=judge([])
        )
    differences = {pair: _difference(claim, pair, stored, least) for pair in claim.pairs}
    wider = {
        pair: _difference(claim, pair, stored, least, _confidence_against(claim, pair))
        for pair in claim.pairs
    }
    pair, verdict = deciding(differences, wider), judge([*differences.values()], [*wider.values()])
    is_spared = verdict == "open" and differences[pair].high < 0
    return Entry(
        claim=claim,
        paper=_paper_difference(claim, pair),
        ours=(wider if is_spared else differences)[pair],
        pair=pair,
        num_seeds=len(_seeds(claim, pair, stored)),
        verdict=verdict,
    )


def _confidence_against(claim: Claim, pair: tuple[str, str]) -> float:
    """Return how sure a pair has to be to contradict a claim.

    A pair that is also a claim of its own is judged as there: else one could be contradicted and
    the claim that contains it not.
    """
    is_alone = _comparison(claim, pair) in _claims_of_one_pair()
    return confidence_against(1 if is_alone else len(claim.pairs))


@cache
def _claims_of_one_pair() -> frozenset[tuple[object, ...]]:
    return frozenset(_comparison(one, one.pairs[0]) for one in every_claim() if len(one.pairs) == 1)


def _comparison(claim: Claim, pair: tuple[str, str]) -> tuple[object, ...]:
    """Return what is compared, whatever claim compares it."""
    return pair, claim.scenario, claim.minus, claim.over


@lru_cache(maxsize=8)  # every number of a page asks for it
def least_spread(stored: Stored) -> float:
    """Return the lower quartile of how much differences of accuracies vary over seeds.

    It is zero if nothing stored can tell.
    """
    spreads = {}
    for claim in every_claim():
        for pair in claim.pairs:
            if _is_tested(claim, pair, stored):
                by_seed = _by_seed(claim, pair, stored)
                if len(by_seed) > 1:
                    spreads[_comparison(claim, pair)] = stdev(by_seed)
    ordered = sorted(spreads.values())
    return ordered[len(ordered) // 4] if ordered else 0.0


def _is_tested(claim: Claim, pair: tuple[str, str], stored: Stored) -> bool:
    """Tell whether all that a pair needs is stored and answered what the claim is about."""
    wanted = {claim.scenario, claim.minus} - {None}
    names = [one for name in pair for one in (name, claim.beside(name)) if one is not None]
    return stored.has(*names) and all(
        wanted <= stored.run(name, seed).counts.keys()
        for name in names
        for seed in stored.seeds(name)
    )


def _difference(
    claim: Claim, pair: tuple[str, str], stored: Stored, least: float, confidence: float = 0.95
) -> Interval:
    ours, theirs = (_values(claim, name, stored) for name in pair)
    found, _ = paired(ours, theirs, least, confidence)
    assert found is not None  # pairs without a seed in common do not come here
    return found


def _by_seed(claim: Claim, pair: tuple[str, str], stored: Stored) -> list[float]:
    ours, theirs = (_values(claim, name, stored) for name in pair)
    return [ours[seed] - theirs[seed] for seed in _seeds(claim, pair, stored)]


def _seeds(claim: Claim, pair: tuple[str, str], stored: Stored) -> list[int]:
    """Return the seeds with which all that a pair needs was run."""
    ours, theirs = (_values(claim, name, stored) for name in pair)
    return sorted(ours.keys() & theirs.keys())


def _values(claim: Claim, name: str, stored: Stored) -> dict[int, float]:
    """Return by seed what is compared: an accuracy, or what is left of it after what comes off."""
    values = stored.accuracies(name, claim.scenario)
    if claim.minus is not None:
        values = _less(values, stored.accuracies(name, claim.minus))
    beside = claim.beside(name)
    return values if beside is None else _less(values, stored.accuracies(beside, claim.scenario))


def _less(values: Mapping[int, float], taken: Mapping[int, float]) -> dict[int, float]:
    return {seed: value - taken[seed] for seed, value in values.items() if seed in taken}


def _paper(claim: Claim) -> float | None:
    """Return the paper's smallest difference, None if it does not report all that it takes."""
    differences = [_paper_difference(claim, pair) for pair in claim.pairs]
    known = [one for one in differences if one is not None]
    return min(known) if len(known) == len(differences) else None


def _paper_difference(claim: Claim, pair: tuple[str, str]) -> float | None:
    ours, theirs = (_paper_value(claim, name) for name in pair)
    return None if ours is None or theirs is None else ours - theirs


def _paper_value(claim: Claim, name: str) -> float | None:
    value = paper_accuracy(name, claim.scenario)
    if claim.minus is None or value is None:
        return value
    taken = paper_accuracy(name, claim.minus)
    return None if taken is None else value - taken
