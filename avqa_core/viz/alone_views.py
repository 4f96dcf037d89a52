"""Why AVST as published learns some questions late: one category to learn, and another start."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

from avqa_core.experiments.planning import NO_ORDER, alone_name
from avqa_core.ledger import least_spread, paired
from avqa_core.metrics import overall, seed_interval
from avqa_core.viz.ablation_views import not_stored
from avqa_core.viz.display import Rich
from avqa_core.viz.points import in_points, in_words
from avqa_core.viz.result_words import NOT_RUN, steps_text
from avqa_core.viz.tables import Cell, Column, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored

TOGETHER, READER = "start/at_once", "complete/positions"
FIRST = "start/answer_layer_first"
LONGER = "complete/plain"
NEAR = 0.9  # of the ceiling; what is asked of a network that lacks nothing
LOSS = "complete/answer"
SCENARIO = "complete"


def alone_table(stored: Stored, *, caption: str) -> Rich:
    """Return one row a category that needs no order: among all nine, alone, another start, reader.

    Args:
        stored: results over seeds.
        caption: what the table shows.
    """
    names = {category: alone_name(category) for category in NO_ORDER}
    if not stored.has(TOGETHER, FIRST, *names.values()):
        return not_stored(stored, [TOGETHER, FIRST, *names.values()])
    columns = (
        Column("category", "category"),
        Column("floor", "floor (%)", scale=100),
        Column("together", "all nine together (%)", scale=100),
        Column("alone", "alone (%)", scale=100),
        Column("first", "all nine, answer layer first (%)", scale=100),
        Column("reader", "all nine, with the reader (%)", scale=100),
        Column("gain", "alone over together, points"),
        Column("first_gain", "answer layer first over together, points"),
        Column("loss", "alone: last training loss (nats)", digits=2),
        Column("seen_together", "its questions seen, together", digits=0),
        Column("seen_alone", "alone", digits=0),
        Column("seeds", "seeds", digits=0),
    )
    rows: list[dict[str, Cell]] = [
        {
            "category": category,
            "floor": stored.floor(TOGETHER, [category]),
            "together": stored.accuracy(TOGETHER, SCENARIO, [category]).estimate,
            "alone": stored.accuracy(name, SCENARIO, [category]).estimate,
            "first": stored.accuracy(FIRST, SCENARIO, [category]).estimate,
            "first_gain": _gain(stored, FIRST, category),
            "reader": _reader(stored, category),
            "loss": _last_loss(stored, name),
            "gain": _gain(stored, name, category),
            "seen_together": round(_seen(stored, TOGETHER) * _share(stored, category)),
            "seen_alone": _seen(stored, name),
            "seeds": len(stored.shared_seeds(name, TOGETHER, FIRST)),
        }
        for category, name in names.items()
    ]
    return table(columns, rows, caption=caption)


def _gain(stored: Stored, name: str, category: str) -> str:
    """Return in points by how much a run is better at a category than all nine together."""
    ours, theirs = (stored.accuracies(one, SCENARIO, [category]) for one in (name, TOGETHER))
    gain, _ = paired(ours, theirs, least_spread(stored))
    return NOT_RUN if gain is None else in_points(gain)


def alone_words(stored: Stored) -> dict[str, str]:
    """Return what the chapter quotes: accuracies on these questions, and which is learned least."""
    names = {category: alone_name(category) for category in NO_ORDER}
    words = (
        "alone",
        "alone_gain",
        "together",
        "first",
        "first_gain",
        "with_reader",
        "reader_all",
        "answer_layer_steps",
        "hardest",
        "hardest_loss",
        "coin",
    )
    if not stored.has(TOGETHER, FIRST, READER, *names.values()):
        return dict.fromkeys(words, NOT_RUN)
    alone = _alone(stored)
    accuracies = {
        "alone": seed_interval(list(alone.values())),
        "together": stored.accuracy(TOGETHER, SCENARIO, NO_ORDER),
        "first": stored.accuracy(FIRST, SCENARIO, NO_ORDER),
        "with_reader": stored.accuracy(READER, SCENARIO, NO_ORDER),
        "reader_all": stored.accuracy(READER, SCENARIO),
    }
    over_floor = {
        category: stored.accuracy(name, SCENARIO, [category]).estimate - floor
        for category, name in names.items()
        if (floor := stored.floor(TOGETHER, [category])) is not None
    }
    hardest = min(over_floor, key=lambda category: over_floor[category], default=None)
    told = {name: f"{100 * one.estimate:.1f} %" for name, one in accuracies.items()}
    first = stored.experiments[FIRST]["training"]["answer_layer_steps"]
    together = stored.accuracies(TOGETHER, SCENARIO, NO_ORDER)
    gains = {
        "alone_gain": paired(alone, together, least_spread(stored)),
        "first_gain": paired(
            stored.accuracies(FIRST, SCENARIO, NO_ORDER), together, least_spread(stored)
        ),
    }
    return told | {
        **{
            name: NOT_RUN if gain is None else in_words(gain, num_seeds)
            for name, (gain, num_seeds) in gains.items()
        },
        "answer_layer_steps": f"{first:,}",
        "hardest": hardest or NOT_RUN,
        "hardest_loss": (f"{_last_loss(stored, names[hardest]):.2f} nats" if hardest else NOT_RUN),
        "coin": f"{math.log(2):.2f} nats",
    }


def longer_words(stored: Stored) -> dict[str, str]:
    """Return how far AVST as published comes in the end, and where it stays below nine tenths."""
    if not stored.has(LONGER, FIRST, READER):
        words = ("longer", "longer_steps", "longer_rate", "start_rate", "num_near", "far")
        return dict.fromkeys(words, NOT_RUN)
    shares = {
        name: stored.accuracy(LONGER, SCENARIO, [name]).estimate / ceiling
        for name in NO_ORDER
        if (ceiling := stored.ceiling(LONGER, SCENARIO, [name]))
    }
    far = [name for name, share in shares.items() if share < NEAR]
    return {
        "longer": f"{100 * stored.accuracy(LONGER, SCENARIO, NO_ORDER).estimate:.1f} %",
        "longer_steps": steps_text(stored, LONGER),
        "longer_rate": _rate(stored, LONGER),
        "start_rate": _rate(stored, FIRST),
        "num_near": f"{len(shares) - len(far)} of {len(shares)}",
        "far": " and ".join(_beside_the_reader(stored, name) for name in far) or "nothing",
    }


def _rate(stored: Stored, name: str) -> str:
    return f"{stored.experiments[name]['training']['learning_rate']:g}"


def _beside_the_reader(stored: Stored, category: str) -> str:
    ours, with_reader = (
        f"{100 * stored.accuracy(name, SCENARIO, [category]).estimate:.1f} %"
        for name in (LONGER, READER)
    )
    return f"{category} ({ours}; with the reader {with_reader})"


def _reader(stored: Stored, category: str) -> float | None:
    """Return the accuracy of AVST with the reader, which learned all nine."""
    if not stored.has(READER):
        return None
    return stored.accuracy(READER, SCENARIO, [category]).estimate


def _last_loss(stored: Stored, name: str) -> float:
    """Return the answer loss of the last tenth of training, mean over seeds."""
    return fmean(stored.run(name, seed).losses[LOSS] for seed in stored.seeds(name))


def _alone(stored: Stored) -> dict[int, float]:
    """Return by seed the accuracy of one network a category, over the questions of all."""
    names = {category: alone_name(category) for category in NO_ORDER}
    return {
        seed: overall(
            stored.tally(name, seed, SCENARIO, [category]) for category, name in names.items()
        ).accuracy
        for seed in stored.shared_seeds(*names.values())
    }


def _seen(stored: Stored, name: str) -> int:
    """Return how many questions a run was shown, repetitions counted."""
    steps = int(stored.cost(name)["steps"])
    return steps * int(stored.experiments[name]["training"]["batch_size"])


def _share(stored: Stored, category: str) -> float:
    """Return the share of a category among the test questions; training asks alike."""
    seed = stored.seeds(TOGETHER)[0]
    of, of_all = (
        stored.tally(TOGETHER, seed, SCENARIO, categories).total
        for categories in ([category], None)
    )
    return of / of_all
