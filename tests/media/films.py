"""Small film files made on the spot: frame k is gray level 5 k, and the sound is given."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 15
SIZE = (16, 24)


def write_film(
    path: Path,
    *,
    seconds: float = 3.0,
    picture_starts: float = 0.0,
    sound: np.ndarray | None = None,
    sample_rate: int = 16_000,
    sound_starts: float = 0.0,
    has_sound_track: bool | None = None,
    pictures: np.ndarray | None = None,
    codecs: tuple[str, str, str] = ("ffv1", "bgr0", "pcm_s16le"),
    rotation: float = 0.0,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a film; by default without loss, so that every pixel and sample is known.

    Args:
        path: the suffix decides the container.
        seconds: of the picture, 15 frames each; 0 leaves the picture track out.
        picture_starts: when it begins, in seconds.
        sound: int16 ``[channels, samples]``; none leaves the sound track out.
        sample_rate: of the sound.
        sound_starts: when it begins, in seconds.
        has_sound_track: add a track even without sound.
        pictures: frames to write instead of the gray ones.
        codecs: of the picture, its pixel format, and of the sound.
        rotation: counterclockwise, told to players.
        options: of the container.
    """
    video_codec, pixels, audio_codec = codecs
    if pictures is None:
        levels = 5 * np.arange(round(seconds * RATE)) % 256
        pictures = np.broadcast_to(levels[:, None, None, None], (len(levels), *SIZE, 3))
    with av.open(str(path), "w", options=options or {}) as container:
        if len(pictures):
            picture: Any = container.add_stream(video_codec, rate=RATE)
            picture.height, picture.width = pictures.shape[1:3]
            picture.pix_fmt = pixels
            if rotation:
                picture.set_display_rotation(rotation)
        if sound is not None or has_sound_track:
            layout = "mono" if sound is None or len(sound) == 1 else "stereo"
            track: Any = container.add_stream(audio_codec, rate=sample_rate, layout=layout)
        for number, one in enumerate(pictures, round(picture_starts * RATE)):
            shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(one, np.uint8), format="rgb24")
            shown.pts, shown.time_base = number, Fraction(1, RATE)
            container.mux(picture.encode(shown))
        if len(pictures):
            container.mux(picture.encode(None))
        if sound is not None:
            samples = np.ascontiguousarray(sound.T.reshape(1, -1), np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
            frame.sample_rate, frame.time_base = sample_rate, Fraction(1, sample_rate)
            frame.pts = round(sound_starts * sample_rate)
            container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return path


def steps(*levels: float, samples: int = 16_000) -> np.ndarray:
    """Return one channel of int16 that is each of the levels for ``samples``."""
    return np.repeat(np.array(levels) * 32_768, samples).astype(np.int16)[None]
