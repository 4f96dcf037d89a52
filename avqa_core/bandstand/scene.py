"""What is true of one Bandstand clip: the facts that can be seen and the facts that can be heard.

A scene is a stage with three places and four *acts*. An act has a seen half (a section of players
on stage) and a heard half (a source of sound); ``sampling`` decides how far the halves agree.
Pictures, sound, questions and ceilings are all made from these facts and from nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from avqa_core import config as configuration
from avqa_core.errors import ConfigError

INSTRUMENTS = (
    "accordion",
    "acoustic_guitar",
    "bagpipe",
    "banjo",
    "bassoon",
    "cello",
    "clarinet",
    "congas",
    "drum",
    "electric_bass",
    "erhu",
    "flute",
    "guzheng",
    "piano",
    "pipa",
    "saxophone",
    "suona",
    "trumpet",
    "tuba",
    "ukulele",
    "violin",
    "xylophone",
)
Place = Literal["left", "middle", "right"]
Setting = Literal["indoor", "outdoor"]

PLACES: tuple[Place, ...] = ("left", "middle", "right")
SETTINGS: tuple[Setting, ...] = ("indoor", "outdoor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Players of one instrument who stand together and play together: what is seen.

    Attributes:
        instrument: one of ``INSTRUMENTS``.
        place: where they stand.
        count: how many they are, 1 to 3.
        closeness: 0 far, 1 middle, 2 near; drawn as size.
        vigour: 0 calm, 1 vigorous; drawn as the swing of the movement.
        motion: one entry a segment, True where they visibly play.
        act: index of the act; not a fact anybody observes.
    """

    instrument: str
    place: Place
    count: int
    closeness: int
    vigour: int
    motion: tuple[bool, ...]
    act: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One instrument that sounds in at least one segment: what is heard.

    Attributes:
        instrument: one of ``INSTRUMENTS``.
        pattern: one entry a segment, True where it sounds.
        level: 0 soft, 1 medium, 2 loud.
        rate: 0 slow, 1 fast; notes a second.
        melody: seed of the tune.
        act: index of the act; not a fact anybody observes.
    """

    instrument: str
    pattern: tuple[bool, ...]
    level: int
    rate: int
    melody: int
    act: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that a perfect viewer without sound knows."""

    sections: tuple[Section, ...]
    backdrop: Setting
    captions: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Everything that a perfect listener without picture knows."""

    sources: tuple[Source, ...]
    ambience: Setting
    voice: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All facts of one clip; a pure function of the world's config and ``clip_id``.

    Attributes:
        clip_id: eight digits, as the real videos of MUSIC-AVQA.
        seed: of everything that the facts leave open, e.g. noise and the colour of the curtain.
        difficulty: in [0, 1]; how noisy and how small things are drawn and played.
        backdrop: where the stage is, seen.
        ambience: where the stage is, heard as reverberation or as birds and wind.
        captions: segments with a subtitle bar, seen.
        voice: segments in which somebody speaks over the music, heard.
        sections: from left to right.
        sources: by act; only those that are ever heard.
    """

    clip_id: str
    seed: int
    difficulty: float
    backdrop: Setting
    ambience: Setting
    captions: tuple[bool, ...]
    voice: tuple[bool, ...]
    sections: tuple[Section, ...]
    sources: tuple[Source, ...]

    @property
    def num_segments(self) -> int:
        """Number of segments of one second, T."""
        return len(self.captions)

    def seen(self) -> Seen:
        """Return the facts that the picture alone shows."""
        return Seen(sections=self.sections, backdrop=self.backdrop, captions=self.captions)

    def heard(self) -> Heard:
        """Return the facts that the sound alone tells."""
        return Heard(sources=self.sources, ambience=self.ambience, voice=self.voice)

    def to_dict(self) -> dict[str, Any]:
        """Return the scene as plain JSON types."""
        return configuration.to_dict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Scene:
        """Build a scene from plain JSON types, strictly.

        Raises:
            ConfigError: an unknown, missing or misspelt fact, named with its place in the scene.
        """
        scene = configuration.from_dict(cls, data, "scene")
        known = {section.instrument for section in scene.sections}
        known |= {source.instrument for source in scene.sources}
        for instrument in sorted(known - set(INSTRUMENTS)):
            raise ConfigError(
                configuration.unknown_key(instrument, INSTRUMENTS, f"scene {scene.clip_id}")
            )
        return scene
