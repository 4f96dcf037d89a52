"""Every printed row of Tables 1, 2 and 3 with what stands for it here, and a plain verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avqa_core.experiments.paper_tables import BACKBONES, table1_run
from avqa_core.ledger import VERDICTS, compared, judge, least_spread, paired
from avqa_core.paper_values import paper_accuracy, read_rows
from avqa_core.viz.ablation_views import MISSING
from avqa_core.viz.display import Rich
from avqa_core.viz.method_views import NAMES
from avqa_core.viz.notices import notice
from avqa_core.viz.points import spanned
from avqa_core.viz.tables import Cell, Column, counted, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

BOTH, PLAIN = "table4/paper", "table4/none"
# Table 3 of the paper, row by row; both of the ends stand in Table 4 too.
PUBLISHED = {
    "AVST": PLAIN,
    "missing-aware prompts": "table3/prompts",
    "ShaSpec": "table3/shaspec",
    "ActionMAE": "table3/actionmae",
    "DrFuse": "table3/drfuse",
    "RMM and AVR": BOTH,
}
# The paper claims nothing about plain networks: this question is ours.
THE_FLOOR = "our check, over the floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRow:
    """A printed row in one scenario.

    Attributes:
        label: how the table calls it.
        name: of the experiment that stands for it here.
        scenario: what is missing.
        rival: name of the experiment that the row has to beat; None is the floor.
        says: what the verdict is on, a claim of the paper or a check of our own.
        is_rival_better: whether the paper has the rival ahead, as the method of its own.
    """

    label: str
    name: str
    scenario: str
    rival: str | None
    says: str
    is_rival_better: bool = False


def table1_rows() -> list[PaperRow]:
    """Return the rows of Table 1, each scenario by itself: plain, and with RMM and AVR."""
    rows = []
    for scenario in MISSING:
        for backbone in BACKBONES:
            plain, label = table1_run(backbone, "plain"), NAMES[backbone]
            rows += [
                PaperRow(label=label, name=plain, scenario=scenario, rival=None, says=THE_FLOOR),
                PaperRow(
                    label=f"{label}, RMM and AVR",
                    name=table1_run(backbone, "paper"),
                    scenario=scenario,
                    rival=plain,
                    says="over plain",
                ),
            ]
    return rows


def table3_rows() -> list[PaperRow]:
    """Return the rows of Table 3, each scenario by itself."""
    return [_row_of_table_3(label, scenario) for scenario in MISSING for label in PUBLISHED]


def _row_of_table_3(label: str, scenario: str) -> PaperRow:
    name = PUBLISHED[label]
    if name == PLAIN:
        return PaperRow(label=label, name=name, scenario=scenario, rival=None, says=THE_FLOOR)
    if name == BOTH:
        return PaperRow(
            label=label, name=name, scenario=scenario, rival=PLAIN, says="over plain AVST"
        )
    return PaperRow(
        label=label,
        name=name,
        scenario=scenario,
        rival=BOTH,
        says="below RMM and AVR",
        is_rival_better=True,
    )


def rows_table(stored: Stored, rows: Sequence[PaperRow], *, caption: str) -> Rich:
    """Return every printed row, with the paper's value, ours with all it needs, and the verdict.

    A row whose run is not stored stays, and says so.

    Args:
        stored: results over seeds; may be empty.
        rows: of the paper.
        caption: what the table shows.
    """
    columns = (
        Column("scenario", "missing"),
        Column("label", "row of the paper"),
        Column("paper", "paper (%)", digits=2, scale=100),
        Column("ours", "ours, 95 % over seeds (%)"),
        Column("verdict", "paper's claim or our check: verdict"),
        Column("bounds", "floor to ceiling (%)"),
        Column("counts", "right of asked"),
        # of the row alone: a verdict on two rows counts those that both have
        Column("seeds", "its seeds", digits=0),
    )
    return table(columns, [_cells(stored, row) for row in rows], caption=caption)


def _cells(stored: Stored, row: PaperRow) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        "scenario": row.scenario.removesuffix("_missing"),
        "label": row.label,
        "paper": paper_accuracy(row.name, row.scenario),
        "verdict": f"{row.says}: {row_verdict(stored, row)}",
    }
    if not stored.has(row.name):
        return cells
    seeds = stored.seeds(row.name)
    tallies = [stored.tally(row.name, seed, row.scenario) for seed in seeds]
    accuracy = stored.accuracy(row.name, row.scenario)
    return cells | {
        "ours": spanned(accuracy),
        "bounds": _between(stored.floor(row.name), stored.ceiling(row.name, row.scenario)),
        "counts": f"{sum(one.correct for one in tallies):,} of {sum(o.total for o in tallies):,}",
        "seeds": len(seeds),
    }


def row_verdict(stored: Stored, row: PaperRow) -> str:
    """Return the verdict on what a row says, by the rule of the ledger."""
    if row.rival is not None:
        better, worse = (row.rival, row.name) if row.is_rival_better else (row.name, row.rival)
        return VERDICTS[compared(stored, better, worse, row.scenario).verdict]
    if not stored.has(row.name):
        return VERDICTS["not run"]
    floor = stored.floor(row.name)
    if floor is None:
        return "no floor known"
    ours = stored.accuracies(row.name, row.scenario)
    over, _ = paired(ours, dict.fromkeys(ours, floor), least_spread(stored))
    return VERDICTS[judge([] if over is None else [over])]


def _between(floor: float | None, ceiling: float | None) -> str:
    low, high = ("?" if one is None else f"{100 * one:.1f}" for one in (floor, ceiling))
    return f"{low} to {high}"


def stored_table(stored: Stored, names: Sequence[str], planned: int, *, caption: str) -> Rich:
    """Return one row an experiment: how many of its planned seeds are stored, and their length.

    Args:
        stored: results over seeds; may be empty.
        names: of experiments.
        planned: seeds of each.
        caption: what the table shows.
    """
    columns = (
        Column("name", "run"),
        Column("about", "in words"),
        Column("seeds", "seeds stored", digits=0),
        Column("planned", "planned", digits=0),
        Column("steps", "steps", digits=0),
        Column("clips", "training clips", digits=0),
        Column("parameters", "parameters trained", digits=0),
    )
    rows: list[dict[str, Cell]] = []
    for name in names:
        row: dict[str, Cell] = {"name": name, "seeds": 0, "planned": planned}
        if stored.has(name):
            cost = stored.cost(name)
            row |= {
                "about": stored.about(name),
                "seeds": len(stored.seeds(name)),
                "steps": int(cost["steps"]),
                "clips": stored.num_clips(name),
                "parameters": int(cost["trained_parameters"]),
            }
        rows.append(row)
    return table(columns, rows, caption=caption)


def num_seeds(stored: Stored, name: str) -> int:
    """Return with how many seeds an experiment is stored."""
    return len(stored.seeds(name)) if stored.has(name) else 0


def missing_box(stored: Stored, names: Sequence[str], planned: int) -> Rich:
    """Return a box with the command that makes what is not stored, or one that nothing is missing.

    Args:
        stored: results over seeds; may be empty.
        names: of experiments.
        planned: seeds of each.
    """
    there = {name: min(num_seeds(stored, name), planned) for name in names}
    groups = sorted({name.split("/")[0] for name, seeds in there.items() if seeds < planned})
    if not groups:
        told = f"Each has {counted(planned, 'seed')}, as planned."
        return notice("All of these runs are stored", told, kind="note")
    return notice(
        f"{sum(there.values())} of {planned * len(names)} runs are stored",
        "A run is one row with one seed. They take too long for a page, so they are read from "
        "stored results.",
        f"avqa results --profile {stored.profile} --only {' '.join(groups)}",
    )


def table2_table(folder: Path, *, caption: str) -> Rich:
    """Return the rows of Table 2 as printed, with what RMM and AVR add, and that none was run.

    Args:
        folder: of the paper's values.
        caption: what the table shows.
    """
    columns = (
        Column("missing", "missing"),
        Column("backbone", "backbone"),
        Column("plain", "paper: plain (%)", digits=2),
        Column("ours", "paper: RMM and AVR (%)", digits=2),
        Column("lift", "paper: lift (points)", digits=2),
        Column("verdict", "ours, on AVQA"),
    )
    return table(columns, list(_table2(folder)), caption=caption)


def _table2(folder: Path) -> Iterator[dict[str, Cell]]:
    rows = read_rows(folder / "table2_full.csv")
    printed = {(row["missing"], row["method"]): row for row in rows}
    for (missing, method), row in printed.items():
        with_ours = printed.get((missing, f"{method}+Ours"))
        if with_ours is not None:
            plain, ours = float(row["all_avg"]), float(with_ours["all_avg"])
            yield {
                "missing": missing,
                "backbone": method,
                "plain": plain,
                "ours": ours,
                "lift": ours - plain,
                "verdict": VERDICTS["not run"],
            }
