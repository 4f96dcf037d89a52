"""A corrupted half beside a missing one: a figure, and the numbers that the prose quotes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from avqa_core.metrics import Interval, seed_interval
from avqa_core.studies.corruption import HALVES, RELEASED, Row
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.accuracy import Number
from avqa_core.viz.figures.lines import seed_panels
from avqa_core.viz.notices import notice
from avqa_core.viz.points import in_words, spanned
from avqa_core.viz.result_words import NOT_RUN

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

NETWORKS = "complete/plain"  # the experiment that the kept networks come from
CALLED = {"audio": "sound", "visual": "picture"}  # neither is missing where it is only noisy
NOISY, ABSENT = "real half with noise", "half absent"
_WORDS = ("untouched", "absent", "released", "gained", "of_loss")


def corruption_figure(rows: Sequence[Row]) -> Figure | Rich:
    """Draw accuracy over the noise on one half, between that half untouched and that half gone."""
    if not rows:
        return notice(
            "No trained networks, or other data",
            "This figure asks the networks that are kept beside the stored results, on the "
            "built-in world.",
            "avqa results --only complete/plain",
        )
    panels = {}
    for half in HALVES:
        levels = {one.level: _per_cent(one.accuracies) for one in rows if one.half == half}
        absent = levels.pop(None)
        noisy: dict[Number, list[float]] = {
            level: values for level, values in levels.items() if level is not None
        }
        panels[CALLED[half]] = {
            NOISY: noisy,
            ABSENT: dict.fromkeys(noisy, absent),
        }
    return seed_panels(panels, xlabel="noise (deviations of the feature)", ylabel="accuracy (%)")


def corruption_words(rows: Sequence[Row]) -> dict[str, str]:
    """Return, for each half, the accuracy with it, without it and with the program's noise on it.

    ``gained`` is the difference of the last two, and ``of_loss`` how much that is of all that is
    lost when the half is gone, network by network.
    """
    told: dict[str, str] = {}
    for half in HALVES:
        levels = {one.level: one.accuracies for one in rows if one.half == half}
        if not {None, 0.0, RELEASED[half]} <= levels.keys():
            told |= {f"{name}_{half}": NOT_RUN for name in _WORDS}
            continue
        whole, absent, released = levels[0.0], levels[None], levels[RELEASED[half]]
        told |= {
            f"untouched_{half}": spanned(seed_interval(list(whole)), unit=" %"),
            f"absent_{half}": spanned(seed_interval(list(absent)), unit=" %"),
            f"released_{half}": spanned(seed_interval(list(released)), unit=" %"),
            f"gained_{half}": in_words(_difference(released, absent), len(absent)),
            f"of_loss_{half}": _share_of_loss(whole, absent, released),
        }
    return told


def bound_words(stored: Stored) -> dict[str, str]:
    """Return the floor of the networks' world, and its ceiling without each half."""
    known = stored.has(NETWORKS)
    floor = stored.floor(NETWORKS) if known else None
    told = {"floor_here": _bound(floor)}
    for half in HALVES:
        ceiling = stored.ceiling(NETWORKS, f"{half}_missing") if known else None
        told[f"ceiling_{half}"] = _bound(ceiling)
    return told


def _bound(value: float | None) -> str:
    return NOT_RUN if value is None else f"{100 * value:.1f} %"


def _share_of_loss(
    whole: Sequence[float], absent: Sequence[float], released: Sequence[float]
) -> str:
    losses = [one - other for one, other in zip(whole, absent, strict=True)]
    if min(losses) <= 0:
        return "nothing is lost"
    gains = [one - other for one, other in zip(released, absent, strict=True)]
    shares = [gain / loss for gain, loss in zip(gains, losses, strict=True)]
    return spanned(seed_interval(shares), unit=" %")


def _per_cent(values: Sequence[float]) -> list[float]:
    return [100 * value for value in values]


def _difference(some: Sequence[float], others: Sequence[float]) -> Interval:
    return seed_interval([one - other for one, other in zip(some, others, strict=True)])
