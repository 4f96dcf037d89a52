"""What sounds around the music: a room or the open air, and somebody speaking.

All of it is made once per process as banks of sound, from which a clip takes its own cut.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from avqa_core import rng
from avqa_core.bandstand.timbres import band_noise
from avqa_core.media.log_mel import SAMPLE_RATE

BANK_SECONDS = 24
NUM_SYLLABLE_SECONDS = 48
_CHIRPS_PER_SECOND = 3
# First and second formant of the vowels in "ah, eh, ee, oh, oo", in hertz.
_VOWELS = ((730.0, 1090.0), (530.0, 1840.0), (270.0, 2290.0), (570.0, 840.0), (300.0, 870.0))

Samples = NDArray[np.float32]


def _unit(wave: NDArray[np.floating]) -> Samples:
    return (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)


@cache
def room_tone() -> Samples:
    """Return the hum and hiss of an empty hall, at unit root mean square."""
    generator = np.random.default_rng(rng.derive(0, "room tone"))
    num_samples = BANK_SECONDS * SAMPLE_RATE
    time = np.arange(num_samples) / SAMPLE_RATE
    hum = np.sin(2 * np.pi * 150.0 * time) + 0.6 * np.sin(2 * np.pi * 300.0 * time)
    return _unit(hum + 0.8 * band_noise(num_samples, 125.0, 900.0, generator))


@cache
def open_air() -> Samples:
    """Return wind in gusts and birds that chirp a few times a second."""
    generator = np.random.default_rng(rng.derive(0, "open air"))
    num_samples = BANK_SECONDS * SAMPLE_RATE
    time = np.arange(num_samples) / SAMPLE_RATE
    gusts = 1.0 + 0.6 * np.sin(2 * np.pi * 0.31 * time) * np.sin(2 * np.pi * 0.12 * time + 1.0)
    air = gusts * band_noise(num_samples, 60.0, 450.0, generator)
    for start in np.sort(
        generator.uniform(0, BANK_SECONDS - 0.2, BANK_SECONDS * _CHIRPS_PER_SECOND)
    ):
        chirp = _chirp(generator)
        first = int(start * SAMPLE_RATE)
        air[first : first + len(chirp)] += 2.2 * chirp
    return _unit(air)


def _chirp(generator: np.random.Generator) -> NDArray[np.float64]:
    """A tenth of a second of whistle that sweeps between 4 and 7 kHz."""
    seconds = generator.uniform(0.06, 0.14)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    first, last = generator.uniform(4200.0, 6900.0, 2)
    phase = 2 * np.pi * (first * time + (last - first) * time**2 / (2 * seconds))
    return np.sin(phase) * np.sin(np.pi * time / seconds) ** 2


@cache
def speech() -> NDArray[np.float32]:
    """Return seconds of babble by four speakers, at unit root mean square.

    Returns:
        ``[NUM_SYLLABLE_SECONDS, samples]``; a quarter of the rows belongs to each speaker.
    """
    generator = np.random.default_rng(rng.derive(0, "speech"))
    rows = []
    for row in range(NUM_SYLLABLE_SECONDS):
        speaker = row * 4 // NUM_SYLLABLE_SECONDS
        rows.append(_unit(_babble((95.0, 130.0, 180.0, 215.0)[speaker], generator)))
    return np.stack(rows)


def _babble(voice_hertz: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """One second of four to six syllables: a hiss, then a vowel on a falling pitch."""
    num_syllables = int(generator.integers(4, 7))
    length = SAMPLE_RATE // num_syllables
    wave = np.zeros(SAMPLE_RATE)
    for syllable in range(num_syllables):
        hiss_length = int(generator.uniform(0.15, 0.35) * length)
        hiss = band_noise(hiss_length, 2500.0, 7000.0, generator) * np.hanning(hiss_length)
        vowel_length = int(0.92 * length) - hiss_length
        vowel = _vowel(voice_hertz * generator.uniform(0.85, 1.2), vowel_length, generator)
        start = syllable * length
        wave[start : start + hiss_length] += 0.35 * hiss
        wave[start + hiss_length : start + hiss_length + vowel_length] += vowel
    return wave


def _vowel(pitch: float, num_samples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Harmonics of a falling pitch under two resonances that move from vowel to vowel."""
    time = np.arange(num_samples) / SAMPLE_RATE
    progress = np.linspace(0.0, 1.0, num_samples)
    phase = 2 * np.pi * np.cumsum(pitch * (1.1 - 0.25 * progress)) / SAMPLE_RATE
    begin, end = generator.choice(len(_VOWELS), 2)
    vowel = np.zeros_like(time)
    for harmonic in range(1, int(3500.0 / pitch)):
        strength = np.zeros_like(time)
        for first, last in zip(_VOWELS[begin], _VOWELS[end], strict=True):
            centre = first + (last - first) * progress
            strength += np.exp(-(((harmonic * pitch - centre) / 130.0) ** 2))
        vowel += (strength + 0.03) * np.sin(harmonic * phase)
    vowel *= np.hanning(num_samples) ** 0.5
    return vowel / np.sqrt(np.mean(vowel**2))
