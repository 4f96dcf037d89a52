"""How per-clip files become a packed store: which folders, which seconds, and short clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from avqa_core.config import require

Short = Literal["skip", "pad", "error"]
TOO_SHORT = "too short"
# Folders as MUSIC-AVQA's own programs name them.
ARRAYS = {"audio": "vggish", "visual": "res18_14x14"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackConfig:
    """How per-clip files become a store.

    Attributes:
        arrays: name in the store -> subfolder with one ``ID.npy`` a clip; ``audio`` [S, D] and
            ``visual`` [S, E, H, W] or [S, E], which becomes a grid of one cell, and any others.
        segments: T of the store; one second out of ``seconds / segments`` is kept, the first.
        seconds: S, the length of a whole clip. A longer file was made at another rate.
        short: what to do with a file that ends before the last second that is kept. ``skip``
            leaves the clip out; ``pad`` repeats the last second there is, of sound as of sight:
            zeros would be what a network sees of an absent modality; ``error`` stops.
        strict: stop at the first clip that cannot be packed, instead of counting it.
    """

    arrays: Mapping[str, str]
    segments: int = 10
    seconds: int = 60
    short: Short = "skip"
    strict: bool = False

    def __post_init__(self) -> None:
        require(
            1 <= self.segments <= self.seconds and self.seconds % self.segments == 0,
            f"pack: expected seconds that segments divide, got {self.seconds} seconds and "
            f"{self.segments} segments: choose e.g. 60 and 10",
        )
        require(
            set(ARRAYS) <= set(self.arrays),
            f"pack: expected folders for {' and '.join(ARRAYS)}, got {', '.join(self.arrays)}",
        )

    @property
    def kept(self) -> range:
        """The seconds that are kept: 0, 6, ..., 54 of 60 with ten segments."""
        return range(0, self.seconds, self.seconds // self.segments)


def named_folders(audio: str, visual: str, extra: Iterable[str]) -> dict[str, str]:
    """Return the arrays of a ``PackConfig`` from folders and from texts like ``patches=folder``.

    Raises:
        ConfigError: a text is another, or names an array twice.
    """
    arrays = {"audio": audio, "visual": visual}
    for one in extra:
        name, separator, place = one.partition("=")
        require(
            bool(separator and name and place and name not in arrays),
            f"--extra: expected a new NAME=FOLDER such as patches=clip_patch, got {one!r}",
        )
        arrays[name] = place
    return arrays
