"""A scene as pictures, sound, features, and a film that any player shows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from avqa_core.bandstand.encoders import load_encoders
from avqa_core.bandstand.render import render_frames
from avqa_core.bandstand.scene import Scene
from avqa_core.bandstand.sound import render_sound
from avqa_core.errors import FeatureError
from avqa_core.media.log_mel import SAMPLE_RATE

# Odd, so that one frame lies in the middle of each second, where the encoders look.
FILM_FRAMES_PER_SECOND = 15
AUDIO_WIDTH, VISUAL_SHAPE = 128, (64, 4, 6)

Frames = UInt8[np.ndarray, "T height width 3"]
Waveform = Float[np.ndarray, " samples"]


def layout_for(num_segments: int) -> dict[str, tuple[int, ...]]:
    """Return the arrays of a clip in the feature store, by name and shape."""
    return {"audio": (num_segments, AUDIO_WIDTH), "visual": (num_segments, *VISUAL_SHAPE)}


def media_for(scene: Scene) -> tuple[Frames, Waveform]:
    """Return one picture a segment and the sound of a scene."""
    return render_frames(scene), render_sound(scene, difficulty=scene.difficulty)


@lru_cache(maxsize=1)
def _encoders() -> Any:
    return load_encoders()


def features_for(scenes: Sequence[Scene]) -> list[dict[str, np.ndarray]]:
    """Return what the store holds of each scene: frozen features of its pictures and its sound."""
    frames, waveforms = zip(*map(media_for, scenes), strict=True)
    encoders = _encoders()
    with torch.inference_mode():
        visual = encoders.visual(torch.from_numpy(np.stack(frames)))
        audio = encoders.audio(torch.from_numpy(np.stack(waveforms)))
    return [
        {"audio": one.numpy().astype(np.float16), "visual": other.numpy().astype(np.float16)}
        for one, other in zip(audio, visual, strict=True)
    ]


def write_film(scene: Scene, path: Path) -> None:
    """Write a scene as .mp4 with moving pictures and sound; half-written files never stay.

    Raises:
        FeatureError: this build of PyAV can encode neither H.264 nor MPEG-4.
    """
    import av

    available = av.codecs_available
    codec = next((name for name in ("libx264", "mpeg4") if name in available), None)
    if codec is None or "aac" not in available:
        raise FeatureError(
            "expected PyAV with the encoders libx264 or mpeg4 and aac, got a build without: "
            "install the PyAV wheel from PyPI"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.partial.mp4")
    frames = render_frames(scene, frames_per_second=FILM_FRAMES_PER_SECOND)
    waveform = render_sound(scene, difficulty=scene.difficulty)
    with av.open(str(temporary), "w") as container:
        picture = container.add_stream(codec, rate=FILM_FRAMES_PER_SECOND)
        picture.height, picture.width = frames.shape[1:3]
        picture.pix_fmt = "yuv420p"
        picture.options = {"crf": "18"} if codec == "libx264" else {"q": "3"}
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for one in frames:
            image = av.VideoFrame.from_ndarray(np.ascontiguousarray(one), format="rgb24")
            container.mux(picture.encode(image))
        container.mux(picture.encode(None))
        samples = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        samples.sample_rate, samples.time_base, samples.pts = (
            SAMPLE_RATE,
            Fraction(1, SAMPLE_RATE),
            0,
        )
        container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    temporary.replace(path)
