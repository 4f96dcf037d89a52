"""How networks start: the figure of what was watched, and its last numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from avqa_core.studies.starts import ANSWER_LAYER_FIRST, AT_ONCE, Look
from avqa_core.viz import figures

Looks = Mapping[str, Mapping[str, Sequence[Look]]]
_SHORT = {AT_ONCE: "once", ANSWER_LAYER_FIRST: "first"}


def start_figure(looks: Looks) -> Figure:
    """Draw loss and saturation of each network over the steps, a line a start.

    Args:
        looks: network -> start -> looks.
    """
    return figures.start_curves(
        {
            network: {
                way: [(one.step, one.loss, one.saturated) for one in seen]
                for way, seen in of_network.items()
            }
            for network, of_network in looks.items()
        }
    )


def start_words(looks: Looks) -> dict[str, str]:
    """Return the last loss and the last saturated share of each network and start."""
    told = {}
    for network, of_network in looks.items():
        for way, seen in of_network.items():
            name = f"{network}_{_SHORT[way]}"
            told[f"{name}_saturated"] = f"{100 * seen[-1].saturated:.0f} %"
            told[f"{name}_loss"] = f"{seen[-1].loss:.2f} nats"
    return told
