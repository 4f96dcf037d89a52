"""Whole scenes: drawn jointly, what is heard given what is seen, and the other way round.

Two facts join the acts of a clip: a clip in which nothing at all is heard is drawn again, and the
order on stage may follow the order of entry. Both become weights when the sound is drawn given the
picture; everything else is drawn exactly, because the halves are exchangeable (see ``halves``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from avqa_core.bandstand.halves import (
    Arrays,
    Half,
    fill_instruments,
    sample_counterpart,
    sample_half,
)
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.scene import INSTRUMENTS, PLACES, SETTINGS, Scene, Section, Source
from avqa_core.bandstand.staging import Stage, sample_stage, staging_likelihood
from avqa_core.rng import derive


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws(Arrays):
    """N scenes as arrays; ``weight`` is 1 except where a conditional is drawn by importance."""

    seen: Half
    heard: Half
    stage: Stage
    weight: Float[np.ndarray, " N"]

    def __len__(self) -> int:
        return len(self.weight)


def sample_joint(config: WorldConfig, num_clips: int, generator: np.random.Generator) -> Draws:
    """Draw ``num_clips`` scenes, both halves; clips in which nothing is heard are drawn again."""
    seen = sample_half(config, num_clips, generator)
    heard = sample_counterpart(config, seen, generator)
    is_heard = heard.pattern.any(axis=(1, 2))
    seen, heard = seen.take(is_heard), heard.take(is_heard)
    stage = sample_stage(config, seen, heard, generator)
    draws = Draws(seen=seen, heard=heard, stage=stage, weight=np.ones(len(seen)))
    if len(draws) < num_clips:
        draws = draws.join(sample_joint(config, num_clips - len(draws), generator))
    return draws


def draw_heard_given_seen(
    config: WorldConfig, scene: Scene, num_draws: int, generator: np.random.Generator
) -> Draws:
    """Draw scenes with the picture of ``scene`` and any sound that may go with it.

    Uses nothing of ``scene`` but its sections, its backdrop and its captions. The draws are
    weighted: by how well the order on stage fits, and zero where nothing is heard.
    """
    stage, on_stage = _stage_of(config, scene, num_draws)
    seen = sample_half(config, num_draws, generator)
    for act, sections in enumerate(on_stage):
        seen.pattern[:, act] = np.any([section.motion for section in sections], axis=0)
        seen.strength[:, act] = sections[0].closeness
        seen.pace[:, act] = sections[0].vigour
    seen = _with_instruments(config, seen, [part[0].instrument for part in on_stage], generator)
    seen.setting[:] = SETTINGS.index(scene.backdrop)
    seen.speech[:] = scene.captions
    heard = sample_counterpart(config, seen, generator)
    weight = staging_likelihood(config, stage, heard) * heard.pattern.any(axis=(1, 2))
    return Draws(seen=seen, heard=heard, stage=stage, weight=weight)


def draw_seen_given_heard(
    config: WorldConfig, scene: Scene, num_draws: int, generator: np.random.Generator
) -> Draws:
    """Draw scenes with the sound of ``scene`` and any picture that may go with it.

    Uses nothing of ``scene`` but its sources, its ambience and its voice. All weights are one.
    """
    heard = sample_half(config, num_draws, generator)
    heard.pattern[:] = False
    for act, source in enumerate(scene.sources):
        heard.pattern[:, act] = source.pattern
        heard.strength[:, act] = source.level
        heard.pace[:, act] = source.rate
    names = [source.instrument for source in scene.sources]
    heard = _with_instruments(config, heard, names, generator)
    heard.setting[:] = SETTINGS.index(scene.ambience)
    heard.speech[:] = scene.voice
    seen = sample_counterpart(config, heard, generator)
    stage = sample_stage(config, seen, heard, generator)
    return Draws(seen=seen, heard=heard, stage=stage, weight=np.ones(num_draws))


def _with_instruments(
    config: WorldConfig, half: Half, names: list[str], generator: np.random.Generator
) -> Half:
    """Give the first acts the named instruments and draw those of the others anew."""
    instrument = np.zeros_like(half.instrument)
    instrument[:, : len(names)] = [INSTRUMENTS.index(name) for name in names]
    fixed = np.broadcast_to(np.arange(config.num_acts) < len(names), instrument.shape)
    return replace(half, instrument=fill_instruments(config, instrument, fixed, generator))


def _stage_of(
    config: WorldConfig, scene: Scene, num_draws: int
) -> tuple[Stage, list[list[Section]]]:
    """Return the stage of ``scene``, repeated, and its sections by act, acts numbered anew."""
    by_instrument: dict[str, list[Section]] = {}
    for section in scene.sections:
        by_instrument.setdefault(section.instrument, []).append(section)
    names = list(by_instrument)
    shape = (num_draws, len(PLACES))
    act, count = np.full(shape, -1), np.zeros(shape, dtype=int)
    motion = np.zeros((*shape, config.num_segments), dtype=bool)
    for section in scene.sections:
        place = PLACES.index(section.place)
        act[:, place] = names.index(section.instrument)
        count[:, place] = section.count
        motion[:, place] = section.motion
    return Stage(act=act, count=count, motion=motion), list(by_instrument.values())


def sample_scene(config: WorldConfig, clip_id: str) -> Scene:
    """Return the clip ``clip_id`` of the world: a pure function of the two."""
    generator = np.random.default_rng(derive(config.seed, "bandstand scene", clip_id))
    return to_scene(config, sample_joint(config, 1, generator), 0, clip_id)


def to_scene(config: WorldConfig, draws: Draws, row: int, clip_id: str) -> Scene:
    """Return one row of ``draws`` as facts in words."""
    seen, heard, stage = draws.seen, draws.heard, draws.stage
    sections, sources = [], []
    for place, name in enumerate(PLACES):
        act = int(stage.act[row, place])
        if act >= 0:
            sections.append(
                Section(
                    instrument=INSTRUMENTS[seen.instrument[row, act]],
                    place=name,
                    count=int(stage.count[row, place]),
                    closeness=int(seen.strength[row, act]),
                    vigour=int(seen.pace[row, act]),
                    motion=tuple(stage.motion[row, place].tolist()),
                    act=act,
                )
            )
    for act in np.flatnonzero(heard.pattern[row].any(axis=1)).tolist():
        sources.append(
            Source(
                instrument=INSTRUMENTS[heard.instrument[row, act]],
                pattern=tuple(heard.pattern[row, act].tolist()),
                level=int(heard.strength[row, act]),
                rate=int(heard.pace[row, act]),
                melody=derive(config.seed, "bandstand melody", clip_id, act) % 2**31,
                act=act,
            )
        )
    return Scene(
        clip_id=clip_id,
        seed=derive(config.seed, "bandstand media", clip_id),
        difficulty=config.difficulty,
        backdrop=SETTINGS[seen.setting[row]],
        ambience=SETTINGS[heard.setting[row]],
        captions=tuple(seen.speech[row].tolist()),
        voice=tuple(heard.speech[row].tolist()),
        sections=tuple(sections),
        sources=tuple(sources),
    )
