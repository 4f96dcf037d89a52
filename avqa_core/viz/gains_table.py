"""What is gained where a modality is missing: the paper's value, this run, the stored seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from avqa_core.ledger import VERDICTS, compared
from avqa_core.metrics import Interval
from avqa_core.paper_values import paper_accuracy
from avqa_core.viz.display import Rich
from avqa_core.viz.main_results import METHODS, OURS
from avqa_core.viz.points import in_points
from avqa_core.viz.style import mark_of
from avqa_core.viz.tables import Cell, Column, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

CONTROL = "zeros"
NO_SHARED_SEED = "no seed in common"
_CAPTION = (
    "Points gained over the same backbone without the method. Two methods in two regimes: the "
    "paper's trains with its backbone, ours fills in for a frozen one. A gain counts as shown if "
    "its whole 95 % interval over seeds lies above zero; the paper reports one run and no interval."
)


def gains_table(live: Mapping[str, Interval], stored: Stored) -> Rich:
    """Return one row a scenario: the paper, this run, the stored seeds, and the verdict.

    Args:
        live: scenario -> gain of this run with its interval over clips.
        stored: results over seeds; may be empty.
    """
    columns = (
        Column("scenario", "scenario"),
        Column("paper", "paper: RMM and AVR over neither, joint", scale=100),
        Column("live", "recommended over zeros, frozen: this run, 95 % over clips"),
        Column("stored", "recommended over zeros, frozen: stored, 95 % over seeds"),
        Column("seeds", "seeds", digits=0),
        Column("verdict", "verdict"),
    )
    rows = [_row(scenario, here, stored) for scenario, here in live.items()]
    return table(columns, rows, caption=_CAPTION)


def _row(scenario: str, live: Interval, stored: Stored) -> dict[str, Cell]:
    both, neither = (paper_accuracy(f"table4/{name}", scenario) for name in ("paper", "none"))
    names = METHODS[OURS], METHODS[CONTROL]
    shared = len(stored.shared_seeds(*names)) if stored.has(*names) else None
    found = compared(stored, *names, scenario).ours
    return {
        "scenario": mark_of(scenario).label,
        "paper": None if both is None or neither is None else both - neither,
        "live": in_points(live),
        "stored": None if found is None else in_points(found),
        "seeds": shared,
        "verdict": NO_SHARED_SEED if shared == 0 else verdict(found),
    }


def verdict(gained: Interval | None) -> str:
    """Return what an interval over seeds tells about the sign of a gain."""
    if gained is None:
        return "not stored"
    if gained.low > 0:
        return "gain shown"
    if gained.high < 0:
        return "loss shown"
    return VERDICTS["one seed" if math.isnan(gained.low) else "open"]
