"""Compressed pictures and sound for pages: small files that every current browser plays.

A clip becomes one WebP sheet with all its frames (one download, no flicker) and one MP3: unlike
AAC, Firefox needs no help of the operating system to play it; Chromium and Safari play both.
"""

from __future__ import annotations

import base64
import io
import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float, UInt8

from avqa_core.bandstand.media import media_for
from avqa_core.bandstand.scene import Scene
from avqa_core.errors import FeatureError

SAMPLE_RATE = 16_000
SOUND_BIT_RATE = 24_000
LARGEST_SOUND = 40_000
SHEET_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class ClipMedia:
    """What can be looked at and listened to of one clip.

    Attributes:
        video_id: of the clip.
        frames: uint8 ``[T, height, width, 3]``.
        waveform: mono ``[samples]``.
    """

    video_id: str
    frames: np.ndarray
    waveform: np.ndarray

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise FeatureError(
                f"frames of clip {self.video_id}: expected uint8 [T, height, width, 3], got "
                f"{self.frames.dtype} {list(self.frames.shape)}: render them again"
            )
        if self.waveform.ndim != 1 or not np.isfinite(self.waveform).all():
            raise FeatureError(
                f"sound of clip {self.video_id}: expected a finite mono waveform [samples], got "
                f"shape {list(self.waveform.shape)}: mix it down, or render it again"
            )


@lru_cache(maxsize=32)
def rendered(scene: Scene) -> ClipMedia:
    """Return pictures and sound of a scene of the built-in world."""
    return ClipMedia(scene.clip_id, *media_for(scene))


@dataclass(frozen=True, slots=True)
class MediaFiles:
    """Where a page finds the picture sheet and the sound of a clip: file names or data URIs."""

    sheet: str
    sound: str


def write_media(folder: Path, clips: Iterable[ClipMedia], url: str = "") -> dict[str, MediaFiles]:
    """Write one sheet and one sound file a clip and return the addresses a page uses.

    Args:
        folder: where the files go; made if it is not there.
        clips: what to write, one at a time, so that they need not fit in memory together.
        url: put before each file name, e.g. ``../_static/toggles/``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for clip in clips:
        sheet, sound = f"{clip.video_id}.webp", f"{clip.video_id}.mp3"
        _replace(folder / sheet, encode_picture(frame_sheet(clip.frames)))
        _replace(folder / sound, encode_sound(clip.waveform))
        written[clip.video_id] = MediaFiles(url + sheet, url + sound)
    return written


def _replace(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a page never sees half a file."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    os.replace(beside, path)


def data_uri(content: bytes, kind: str) -> str:
    """Return ``content`` as an address that needs no file."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def frame_sheet(
    frames: UInt8[np.ndarray, "T height width 3"], columns: int = SHEET_COLUMNS
) -> UInt8[np.ndarray, "sheet_height sheet_width 3"]:
    """Return all frames as one picture, row by row; unused cells are white."""
    rows = -(-len(frames) // columns)
    height, width = frames.shape[1:3]
    cells = np.full((rows * columns, height, width, 3), 255, dtype=np.uint8)
    cells[: len(frames)] = frames
    cells = cells.reshape(rows, columns, height, width, 3)
    return cells.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3)


def encode_picture(
    picture: UInt8[np.ndarray, "height width 3"], *, quality: int = 50, lossless: bool = False
) -> bytes:
    """Return ``picture`` as WebP; ``lossless`` is for drawings with text."""
    height, width = picture.shape[:2]
    options = {"lossless": "1"} if lossless else {"quality": str(quality)}
    pixels = "bgra" if lossless else "yuv420p"
    encoder = av.CodecContext.create("libwebp", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pixels
    encoder.time_base, encoder.options = Fraction(1, 25), options
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    frame = frame.reformat(format=pixels)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def encode_sound(waveform: Float[np.ndarray, " samples"], sample_rate: int = SAMPLE_RATE) -> bytes:
    """Return a mono ``waveform`` as MP3 of at most 40 kB.

    Raises:
        FeatureError: the clip is too long for a page.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=sample_rate)
        stream.bit_rate, stream.layout = SOUND_BIT_RATE, "mono"
        samples = np.clip(waveform, -1.0, 1.0).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        for given in (frame, None):
            container.mux(stream.encode(given))
    content = buffer.getvalue()
    if len(content) > LARGEST_SOUND:
        raise FeatureError(
            f"expected sound of at most {LARGEST_SOUND:,} bytes for a page, got {len(content):,} "
            f"for {len(waveform) / sample_rate:.0f} s: cut the clip to 12 s or less"
        )
    return content


def encode_png(picture: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """Return ``picture`` as PNG in well under a millisecond for the size of a heat map."""
    height, width = picture.shape[:2]
    rows = np.ascontiguousarray(picture).reshape(height, width * 3)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def loudness(
    waveform: Float[np.ndarray, " samples"], num_values: int = 100
) -> Float[np.ndarray, " values"]:
    """Return the root mean square of ``num_values`` equal stretches: sound one can see."""
    length = len(waveform) // num_values * num_values
    stretches = waveform[:length].reshape(num_values, -1).astype(np.float64)
    return np.sqrt(np.square(stretches).mean(axis=1))
