"""The 22 instruments as pictures: one drawing for each, cached as sprites."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from avqa_core.bandstand import keys_and_drums, strings, winds
from avqa_core.bandstand.canvas import Canvas, Sprite
from avqa_core.bandstand.performers import Figure, Pose

DRAWINGS: dict[str, Callable[[Figure], None]] = {
    "accordion": keys_and_drums.accordion,
    "acoustic_guitar": strings.acoustic_guitar,
    "bagpipe": winds.bagpipe,
    "banjo": strings.banjo,
    "bassoon": winds.bassoon,
    "cello": strings.cello,
    "clarinet": winds.clarinet,
    "congas": keys_and_drums.congas,
    "drum": keys_and_drums.drum,
    "electric_bass": strings.electric_bass,
    "erhu": strings.erhu,
    "flute": winds.flute,
    "guzheng": strings.guzheng,
    "piano": keys_and_drums.piano,
    "pipa": strings.pipa,
    "saxophone": winds.saxophone,
    "suona": winds.suona,
    "trumpet": winds.trumpet,
    "tuba": winds.tuba,
    "ukulele": strings.ukulele,
    "violin": strings.violin,
    "xylophone": keys_and_drums.xylophone,
}

# Left, right, bottom and top of the sheet a performer is drawn on, in heights of a performer.
REACH = (0.3, 0.3, 0.02, 1.14)


@lru_cache(maxsize=8192)
def performer_sprite(instrument: str, height: int, pose: Pose, cast: int) -> Sprite:
    """Return one performer with an instrument.

    Args:
        instrument: one of the 22 names.
        height: of the performer, in pixels.
        pose: playing or at rest, and the phase of the movement.
        cast: index into ``performers.CASTS``.
    """
    canvas = Canvas(float(height), REACH)
    DRAWINGS[instrument](Figure(canvas, pose, cast))
    return canvas.finish()
