"""Folders of per-clip ``.npy`` files whose every number can be worked out by hand.

Clip n says ``300 n + 4 s + d`` in second s of its sound and the negative of ``300 n + 8 s + cell``
in its picture. With six clips all of it stays below 2048, where float16 holds every whole number.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avqa_core.features.packing import Packed, pack
from avqa_core.features.settings import ARRAYS, PackConfig

AUDIO, VISUAL = (60, 4), (60, 2, 2, 2)
LAYOUT = {"audio": (10, 4), "visual": (10, 2, 2, 2)}


def sound(number: int, seconds: int = 60) -> np.ndarray:
    one = 300.0 * number + np.arange(seconds * 4, dtype=np.float32)
    return one.reshape(seconds, 4)


def picture(number: int, seconds: int = 60) -> np.ndarray:
    one = -300.0 * number - np.arange(seconds * 8, dtype=np.float32)
    return one.reshape(seconds, 2, 2, 2)


def sound_path(folder: Path, video_id: str) -> Path:
    return folder / "vggish" / f"{video_id}.npy"


def picture_path(folder: Path, video_id: str) -> Path:
    return folder / "res18_14x14" / f"{video_id}.npy"


def write_folder(folder: Path, num_clips: int = 3) -> Path:
    """Write clips c0, c1, ... as MUSIC-AVQA's programs lay them out."""
    for subfolder in ("vggish", "res18_14x14"):
        (folder / subfolder).mkdir(parents=True, exist_ok=True)
    for number in range(num_clips):
        np.save(sound_path(folder, f"c{number}"), sound(number))
        np.save(picture_path(folder, f"c{number}"), picture(number))
    return folder


def packed(folder: Path, out: Path, wanted: set[str] | None = None, **settings) -> Packed:
    *_, last = pack(folder, out, PackConfig(**{"arrays": ARRAYS, **settings}), wanted)
    assert isinstance(last, Packed)
    return last


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
