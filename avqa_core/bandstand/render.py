"""Scene -> frames: three places on a stage, sections of performers who visibly play or rest.

What does not change between frames is drawn once: a place has at most five pictures (at rest, and
four phases of a movement), and a frame is three of them side by side.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from avqa_core import rng
from avqa_core.bandstand import stage
from avqa_core.bandstand.instruments import performer_sprite
from avqa_core.bandstand.performers import CASTS, Pose
from avqa_core.bandstand.scene import PLACES, Scene, Section

# Height of a performer and row of the feet, by closeness: far, middle, near.
HEIGHTS = (68, 90, 116)
FEET_ROWS = (148, 162, 176)
# Where the performers of a section stand, in heights of a performer: (aside, back).
FORMATIONS = (
    ((0.0, 0.0),),
    ((-0.13, 0.0), (0.13, 0.0)),
    ((0.0, 0.07), (-0.2, 0.0), (0.2, 0.0)),
)
NUM_PHASES = 4
# Phases a second, calm and vigorous. Both are 1 modulo 4: pictures a second apart show the phases
# of the movement one after the other, and do not freeze it.
PHASES_PER_SECOND = (5, 9)
NOISE_SPREAD = (2.0, 11.0)
SHRINK = 0.15
MAX_SHIFT = 3

Frames = NDArray[np.uint8]


def render_frames(scene: Scene, *, frames_per_second: int = 1) -> Frames:
    """Return the pictures of a clip; with the default, one from the middle of each segment.

    Args:
        scene: the clip; only what is seen in it has any influence.
        frames_per_second: more than one for films and strips in which performers move.

    Returns:
        uint8 ``[frames, 192, 288, 3]``.
    """
    generator = np.random.default_rng(rng.derive(scene.seed, "picture", scene.clip_id))
    look, text = (int(draw) for draw in generator.integers(0, stage.NUM_LOOKS, 2))
    empty = stage.backdrop(scene.backdrop, look)
    shifts = generator.integers(-MAX_SHIFT, MAX_SHIFT + 1, len(PLACES))
    casts = generator.integers(0, len(CASTS), len(PLACES))
    starts = generator.integers(0, NUM_PHASES, len(PLACES))
    quiet, noisy = NOISE_SPREAD
    spread = round(quiet + scene.difficulty * (noisy - quiet), 1)
    noise = [stage.noise_window(spread, generator) for _ in scene.captions]

    times = (np.arange(scene.num_segments * frames_per_second) + 0.5) / frames_per_second
    segments = times.astype(int)
    frames = np.empty((len(times), *empty.shape), np.uint8)
    frames[:] = empty
    for section in scene.sections:
        place = PLACES.index(section.place)
        columns = slice(place * stage.PLACE_WIDTH, (place + 1) * stage.PLACE_WIDTH)
        band = _Band(scene, section, empty[:, columns], int(casts[place]), int(shifts[place]))
        phases = (times * PHASES_PER_SECOND[section.vigour]).astype(int) + starts[place]
        for index, segment in enumerate(segments):
            phase = int(phases[index]) % NUM_PHASES if section.motion[segment] else None
            frames[index, :, columns] = band.picture(phase)
    first, last = stage.CAPTION_ROWS
    captioned = np.array(scene.captions)[segments]
    frames[captioned, first:last] = stage.caption_bar(text)
    for frame, segment in zip(frames, segments, strict=True):
        frame += noise[segment]
    return frames


class _Band:
    """The pictures of one place of one clip, each drawn when it is first needed."""

    def __init__(
        self, scene: Scene, section: Section, empty: Frames, cast: int, shift: int
    ) -> None:
        self.section, self.empty, self.cast = section, empty, cast
        self.height = round(HEIGHTS[section.closeness] * (1.0 - SHRINK * scene.difficulty))
        self.middle = stage.PLACE_WIDTH // 2 + shift
        self.pictures: dict[int | None, Frames] = {}

    def picture(self, phase: int | None) -> Frames:
        """Return the place in one phase of the movement, or at rest for None."""
        if phase not in self.pictures:
            self.pictures[phase] = self._draw(phase)
        return self.pictures[phase]

    def _draw(self, phase: int | None) -> Frames:
        picture = self.empty.copy()
        section = self.section
        for number, (aside, back) in enumerate(FORMATIONS[section.count - 1]):
            pose = _pose(section.vigour, phase, number)
            cast = (self.cast + number) % len(CASTS)
            sprite = performer_sprite(section.instrument, self.height, pose, cast)
            feet = FEET_ROWS[section.closeness] - round(back * self.height)
            sprite.paste(picture, self.middle + round(aside * self.height), feet)
        return picture


@cache
def _pose(vigour: int, phase: int | None, number: int) -> Pose:
    """The pose of one performer of a section; neighbours are a phase apart."""
    if phase is None:
        return Pose(False, 0, 0)
    return Pose(True, vigour, (phase + number) % NUM_PHASES)
