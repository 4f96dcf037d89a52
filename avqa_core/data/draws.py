"""Many independent numbers at once, each a hash of its key.

``rng.named`` makes a generator for one purpose, which costs more than reading a sample does; where
every row of a batch needs draws of its own, this hashes all rows in a few array operations
(the mixing function of SplitMix64, Steele et al. 2014).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

_STEP = np.uint64(0x9E3779B97F4A7C15)


def draw_below(
    bounds: Int[np.ndarray, " n"] | int, seed: int, keys: Int[np.ndarray, " n"], count: int
) -> Int[np.ndarray, "n count"]:
    """Return ``count`` numbers in [0, bound) for each key, a function of (seed, key) alone.

    Args:
        bounds: one bound for each key, or one for all; each at least 1.
        seed: from ``rng.derive``, which keeps one purpose apart from another.
        keys: for example question ids.
        count: how many numbers each key gets.
    """
    drawn = _hashed(seed, keys, count)
    # The remainder favours small numbers by less than bound / 2**64: never seen.
    limits = np.broadcast_to(np.asarray(bounds), keys.shape).astype(np.uint64)
    return (drawn % limits[:, None]).astype(np.int64)


def draw_uniform(
    seed: int, keys: Int[np.ndarray, " n"], count: int
) -> Float[np.ndarray, "n count"]:
    """Return ``count`` numbers in [0, 1) for each key, a function of (seed, key) alone."""
    # 53 bits, as many as a float holds: more could round up to 1, which no probability exceeds.
    return (_hashed(seed, keys, count) >> np.uint64(11)).astype(np.float64) / 2**53


def _hashed(seed: int, keys: np.ndarray, count: int) -> np.ndarray:
    """Return ``count`` 64-bit hashes for each key, as uint64 [n, count]."""
    own = _mixed(np.uint64(seed) + keys.astype(np.uint64) * _STEP)
    return _mixed(own[:, None] + np.arange(1, count + 1, dtype=np.uint64) * _STEP)


def _mixed(state: np.ndarray) -> np.ndarray:
    """Return the output of SplitMix64 for each state, an array of uint64 of any shape."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
