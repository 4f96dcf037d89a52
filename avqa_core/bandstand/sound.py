"""Scene -> waveform: every heard source plays its tune in its segments, in a room or outdoors.

Loudness means something: one fixed gain for all clips, six decibels between levels, no
normalisation of a clip by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avqa_core import rng
from avqa_core.bandstand import ambience
from avqa_core.bandstand.scene import Scene, Source
from avqa_core.bandstand.timbres import NUM_PITCHES, NUM_TAKES, note_table
from avqa_core.media.log_mel import SAMPLE_RATE

LOUD_RMS = 0.06
DECIBELS_PER_LEVEL = 6.0
VOICE_RMS = 0.02
RAMP_SAMPLES = SAMPLE_RATE * 15 // 1000
# Notes a second, slow and fast; the lower end of each is what a row of the note table holds.
TEMPI = ((1.0, 1.5), (4.0, 6.0))
# Root mean square of the room or the air, at difficulty 0 and 1.
AMBIENCE_RMS = (0.0012, 0.0036)
# Early reflections of a small hall: delay in milliseconds and gain.
REFLECTIONS = ((13, 0.32), (29, -0.24), (43, 0.17), (61, -0.12), (83, 0.08))

Samples = NDArray[np.float32]


def render_sound(scene: Scene, *, difficulty: float | None = None) -> Samples:
    """Return the sound of a clip, mono at 16 kHz in [-1, 1], one second for each segment.

    Args:
        scene: the clip; only what is heard in it has any influence.
        difficulty: in [0, 1], how loud the room or the open air is; None means the scene's own.
    """
    num_samples = scene.num_segments * SAMPLE_RATE
    mix = np.zeros(num_samples, np.float32)
    for source in scene.sources:
        add_source(mix, source)
    generator = np.random.default_rng(rng.derive(scene.seed, "sound", scene.clip_id))
    if any(scene.voice):
        _add_voice(mix, scene.voice, generator)
    if scene.ambience == "indoor":
        mix = _reflected(mix)
    bank = ambience.room_tone() if scene.ambience == "indoor" else ambience.open_air()
    start = int(generator.integers(0, len(bank) - num_samples + 1))
    quiet, loud = AMBIENCE_RMS
    share = scene.difficulty if difficulty is None else difficulty
    mix += np.float32(quiet + share * (loud - quiet)) * bank[start : start + num_samples]
    return np.clip(mix, -1.0, 1.0, out=mix)


def add_source(mix: Samples, source: Source) -> None:
    """Add one source to a waveform, in place: its tune, in the segments of its pattern only."""
    generator = np.random.default_rng(rng.derive(source.melody, "tune", source.instrument))
    slowest, fastest = TEMPI[source.rate]
    step = int(SAMPLE_RATE / generator.uniform(slowest, fastest))
    gain = LOUD_RMS * 10.0 ** (-DECIBELS_PER_LEVEL * (2 - source.level) / 20.0)
    table = note_table(source.instrument, source.rate)
    for first, last in runs(source.pattern):
        length = (last - first) * SAMPLE_RATE
        tune = _tune(table, step, -(-length // step), generator)[:length]
        tune[-RAMP_SAMPLES:] *= _falling_ramp()
        mix[first * SAMPLE_RATE : last * SAMPLE_RATE] += np.float32(gain) * tune


def _tune(
    table: NDArray[np.float32], step: int, num_notes: int, generator: np.random.Generator
) -> Samples:
    """A random walk over the pitches, a note every ``step`` samples, each cut by a short ramp."""
    moves = generator.choice((-2, -1, 1, 2), num_notes)
    moves[0] = generator.integers(0, NUM_PITCHES)
    # Reflected at both ends, the walk never leaves the scale.
    walk = np.cumsum(moves) % (2 * NUM_PITCHES)
    pitch = np.where(walk < NUM_PITCHES, walk, 2 * NUM_PITCHES - 1 - walk)
    notes = table[generator.integers(0, NUM_TAKES, num_notes), pitch, : min(step, table.shape[-1])]
    notes[:, -RAMP_SAMPLES:] *= _falling_ramp()
    return notes.reshape(-1)


def runs(pattern: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Return the stretches of True as (first, one past the last) segments."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], pattern, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _add_voice(mix: Samples, voice: tuple[bool, ...], generator: np.random.Generator) -> None:
    """Add a speaker, in place; all seconds of a clip are one person's."""
    bank = ambience.speech()
    per_speaker = len(bank) // 4
    speaker = int(generator.integers(0, 4))
    for segment in np.flatnonzero(voice):
        row = speaker * per_speaker + int(generator.integers(0, per_speaker))
        start = int(segment) * SAMPLE_RATE
        mix[start : start + SAMPLE_RATE] += np.float32(VOICE_RMS) * bank[row]


def _reflected(mix: Samples) -> Samples:
    """The sound with its echoes from the walls of a small hall."""
    wet = mix.copy()
    for milliseconds, gain in REFLECTIONS:
        delay = milliseconds * SAMPLE_RATE // 1000
        wet[delay:] += np.float32(gain) * mix[:-delay]
    return wet


def _falling_ramp() -> Samples:
    return np.linspace(1.0, 0.0, RAMP_SAMPLES, dtype=np.float32)
