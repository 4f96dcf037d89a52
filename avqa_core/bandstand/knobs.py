"""The knobs of a Bandstand world."""

from __future__ import annotations

from dataclasses import dataclass

from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.config import require


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig:
    """What a Bandstand world is; the same config and clip id always give the same clip.

    Attributes:
        seed: of the whole world.
        coupling: in [0, 1]; how far sight predicts sound and back.
        difficulty: in [0, 1]; smaller margins in the questions, more noise, smaller drawings.
        questions_per_clip: how many questions are asked about a clip on average.
        num_segments: T; one segment is a second.
        num_instruments: how many of ``INSTRUMENTS`` exist in this world.
        num_acts: acts of a clip, on and off stage.
        silent_rate: how often a pattern is empty.
        full_rate: how often a pattern fills the whole clip.
        hole_rate: how often a longer pattern pauses for a segment or two.
        latest_entry: the last segment in which a pattern may begin.
        shortest: fewest segments from the beginning to the end of a pattern.
        twin_rate: how often one act stands at two places.
        late_rate: how often the second of two such sections joins later.
        voice_rate: how often somebody speaks over a clip.
    """

    seed: int = 0
    coupling: float = 0.8
    difficulty: float = 0.3
    questions_per_clip: float = 24.0
    num_segments: int = 10
    num_instruments: int = len(INSTRUMENTS)
    num_acts: int = 3
    silent_rate: float = 0.25
    full_rate: float = 0.15
    hole_rate: float = 0.3
    latest_entry: int = 6
    shortest: int = 3
    twin_rate: float = 0.25
    late_rate: float = 0.6
    voice_rate: float = 0.5

    def __post_init__(self) -> None:
        for name in ("coupling", "difficulty", "silent_rate", "full_rate", "hole_rate"):
            self._require_share(name)
        for name in ("twin_rate", "late_rate", "voice_rate"):
            self._require_share(name)
        require(
            self.silent_rate + self.full_rate <= 1 and self.silent_rate < 1,
            f"expected silent_rate below 1 and silent_rate + full_rate at most 1, got "
            f"{self.silent_rate} and {self.full_rate}: lower one of them",
        )
        require(
            1 <= self.num_acts <= self.num_instruments <= len(INSTRUMENTS),
            f"expected 1 <= num_acts <= num_instruments <= {len(INSTRUMENTS)}, got "
            f"{self.num_acts} and {self.num_instruments}: every act needs an instrument",
        )
        require(
            self.shortest >= 1 and 0 <= self.latest_entry <= self.num_segments - self.shortest,
            f"expected a pattern of {self.shortest} segments that enters at {self.latest_entry} "
            f"to fit into {self.num_segments}: lower latest_entry or shortest",
        )
        require(
            self.questions_per_clip > 0,
            f"expected questions_per_clip above 0, got {self.questions_per_clip}: raise it",
        )

    def _require_share(self, name: str) -> None:
        value = getattr(self, name)
        require(0 <= value <= 1, f"{name}: expected a number in [0, 1], got {value}: change it")

    @property
    def entry_margin(self) -> int:
        """Fewest segments between two entries whose order is asked about."""
        return 2 if self.difficulty <= 0.5 else 1

    @property
    def length_margin(self) -> int:
        """Fewest segments by which one source must sound longer than another."""
        return 3 - int(2 * self.difficulty)
