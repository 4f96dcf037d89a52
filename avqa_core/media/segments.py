"""Which instants of a film stand for its T segments: one picture and one second of sound each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from avqa_core.config import require
from avqa_core.media.log_mel import SAMPLE_RATE

LONGEST = 600.0  # seconds; the sound of all segments is held in memory
Place = Literal["start", "middle"]
Short = Literal["pad", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPolicy:
    """How a film is cut into segments, and where each of them is looked at and listened to.

    Attributes:
        num_segments: T.
        seconds: length of a segment, from one second to ten minutes.
        place: ``start`` takes the picture at the very beginning of a segment and the sound of its
            first second, as MUSIC-AVQA does (60 s at one picture a second, of which every sixth is
            used); ``middle`` takes both from its middle, where Bandstand's pictures are drawn.
        short: what becomes of a film that ends before its last segment is done. ``pad`` lets the
            last picture stand still and the sound fall silent, ``skip`` refuses the film.
    """

    num_segments: int = 10
    seconds: float = 1.0
    place: Place = "middle"
    short: Short = "pad"

    def __post_init__(self) -> None:
        require(
            self.num_segments >= 1,
            f"segments: expected at least one, got {self.num_segments}: change --segments",
        )
        require(
            1.0 <= self.seconds <= LONGEST,
            f"segments: expected segments of at least 1 s, which is what the sound encoders listen "
            f"to, and at most {LONGEST:g} s, got {self.seconds}: change --segment-seconds",
        )

    @property
    def picture_times(self) -> list[float]:
        """The instant of each segment's picture, in seconds from the beginning of the film."""
        inside = 0.0 if self.place == "start" else self.seconds / 2
        return [segment * self.seconds + inside for segment in range(self.num_segments)]

    @property
    def sound_starts(self) -> list[int]:
        """The first sample of each segment's second of sound, at 16 kHz."""
        inside = 0.0 if self.place == "start" else (self.seconds - 1.0) / 2
        return [
            round((segment * self.seconds + inside) * SAMPLE_RATE)
            for segment in range(self.num_segments)
        ]

    @property
    def num_samples(self) -> int:
        """How much of the sound is needed: up to the end of the last second listened to."""
        return self.sound_starts[-1] + SAMPLE_RATE

    def sounds(self, waveform: Float[np.ndarray, " samples"]) -> Float[np.ndarray, "T 16000"]:
        """Return the second of sound of each segment, from a waveform of ``num_samples``."""
        return np.stack([waveform[start : start + SAMPLE_RATE] for start in self.sound_starts])


MUSIC_AVQA = SegmentPolicy(num_segments=10, seconds=6.0, place="start")
BANDSTAND = SegmentPolicy(num_segments=10, seconds=1.0, place="middle")
