"""Which slots fire for which instrument: addressing, averaged over the segments of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from avqa_core import rng
from avqa_core.bandstand.scene import INSTRUMENTS, Scene
from avqa_core.config import require


def heard_alone(scenes: Sequence[Scene]) -> Bool[np.ndarray, "clips T instruments"]:
    """Return in which segments an instrument is heard and no other is."""
    require(bool(scenes), "expected at least one scene, got none: name some clips")
    sounding = np.zeros((len(scenes), scenes[0].num_segments, len(INSTRUMENTS)), dtype=bool)
    for row, scene in enumerate(scenes):
        for source in scene.sources:
            sounding[row, :, INSTRUMENTS.index(source.instrument)] |= np.array(source.pattern)
    return sounding & (sounding.sum(axis=-1, keepdims=True) == 1)


def mean_weights(
    weights: Float[np.ndarray, "clips T L"], alone: Bool[np.ndarray, "clips T instruments"]
) -> dict[str, Float[np.ndarray, " L"]]:
    """Return instrument -> mean weight of each slot; instruments that are never alone are left out.

    Args:
        weights: addressing of every segment.
        alone: which segments count for which instrument.
    """
    return {
        name: weights[alone[..., index]].mean(axis=0)
        for index, name in enumerate(INSTRUMENTS)
        if alone[..., index].any()
    }


def information(weights: Mapping[str, Float[np.ndarray, " L"]]) -> float:
    """Return how many bits the addressed slot tells about the instrument, each equally frequent.

    Slots are taken to be drawn with the mean weights: 0 says that all instruments address alike.
    """
    table = np.stack(list(weights.values())).astype(np.float64)
    table /= table.sum(axis=1, keepdims=True)
    overall = table.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(table > 0, table * np.log2(table / overall), 0.0)
    return float(parts.sum(axis=1).mean())


def information_by_chance(
    weights: Float[np.ndarray, "clips T L"],
    alone: Bool[np.ndarray, "clips T instruments"],
    *,
    num_shuffles: int = 100,
    seed: int = 0,
) -> list[float]:
    """Return what the slot seems to tell where each clip has the instruments of some other clip.

    Few segments of an instrument never average to what all have in common, so bits are above zero
    by chance alone. Arguments as of ``mean_weights``; one value a shuffle of the clips.
    """
    stream = np.random.default_rng(rng.derive(seed, "instruments", "shuffled clips"))
    return [
        information(mean_weights(weights, alone[stream.permutation(len(alone))]))
        for _ in range(num_shuffles)
    ]
