"""The two halves of every act, and how one is drawn given the other.

Every act has a seen and a heard half. With probability ``coupling`` an act is *linked* (live: its
halves agree), otherwise it mimes to a playback (its halves are independent draws from the same
marginal). Links are drawn without looking at either half, and the marginal of a half does not
depend on them; so, given one half, the other is drawn in the same way whichever came first. That
symmetry is what makes both conditionals exact, and with them the ceilings.

Scenes live here as arrays; letters: N clips, K acts, T segments.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Int

from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.scene import SETTINGS

NUM_STRENGTHS, NUM_PACES = 3, 2

Rows = TypeVar("Rows", bound="Arrays")


class Arrays:
    """A frozen dataclass of arrays with one row a clip."""

    __slots__ = ()

    def take(self: Rows, rows: Any) -> Rows:
        """Return a copy with the given rows (indices or a mask)."""
        taken = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]
        for name, value in taken.items():
            taken[name] = value.take(rows) if isinstance(value, Arrays) else value[rows]
        return type(self)(**taken)

    def join(self: Rows, other: Rows) -> Rows:
        """Return the rows of both, ours first."""
        joined = {}
        for one in fields(self):  # type: ignore[arg-type]
            ours, theirs = getattr(self, one.name), getattr(other, one.name)
            is_nested = isinstance(ours, Arrays)
            joined[one.name] = ours.join(theirs) if is_nested else np.concatenate([ours, theirs])
        return type(self)(**joined)


@dataclass(frozen=True, slots=True, kw_only=True)
class Half(Arrays):
    """One modality of every act of N clips; the same six facts for sight and sound.

    Attributes:
        instrument: index into ``INSTRUMENTS``; distinct within a clip.
        pattern: motion that is seen, or sound that is heard.
        strength: closeness, or level.
        pace: vigour, or rate.
        setting: backdrop, or ambience; index into ``SETTINGS``.
        speech: captions, or voice.
    """

    instrument: Int[np.ndarray, "N K"]
    pattern: Bool[np.ndarray, "N K T"]
    strength: Int[np.ndarray, "N K"]
    pace: Int[np.ndarray, "N K"]
    setting: Int[np.ndarray, " N"]
    speech: Bool[np.ndarray, "N T"]

    def __len__(self) -> int:
        return len(self.instrument)

    def entries(self) -> Int[np.ndarray, "N K"]:
        """Return the segment in which each pattern begins; T where it is empty."""
        return first_true(self.pattern)


def first_true(pattern: Bool[np.ndarray, "*rest T"]) -> Int[np.ndarray, "*rest"]:
    """Return the index of the first True on the last axis; its length where there is none."""
    return np.where(pattern.any(-1), pattern.argmax(-1), pattern.shape[-1])


def sample_patterns(
    config: WorldConfig, shape: tuple[int, ...], generator: np.random.Generator
) -> Bool[np.ndarray, "*rest T"]:
    """Draw playing patterns from the one marginal that motion and sound share."""
    segments = np.arange(config.num_segments)
    entry = generator.integers(0, config.latest_entry + 1, shape)
    spare = config.num_segments - entry - config.shortest + 1
    length = config.shortest + (generator.random(shape) * spare).astype(int)
    pattern = (segments >= entry[..., None]) & (segments < (entry + length)[..., None])
    hole = generator.integers(1, 3, shape)
    start = entry + 1 + (generator.random(shape) * (length - 1 - hole)).astype(int)
    in_hole = (segments >= start[..., None]) & (segments < (start + hole)[..., None])
    has_hole = (generator.random(shape) < config.hole_rate) & (length >= 5)
    pattern &= ~(in_hole & has_hole[..., None])
    kind = generator.random(shape)[..., None]
    pattern |= (kind >= config.silent_rate) & (kind < config.silent_rate + config.full_rate)
    return pattern & (kind >= config.silent_rate)


def _sample_speech(
    config: WorldConfig, num_clips: int, generator: np.random.Generator
) -> Bool[np.ndarray, "N T"]:
    """Draw the segments with speech: none, or one run of up to half the clip."""
    segments = np.arange(config.num_segments)
    longest = max(1, config.num_segments // 2)
    length = generator.integers(min(2, longest), longest + 1, num_clips)
    start = (generator.random(num_clips) * (config.num_segments - length + 1)).astype(int)
    spoken = (segments >= start[:, None]) & (segments < (start + length)[:, None])
    return spoken & (generator.random(num_clips) < config.voice_rate)[:, None]


def fill_instruments(
    config: WorldConfig,
    instrument: Int[np.ndarray, "N K"],
    fixed: Bool[np.ndarray, "N K"],
    generator: np.random.Generator,
) -> Int[np.ndarray, "N K"]:
    """Keep the fixed instruments and draw the others uniformly among those that remain."""
    keys = generator.random((len(instrument), config.num_instruments))
    rows, acts = np.nonzero(fixed)
    keys[rows, instrument[rows, acts]] = 2.0
    fresh = np.argsort(keys, axis=1)
    rank = np.cumsum(~fixed, axis=1) - 1
    return np.where(fixed, instrument, np.take_along_axis(fresh, np.maximum(rank, 0), axis=1))


def sample_half(config: WorldConfig, num_clips: int, generator: np.random.Generator) -> Half:
    """Draw one modality of ``num_clips`` clips from its marginal."""
    shape = (num_clips, config.num_acts)
    nothing = np.zeros(shape, dtype=int)
    return Half(
        instrument=fill_instruments(config, nothing, np.zeros(shape, dtype=bool), generator),
        pattern=sample_patterns(config, shape, generator),
        strength=generator.integers(0, NUM_STRENGTHS, shape),
        pace=generator.integers(0, NUM_PACES, shape),
        setting=generator.integers(0, len(SETTINGS), num_clips),
        speech=_sample_speech(config, num_clips, generator),
    )


def sample_counterpart(config: WorldConfig, half: Half, generator: np.random.Generator) -> Half:
    """Draw the other modality given one: linked acts share, the others are drawn afresh."""
    fresh = sample_half(config, len(half), generator)
    linked = generator.random(half.instrument.shape) < config.coupling
    same_setting, same_speech = generator.random((2, len(half))) < config.coupling
    return Half(
        instrument=fill_instruments(config, half.instrument, linked, generator),
        pattern=np.where(linked[..., None], half.pattern, fresh.pattern),
        strength=np.where(linked, half.strength, fresh.strength),
        pace=np.where(linked, half.pace, fresh.pace),
        setting=np.where(same_setting, half.setting, fresh.setting),
        speech=np.where(same_speech[:, None], half.speech, fresh.speech),
    )
