"""File -> the pictures and the sound of its segments, with PyAV.

Both tracks are streamed: of the pictures the one on the screen is held, of the sound what the
segments need, so that a film of hours costs no more memory than its first minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from jaxtyping import Float, UInt8

from avqa_core.errors import FeatureError
from avqa_core.media.log_mel import SAMPLE_RATE
from avqa_core.media.segments import SegmentPolicy

Prepare = Callable[[np.ndarray], np.ndarray]

# Tracks of one film differ by about a frame of sound or picture; less than this is not missing.
TOLERANCE_SECONDS = 0.1
# Containers write times in milliseconds, rounded either way.
CLOCK_SECONDS = 0.001
# A header that promises this much more than can be decoded belongs to a file that was cut off.
CUT_OFF_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What the segments of one film look and sound like; None for a track that it does not have.

    Attributes:
        frames: one picture a segment.
        waveform: mono, 16 kHz, in [-1, 1], up to the end of the last segment's second of sound.
        num_early: segments before the first picture, which is shown nevertheless.
        num_still: segments whose picture is the last one of a film that had ended.
        silent_seconds: silence put behind a sound that had ended.
    """

    frames: UInt8[np.ndarray, "T height width 3"] | None
    waveform: Float[np.ndarray, " samples"] | None
    num_early: int = 0
    num_still: int = 0
    silent_seconds: float = 0.0

    @property
    def padding(self) -> str:
        """What was made up where a track does not reach, in words; empty where nothing was."""
        early = f"first picture shown early for {self.num_early} segments" if self.num_early else ""
        still = f"last picture held for {self.num_still} segments" if self.num_still else ""
        silent = f"{self.silent_seconds:.1f} s of silence added" if self.silent_seconds else ""
        return ", ".join(filter(None, [early, still, silent]))


def whole_picture(frames: np.ndarray) -> np.ndarray:
    """Return pictures as they are."""
    return frames


def decode(path: Path | str, segments: SegmentPolicy, prepare: Prepare = whole_picture) -> Clip:
    """Return the pictures and the sound of a film's segments.

    Args:
        path: of the file.
        segments: which instants.
        prepare: applied to each picture as soon as it is decoded, e.g. a resize.

    Raises:
        FeatureError: not a film, damaged, cut off, or in a format this PyAV cannot decode; or too
            short, where the policy refuses that.
    """
    path = Path(path)
    with _open(path) as container:
        times = segments.picture_times
        frames, num_early, num_still = _decode_pictures(path, container, times, prepare)
    with _open(path) as container:
        waveform, silent_seconds = _decode_sound(path, container, segments.num_samples)
    if frames is None and waveform is None:
        raise FeatureError(
            f"expected a film with picture or sound at {path}, got a file with neither track: "
            "check the file"
        )
    clip = Clip(
        frames=frames,
        waveform=waveform,
        num_early=num_early,
        num_still=num_still,
        silent_seconds=silent_seconds,
    )
    if clip.padding and segments.short == "skip":
        raise FeatureError(
            f"expected {segments.num_segments} segments of {segments.seconds:g} s in {path}, got "
            f"less ({clip.padding}): use fewer segments, or --short pad"
        )
    return clip


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a local file; whatever goes wrong inside the block is told as damage of the file."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise FeatureError(f"expected a film at {path}, got {found}: check the path")
    try:
        # A playlist disguised as a film must not fetch anything.
        options = {"protocol_whitelist": "file"}
        # A title in Latin-1 is no damage, and nobody reads it.
        with av.open(str(path.resolve()), options=options, metadata_errors="replace") as container:
            yield container
    except av.error.DecoderNotFoundError as error:
        raise FeatureError(
            f"expected a film that this build of PyAV can decode, got {path} in another codec: "
            "convert it, for example to H.264 and AAC"
        ) from error
    except (av.error.FFmpegError, ValueError) as error:
        raise FeatureError(
            f"expected a film at {path}, got a file that cannot be decoded "
            f"({getattr(error, 'strerror', None) or error}): it is damaged, cut off or no film; "
            "copy it again"
        ) from error


def _decode_pictures(
    path: Path, container: Any, times: list[float], prepare: Prepare
) -> tuple[np.ndarray | None, int, int]:
    """Return the picture on the screen at each time.

    Also how many times are before the first picture, and how many after the last.
    """
    # The cover of a sound file is a picture track too, but nothing that was filmed.
    tracks = [
        one for one in container.streams.video if not one.disposition & Disposition.attached_pic
    ]
    if not tracks:
        return None, 0, 0
    track = tracks[0]
    _check_codec(path, track, "picture")
    if min(track.codec_context.width, track.codec_context.height) == 0:
        raise FeatureError(
            f"expected pictures at {path}, got frames of {track.codec_context.width} x "
            f"{track.codec_context.height} pixels: the file is damaged; copy it again"
        )
    chosen, begin, end = _on_screen(
        _timed(container, track), times, lambda frame: prepare(_upright(frame)[None])[0]
    )
    if not chosen:
        raise FeatureError(
            f"expected pictures at {path}, got a picture track without any: the file is empty or "
            "cut off; copy it again"
        )
    num_early = sum(time < begin - TOLERANCE_SECONDS for time in times)
    num_still = sum(time > end + TOLERANCE_SECONDS for time in times)
    if num_still:
        _refuse_cut_off(path, container, track, end)
    return np.stack(chosen), num_early, num_still


def _timed(container: Any, track: Any) -> Iterator[tuple[float, float, Any]]:
    """Yield (time, time at which the next one is due, frame) from the film's beginning."""
    origin = _origin(container)
    usual = float(1 / track.average_rate) if track.average_rate else 0.0
    time = -usual
    for frame in container.decode(track):
        time = time + usual if frame.time is None else frame.time - origin
        lasts = float(frame.duration * frame.time_base) if frame.duration else usual
        yield time, time + lasts, frame


def _on_screen(
    timed: Iterator[tuple[float, float, Any]],
    times: list[float],
    picture_of: Callable[[Any], np.ndarray],
) -> tuple[list[np.ndarray], float, float]:
    """Return the picture shown at each time, when the first one begins and when the last one ends.

    Before the first frame the first is shown, after the last one the last. Decoding stops with the
    frame after the last time.
    """
    chosen: list[np.ndarray] = []
    # A frame that stays for several segments is prepared once.
    picture_of = lru_cache(maxsize=1)(picture_of)
    shown, begin, end = None, 0.0, 0.0
    for begins, ends, frame in timed:
        while shown is not None and times[len(chosen)] < begins - CLOCK_SECONDS:
            chosen.append(picture_of(shown))
            if len(chosen) == len(times):
                return chosen, begin, times[-1]
        begin = begins if shown is None else begin
        shown, end = frame, max(end, ends)
    if shown is None:
        return [], begin, end
    return chosen + [picture_of(shown)] * (len(times) - len(chosen)), begin, end


def _upright(frame: Any) -> UInt8[np.ndarray, "height width 3"]:
    """Return a frame as RGB, turned the way a player turns it (telephones film lying down)."""
    picture = frame.to_ndarray(format="rgb24")
    return np.rot90(picture, round(frame.rotation / 90)) if frame.rotation else picture


def _decode_sound(path: Path, container: Any, num_samples: int) -> tuple[np.ndarray | None, float]:
    """Return the mean of all channels at 16 kHz, and how much silence is behind it."""
    if not container.streams.audio:
        return None, 0.0
    track = container.streams.audio[0]
    _check_codec(path, track, "sound")
    pieces: list[np.ndarray] = []
    reached = 0
    for starts, piece in _resampled(container, track):
        # Sound that begins late, or has a hole, must not move what follows.
        if starts - reached > TOLERANCE_SECONDS * SAMPLE_RATE:
            hole = min(starts, num_samples) - reached
            pieces.append(np.zeros(hole, np.float32))
            reached += hole
        pieces.append(piece)
        reached += len(piece)
        if reached >= num_samples:
            break
    if not pieces:
        raise FeatureError(
            f"expected sound at {path}, got a sound track of zero length: the file is empty or cut "
            "off; copy it again, or remove the track"
        )
    silent_seconds = max(0, num_samples - reached) / SAMPLE_RATE
    if silent_seconds > TOLERANCE_SECONDS:
        _refuse_cut_off(path, container, track, reached / SAMPLE_RATE)
    waveform = np.zeros(num_samples, np.float32)
    heard = np.concatenate(pieces)[:num_samples]
    waveform[: len(heard)] = heard.clip(-1.0, 1.0)
    return waveform, silent_seconds if silent_seconds > TOLERANCE_SECONDS else 0.0


def _resampled(container: Any, track: Any) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (sample at which it belongs, mono samples at 16 kHz), piece by piece."""
    # The channels are averaged here: FFmpeg's own mix to mono of floating point adds them up.
    resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
    origin, starts = _origin(container), 0
    for frame in container.decode(track):
        if frame.time is not None:
            starts = round((frame.time - origin) * SAMPLE_RATE)
        for piece in resampler.resample(frame):
            yield starts, piece.to_ndarray().mean(axis=0)
    for piece in resampler.resample(None):
        yield starts, piece.to_ndarray().mean(axis=0)


def _origin(container: Any) -> float:
    """Return the time at which the film begins; before zero there is only what codecs discard."""
    return max(0.0, (container.start_time or 0) / av.time_base)


def _check_codec(path: Path, track: Any, what: str) -> None:
    if track.codec_context is None:
        raise FeatureError(
            f"expected a {what} that this build of PyAV can decode, got {path} with an unknown "
            "codec: convert it, for example to H.264 and AAC"
        )


def _refuse_cut_off(path: Path, container: Any, track: Any, end: float) -> None:
    """Tell a short film from the beginning of a long one."""
    if track.duration:
        told = float(track.duration * track.time_base)
    else:
        # Matroska tells one length, that of the longest track: another one may end before.
        told, end = (container.duration or 0) / av.time_base, max(end, _last_end(path))
    if told > end + CUT_OFF_SECONDS:
        raise FeatureError(
            f"expected a film of {told:.1f} s at {path}, as its header says, got one that ends "
            f"after {end:.1f} s: it was cut off; copy it again"
        )


def _last_end(path: Path) -> float:
    """Return when the last packet of any track ends; as Matroska's length, counted from zero."""
    last = 0.0
    with _open(path) as container:
        for packet in container.demux():
            if (time := packet.dts if packet.pts is None else packet.pts) is not None:
                last = max(last, float((time + (packet.duration or 0)) * packet.time_base))
    return last
