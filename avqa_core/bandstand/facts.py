"""The facts of many scenes as arrays, in the form in which questions look at them.

One row a scene, one column an instrument. There is one column more than there are instruments: a
nobody that is never seen and never heard. The ceilings ask about it in place of any instrument that
a scene does not have. Letters: N scenes, I instruments, T segments, K acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

from avqa_core.bandstand.halves import first_true
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import Draws
from avqa_core.bandstand.scene import INSTRUMENTS, PLACES, SETTINGS, Scene

NOWHERE = -1


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is seen and what is heard in N scenes.

    Attributes:
        on_place: instrument at each place, -1 where nobody stands.
        motion: when the section at each place plays.
        players: how many players of each instrument are seen.
        pattern: when each instrument is heard.
        level: of each instrument that is heard.
        rate: of each instrument that is heard.
        is_outdoor: what the backdrop shows.
        has_voice: whether anybody is heard to speak.
        entry_margin: fewest segments between entries whose order counts as clear.
        length_margin: fewest segments by which a source is clearly longer.
        most_present: most instruments that can be seen or heard in one scene.
    """

    on_place: Int[np.ndarray, "N 3"]
    motion: Bool[np.ndarray, "N 3 T"]
    players: Int[np.ndarray, "N I"]
    pattern: Bool[np.ndarray, "N I T"]
    level: Int[np.ndarray, "N I"]
    rate: Int[np.ndarray, "N I"]
    is_outdoor: Bool[np.ndarray, " N"]
    has_voice: Bool[np.ndarray, " N"]
    entry_margin: int
    length_margin: int
    most_present: int

    def __len__(self) -> int:
        return len(self.on_place)

    @property
    def nobody(self) -> int:
        """Column of the instrument that is never seen and never heard."""
        return self.players.shape[1] - 1

    @cached_property
    def seen(self) -> Bool[np.ndarray, "N I"]:
        """Whether each instrument is visible."""
        return self.players > 0

    @cached_property
    def heard(self) -> Bool[np.ndarray, "N I"]:
        """Whether each instrument ever sounds."""
        return np.any(self.pattern, axis=-1)

    @cached_property
    def entry(self) -> Int[np.ndarray, "N I"]:
        """Segment in which each instrument enters; T where it is not heard."""
        return first_true(self.pattern)

    @cached_property
    def order_of_entry(self) -> Int[np.ndarray, "N I"]:
        """Instruments sorted by entry; those that are not heard come last."""
        return np.argsort(self.entry, axis=1, kind="stable")

    def present(self) -> Int[np.ndarray, "N most"]:
        """Return the instruments that are seen or heard, in order, -1 after the last."""
        is_present = self.seen | self.heard
        order = np.argsort(~is_present, axis=1, kind="stable")[:, : self.most_present]
        return np.where(np.take_along_axis(is_present, order, axis=1), order, NOWHERE)


def _blank(config: WorldConfig, num_scenes: int) -> Facts:
    width = config.num_instruments + 1
    return Facts(
        on_place=np.full((num_scenes, len(PLACES)), NOWHERE),
        motion=np.zeros((num_scenes, len(PLACES), config.num_segments), dtype=bool),
        players=np.zeros((num_scenes, width), dtype=int),
        pattern=np.zeros((num_scenes, width, config.num_segments), dtype=bool),
        level=np.zeros((num_scenes, width), dtype=int),
        rate=np.zeros((num_scenes, width), dtype=int),
        is_outdoor=np.zeros(num_scenes, dtype=bool),
        has_voice=np.zeros(num_scenes, dtype=bool),
        entry_margin=config.entry_margin,
        length_margin=config.length_margin,
        most_present=min(config.num_instruments, config.num_acts + len(PLACES)),
    )


def facts_of_scenes(config: WorldConfig, scenes: Sequence[Scene]) -> Facts:
    """Return the facts of ``scenes``, one row each."""
    facts = _blank(config, len(scenes))
    for row, scene in enumerate(scenes):
        for section in scene.sections:
            instrument, place = INSTRUMENTS.index(section.instrument), PLACES.index(section.place)
            facts.on_place[row, place] = instrument
            facts.motion[row, place] = section.motion
            facts.players[row, instrument] += section.count
        for source in scene.sources:
            instrument = INSTRUMENTS.index(source.instrument)
            facts.pattern[row, instrument] = source.pattern
            facts.level[row, instrument] = source.level
            facts.rate[row, instrument] = source.rate
        facts.is_outdoor[row] = scene.backdrop == SETTINGS[1]
        facts.has_voice[row] = any(scene.voice)
    return facts


def facts_of_draws(config: WorldConfig, draws: Draws) -> Facts:
    """Return the facts of ``draws``, one row each."""
    facts = _blank(config, len(draws))
    rows, places = np.nonzero(draws.stage.act >= 0)
    instrument = draws.seen.instrument[rows, draws.stage.act[rows, places]]
    facts.on_place[rows, places] = instrument
    facts.motion[:] = draws.stage.motion
    np.add.at(facts.players, (rows, instrument), draws.stage.count[rows, places])
    rows, acts = np.nonzero(draws.heard.pattern.any(axis=-1))
    instrument = draws.heard.instrument[rows, acts]
    facts.pattern[rows, instrument] = draws.heard.pattern[rows, acts]
    facts.level[rows, instrument] = draws.heard.strength[rows, acts]
    facts.rate[rows, instrument] = draws.heard.pace[rows, acts]
    facts.is_outdoor[:] = draws.seen.setting == 1
    facts.has_voice[:] = draws.heard.speech.any(axis=-1)
    return facts
