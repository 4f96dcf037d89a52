"""What completers fill in, as a picture and a table; contracts of several parts side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from avqa_core.completion import CompleterConfig
from avqa_core.contracts import Checked
from avqa_core.experiments import planning
from avqa_core.presets import SIZES, resize
from avqa_core.studies.fillings import HALVES, Filling
from avqa_core.viz.display import Rich
from avqa_core.viz.method_views import TABLE_3
from avqa_core.viz.style import FLOOR_COLOUR, METHODS, MODALITIES, new_figure
from avqa_core.viz.tables import Cell, Column, table

Fillings = Mapping[str, Mapping[str, Filling]]
SAME_FOR_ALL = 1e-6  # share of the real variance below which every clip gets the same
ERROR_TICKS = (30, 100, 300, 1000, 3000, 10_000, 100_000)  # per cent
LEAST_SHOWN = 1e-4  # of the axis of spreads, which is linear below
# What each method's own losses compare what it fills in with; the answers come on top.
OWN_TARGET = {
    "slot_mean": "the real half",
    "rmm": "the real half",
    "rmm_renormalised": "the real half",
    "recommended": "the real half",
    "actionmae": "the real half, its scale aside",
    "retrieval": "nothing is learned",
    "retrieval_without_question": "nothing is learned",
    "zeros": "nothing is learned",
}


def completers_of_table3(size: str) -> dict[str, CompleterConfig]:
    """Return what each row of Table 3 puts in the place of an absent half, by short name.

    Prompts before keys are left out: they stand beside a half of zeros, and fill in nothing.
    """
    of = {one.name: one for one in planning.plan("book", [0])}
    names = ("table4/none", *TABLE_3[2:], "table4/rmm")
    configs = {name.split("/")[1]: resize(of[name].model.completer, SIZES[size]) for name in names}
    configs = {"zeros": configs.pop("none"), **configs}
    del configs["prompts_prefix"], configs["paper"]  # the latter is rmm, then AVR
    return configs


def fillings_figure(found: Fillings) -> Figure:
    """Draw error and spread of every method, a mark for each half.

    Args:
        found: method -> half -> what was filled in.
    """
    figure, panels = new_figure(columns=2, height=1.3 + 0.3 * len(found), sharey=True)
    for panel, what in zip(panels, ("error", "spread"), strict=True):
        for place, of_halves in enumerate(found.values()):
            for half, offset in zip(HALVES, (-0.14, 0.14), strict=True):
                mark = MODALITIES[half]
                value = 100 * getattr(of_halves[half], what)
                panel.plot(value, place + offset, mark.marker, color=mark.colour, ms=6)
        panel.axvline(100, color=FLOOR_COLOUR, linestyle="--", linewidth=1, zorder=0)
        panel.grid(axis="y", visible=False)
    errors, spreads = panels
    errors.set_xscale("log")
    largest = max(100 * of[half].error for of in found.values() for half in HALVES)
    ticks = [one for one in ERROR_TICKS if one <= max(largest, 300)]
    errors.set_xticks(ticks, [f"{one:,}" for one in ticks])
    errors.minorticks_off()
    errors.set_xlabel("error (% of the mean's)")
    spreads.set_xscale("symlog", linthresh=100 * LEAST_SHOWN)
    widest = max(100 * of[half].spread for of in found.values() for half in HALVES)
    spreads.set_xlim(-100 * LEAST_SHOWN / 3, 3 * max(widest, 100))
    spreads.set_xlabel("spread over clips (% of real)")
    errors.set_yticks(range(len(found)), [called(name) for name in found])
    errors.set_ylim(len(found) - 0.4, -0.6)
    for half in HALVES:
        mark = MODALITIES[half]
        errors.plot([], [], mark.marker, color=mark.colour, label=f"{mark.label} filled in")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def fillings_table(found: Fillings, *, caption: str) -> Rich:
    """Return one row a half and method: what its losses ask for, and what it fills in.

    Args:
        found: method -> half -> what was filled in.
        caption: what the table shows.
    """
    columns = (
        Column("half", "filled in"),
        Column("method", "method"),
        Column("target", "its own losses compare it with"),
        Column("error", "error (% of the mean's)", 1, 100),
        Column("spread", "spread over clips (% of real)"),
        Column("asked", "moved by the question (% of real)"),
        Column("depends", "depends on"),
    )
    rows: list[dict[str, Cell]] = [
        {
            "half": half,
            "method": called(name),
            "target": OWN_TARGET.get(name, "nothing: the answers shape it"),
            "error": of_halves[half].error,
            "spread": _share(of_halves[half].spread),
            "asked": _share(of_halves[half].asked),
            "depends": depends_on(of_halves[half]),
        }
        for half in HALVES
        for name, of_halves in found.items()
    ]
    return table(columns, rows, caption=caption)


def _share(value: float) -> str:
    """Return a share in per cent; what counts as something does not read as nothing."""
    percent = 100 * value
    return "<0.001" if value >= SAME_FOR_ALL and percent < 0.0005 else f"{percent:.3f}"


def depends_on(one: Filling) -> str:
    """Say what had a say in it, by a rule: nothing, the clip, or the clip and the question."""
    if one.spread < SAME_FOR_ALL:
        return "nothing: the same for every clip"
    return "clip and question" if one.asked >= SAME_FOR_ALL else "the clip"


def called(name: str) -> str:
    """Return a method of Table 3 as tables write it."""
    return METHODS[name].label if name in METHODS else name.replace("_", " ")


def same_for_all(found: Fillings, half: str) -> str:
    """Name the methods that fill in the same for every clip, in their order."""
    names = [called(one) for one, of in found.items() if of[half].spread < SAME_FOR_ALL]
    return "; ".join(names) or "none"


def contracts_matrix(found: Mapping[str, Sequence[Checked]], *, caption: str) -> Rich:
    """Return one row a contract and one column a part: whether each keeps what all promise.

    Args:
        found: name of a part -> what was checked, the same contracts for all.
        caption: what the table shows.
    """
    columns = (
        Column("promise", "what is promised"),
        *(Column(name, name) for name in found),
    )
    promises = [one.promise for one in next(iter(found.values()))]
    rows: list[dict[str, Cell]] = [
        {
            "promise": promise,
            **{
                name: f"broken: {of[place].broken}" if of[place].broken else "holds"
                for name, of in found.items()
            },
        }
        for place, promise in enumerate(promises)
    ]
    return table(columns, rows, caption=caption)
