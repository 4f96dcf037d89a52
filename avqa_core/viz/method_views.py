"""Tables 1 and 3 of the paper as a reader meets them: every backbone, every method, their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from avqa_core.backbones import backbones
from avqa_core.completion import completers
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.contracts import Checked
from avqa_core.docstrings import summary
from avqa_core.enhancement import enhancers
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.experiments import planning
from avqa_core.experiments.paper_tables import BACKBONES, TABLE_1, table1_run
from avqa_core.ledger import compared
from avqa_core.model import ModelConfig
from avqa_core.presets import SIZES, resize
from avqa_core.registry import Registry
from avqa_core.small_models import small_model
from avqa_core.studies.cost import Cost, cost
from avqa_core.viz.ablation_views import MISSING, not_stored
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.accuracy import accuracy_by_category
from avqa_core.viz.gains_table import NO_SHARED_SEED
from avqa_core.viz.points import in_points
from avqa_core.viz.style import NETWORKS
from avqa_core.viz.tables import Cell, Column, counted, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

NAMES = {name: mark.label for name, mark in NETWORKS.items()}
# Table 3: what stands in for an absent half around AVST; Table 4 has the first two and the last.
TABLE_3 = (
    "table4/none",
    "table4/modality_dropout",
    "table3/slot_mean",
    "table3/retrieval_without_question",
    "table3/retrieval",
    "table3/prompts",
    "table3/prompts_prefix",
    "table3/shaspec",
    "table3/actionmae",
    "table3/drfuse",
    "table3/rmm_renormalised",
    "table3/recommended",
    "table4/paper",
)
# Never trained costs nothing to train, and both forms of retrieval cost the same.
WITHOUT_COST = ("table4/none", "table3/retrieval_without_question")
# Parameters of the published networks, where one number fits, each counted by us.
PUBLISHED = {
    # Yun et al. (ICCV 2021): the sizes of their program, 768 wide with 9, 5, 5 and 5 layers, and 42
    # answers; to four digits.
    "Pano-AVQA": 317_600_000,
    # Li et al. (CVPR 2022): what the forward pass of their program reads, tensor by tensor.
    "AVST": 7_916_716,
    # Li, Hou and Hu (ACM Multimedia 2023): the network of their program for MUSIC-AVQA.
    "PSTP-Net": 16_383_018,
}
GIGA, MEGA = 1e9, 1e6


def plain_model(backbone: str, size: str) -> ModelConfig:
    """Return a backbone at a size with nothing around it."""
    config = resize(backbones.config(backbone)(), SIZES[size])
    return ModelConfig(backbone=config, completer=ZerosConfig(), enhancer=IdentityConfig())


def table1_names() -> list[str]:
    """Return every run of Table 1, backbone by backbone."""
    return [table1_run(backbone, method) for backbone in BACKBONES for method in TABLE_1]


def table3_costs(profile: str, size: str) -> dict[str, Cost]:
    """Return what each row of Table 3 costs at a size; it learns in the regime of the table."""
    of = {one.name: one for one in planning.plan(profile, [0])}
    rows = [of[name] for name in TABLE_3 if name not in WITHOUT_COST]
    return {one.about: cost(resize(one.model, SIZES[size]), one.objective.regime) for one in rows}


def parts_table(*, caption: str) -> Rich:
    """Return every registered part with the first line of what it says about itself."""
    families: dict[str, Registry] = {
        "completer": completers,
        "enhancer": enhancers,
        "backbone": backbones,
    }
    rows: list[dict[str, Cell]] = [
        {"family": family, "name": name, "about": _about(family, name)}
        for family, parts in families.items()
        for name in parts
    ]
    columns = (Column("family", "kind"), Column("name", "name"), Column("about", "what it is"))
    return table(columns, rows, caption=caption)


def contracts_table(found: Sequence[Checked], *, caption: str) -> Rich:
    """Return one row a contract: what is promised, and whether it holds."""
    columns = (
        Column("contract", "contract"),
        Column("promise", "what is promised"),
        Column("verdict", "verdict"),
    )
    rows: list[dict[str, Cell]] = [
        {
            "contract": one.contract.replace("_", " "),
            "promise": one.promise,
            "verdict": f"broken: {one.broken}" if one.broken else "holds",
        }
        for one in found
    ]
    return table(columns, rows, caption=caption)


def _about(family: str, name: str) -> str:
    """Return the first line of what a part says about itself."""
    chosen: dict[str, Any] = {family: name}
    return summary(type(getattr(small_model(**chosen), family)))


def backbones_figure(stored: Stored, scenario: str) -> Figure | Rich:
    """Draw each backbone on a row of its own, every method on it, between floor and ceiling.

    Args:
        stored: results over seeds.
        scenario: what is missing.
    """
    there = {
        (backbone, method): name
        for backbone in BACKBONES
        for method in TABLE_1
        if stored.has(name := table1_run(backbone, method))
    }
    if not there:
        return not_stored(stored, table1_names())
    shown: dict[str, dict[str, list[float]]] = {}
    for (backbone, method), name in there.items():
        values = list(stored.accuracies(name, scenario).values())
        shown.setdefault(_mark(method), {})[NAMES[backbone]] = values
    rows = list(dict.fromkeys(NAMES[backbone] for backbone, _ in there))
    any_name = next(iter(there.values()))
    floor, ceiling = stored.floor(any_name), stored.ceiling(any_name, scenario)
    return accuracy_by_category(
        shown,
        floors={} if floor is None else dict.fromkeys(rows, floor),
        ceilings={} if ceiling is None else dict.fromkeys(rows, ceiling),
    )


def lifts_table(stored: Stored, *, caption: str) -> Rich:
    """Return what each method adds, paired by seed, to every plain backbone, missing one half.

    Args:
        stored: results over seeds.
        caption: what the table shows.
    """
    rows: list[dict[str, Cell]] = []
    for backbone in BACKBONES:
        plain = table1_run(backbone, "plain")
        if not stored.has(plain):
            continue
        rows += [
            {
                "backbone": NAMES[backbone],
                "missing": scenario.removesuffix("_missing"),
                "plain": stored.accuracy(plain, scenario).estimate,
                "seeds": len(stored.seeds(plain)),
                **{
                    method: _lift(stored, table1_run(backbone, method), plain, scenario)
                    for method in TABLE_1[1:]
                },
            }
            for scenario in MISSING
        ]
    if not rows:
        return not_stored(stored, table1_names())
    columns = [
        Column("backbone", "backbone"),
        Column("missing", "missing"),
        Column("plain", "plain (%)", scale=100),
        *(Column(method, f"{method.replace('_', ' ')} (points, 95 %)") for method in TABLE_1[1:]),
        Column("seeds", "seeds of plain", digits=0),
    ]
    return table(columns, rows, caption=caption)


def _lift(stored: Stored, name: str, plain: str, scenario: str) -> Cell:
    """Return what a method adds, and over how many seeds where it has fewer than the plain row."""
    if not stored.has(name):
        return None
    entry = compared(stored, name, plain, scenario)
    if entry.ours is None:
        return NO_SHARED_SEED
    if entry.num_seeds == len(stored.seeds(plain)):
        return in_points(entry.ours)
    return f"{in_points(entry.ours)}, {counted(entry.num_seeds, 'seed')}"


def cost_table(costs: Mapping[str, Cost], published: Mapping[str, int], *, caption: str) -> Rich:
    """Return one row a model: parameters beside the published ones, and FLOPs of one question.

    Args:
        costs: by name of the row.
        published: parameters by name of the row, where they are known; no column if none is.
        caption: what the table shows.
    """
    columns = (
        Column("model", "model"),
        Column("backbone", "backbone (million)", scale=1 / MEGA, digits=2),
        *([Column("published", "published (million)", scale=1 / MEGA, digits=2)] * bool(published)),
        Column("around", "completer and enhancer (million)", scale=1 / MEGA, digits=2),
        Column("complete", "answer, both present (GFLOP)", scale=1 / GIGA, digits=2),
        Column("missing", "answer, audio missing (GFLOP)", scale=1 / GIGA, digits=2),
        Column("training", "learn, one question (GFLOP)", scale=1 / GIGA, digits=2),
    )
    rows: list[dict[str, Cell]] = [
        {
            "model": name,
            "backbone": one.backbone,
            **({"published": published.get(name)} if published else {}),
            "around": one.completer + one.enhancer,
            "complete": one.complete,
            "missing": one.missing,
            "training": one.training,
        }
        for name, one in costs.items()
    ]
    return table(columns, rows, caption=caption)


def _mark(method: str) -> str:
    """Return the name under which a method has its colour everywhere in the book."""
    return "none" if method == "plain" else method
