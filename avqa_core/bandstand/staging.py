"""Who stands where, and what the order on stage says about the order in which acts are heard.

With probability ``coupling`` the players are *staged*: from left to right in the order in which
their acts are heard to enter. Otherwise their order is random. Letters: N clips, T segments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from avqa_core.bandstand.halves import Arrays, Half, first_true
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.scene import PLACES

NUM_PLACES, MOST_PLAYERS = len(PLACES), 3
# (acts on stage, does one of them stand at two places) and how often each is drawn
LAYOUTS = ((1, False), (2, False), (3, False), (1, True), (2, True))
PLAIN_SHARES, TWIN_SHARES = (0.2, 0.35, 0.45), (0.4, 0.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Arrays):
    """Who stands where in N clips; ``act`` is -1 at an empty place."""

    act: Int[np.ndarray, "N 3"]
    count: Int[np.ndarray, "N 3"]
    motion: Bool[np.ndarray, "N 3 T"]


def _layout_shares(config: WorldConfig) -> Float[np.ndarray, " layouts"]:
    shares = [(1 - config.twin_rate) * share for share in PLAIN_SHARES]
    shares += [config.twin_rate * share for share in TWIN_SHARES]
    possible = [acts <= config.num_acts for acts, _ in LAYOUTS]
    cut = np.array(shares) * possible
    return cut / cut.sum()


def _late_motion(
    config: WorldConfig, pattern: Bool[np.ndarray, "N T"], generator: np.random.Generator
) -> Bool[np.ndarray, "N T"]:
    """Return the motion of a second section of the same act: the same, or joining later."""
    segments = np.arange(config.num_segments)
    remaining = np.cumsum(pattern[:, ::-1], axis=1)[:, ::-1]
    late_enough = segments >= first_true(pattern)[:, None] + config.entry_margin
    possible = pattern & late_enough & (remaining >= 2)
    chosen = np.where(possible, generator.random(pattern.shape), -1.0).argmax(axis=1)
    is_late = possible.any(axis=1) & (generator.random(len(pattern)) < config.late_rate)
    return pattern & ((segments >= chosen[:, None]) | ~is_late[:, None])


def sample_stage(
    config: WorldConfig, seen: Half, heard: Half, generator: np.random.Generator
) -> Stage:
    """Draw who is on stage and where, given both halves; only the order looks at ``heard``."""
    num_clips, rows = len(seen), np.arange(len(seen))[:, None]
    layout = generator.choice(len(LAYOUTS), num_clips, p=_layout_shares(config))
    num_on_stage, has_twin = np.array(LAYOUTS)[layout].T
    num_sections = num_on_stage + has_twin

    # Section s is of the s-th act of a random order; a twin is one section more, of act 0 of it.
    shuffled = generator.random((num_clips, config.num_acts)).argsort(axis=1)
    index = np.arange(NUM_PLACES)
    source = np.where(index < num_on_stage[:, None], index, 0)
    section_act = shuffled[rows, np.minimum(source, config.num_acts - 1)]

    # Integer part: order of entry, ties broken at random but one act kept together.
    tie_rank = generator.random((num_clips, config.num_acts)).argsort(axis=1)
    staged_key = (heard.entries() * config.num_acts + tie_rank)[rows, section_act]
    staged = generator.random(num_clips) < config.coupling
    key = np.where(staged[:, None], staged_key, 0) + generator.random((num_clips, NUM_PLACES))
    key = np.where(index < num_sections[:, None], key, np.inf)
    order = key.argsort(axis=1)

    # The used places come first in `free`, from left to right.
    chosen = generator.random((num_clips, NUM_PLACES)).argsort(axis=1).argsort(axis=1)
    free = np.where(chosen < num_sections[:, None], index, index + NUM_PLACES).argsort(axis=1)

    motion = seen.pattern[rows, section_act]
    late = _late_motion(config, seen.pattern[rows[:, 0], shuffled[:, 0]], generator)
    is_late_twin = (has_twin[:, None] == 1) & (index == num_on_stage[:, None])
    motion = np.where(is_late_twin[..., None], late[:, None], motion)

    is_used = index < num_sections[:, None]
    act = np.full((num_clips, NUM_PLACES), -1)
    placed_motion = np.zeros((num_clips, NUM_PLACES, config.num_segments), dtype=bool)
    act[rows, free] = np.where(is_used, section_act[rows, order], -1)
    placed_motion[rows, free] = motion[rows, order] & is_used[..., None]
    count = generator.integers(1, MOST_PLAYERS + 1, (num_clips, NUM_PLACES))
    return Stage(act=act, count=np.where(act >= 0, count, 0), motion=placed_motion)


def staging_likelihood(config: WorldConfig, stage: Stage, heard: Half) -> Float[np.ndarray, " N"]:
    """Return how likely this order of sections is, given when their acts are heard to enter.

    Up to factors that do not depend on ``heard``. Unstaged, each of n! orders is as likely, or of
    n!/2 where two sections belong to one act. Staged, the order of entry decides: one act stands
    together, and acts that enter together (or never) share the orders among them.
    """
    is_used = stage.act >= 0
    num_sections = is_used.sum(axis=1)
    order = np.argsort(~is_used, axis=1, kind="stable")
    act = np.take_along_axis(stage.act, order, axis=1)
    entry = np.take_along_axis(heard.entries(), np.maximum(act, 0), axis=1)

    has_twin = np.zeros(len(act), dtype=bool)
    in_order = np.ones(len(act), dtype=bool)
    num_tied_orders = np.ones(len(act))
    tied = np.ones(len(act))
    for left, right in ((0, 1), (1, 2)):
        both = right < num_sections
        same_act = both & (act[:, left] == act[:, right])
        has_twin |= same_act
        in_order &= ~both | (entry[:, left] <= entry[:, right])
        new_tie = both & ~same_act & (entry[:, left] == entry[:, right])
        tied = np.where(new_tie, tied + 1, np.where(same_act, tied, 1))
        num_tied_orders *= np.where(new_tie, tied, 1)
    apart = (num_sections == 3) & (act[:, 0] == act[:, 2])
    in_order &= ~apart
    num_orders = np.array([1.0, 1.0, 2.0, 6.0])[num_sections] / np.where(has_twin | apart, 2, 1)
    staged = in_order / num_tied_orders
    return config.coupling * staged + (1 - config.coupling) / num_orders
