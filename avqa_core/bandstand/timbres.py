"""How each of the 22 instruments sounds: a table of timbres and the notes made from it.

A note is a sum of partials (frequency, strength, decay), shaped by an envelope, with vibrato,
tremolo, breath or strike noise. Register, spectrum, envelope and modulation are spread so that no
two instruments share all four: what a listener uses to tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from avqa_core import rng
from avqa_core.media.log_mel import SAMPLE_RATE

NUM_PITCHES = 8
NUM_TAKES = 2
# A table row is long enough for the slowest tempo of its kind.
NOTE_SAMPLES = (SAMPLE_RATE, SAMPLE_RATE // 4)
_LOUDNESS_SAMPLES = SAMPLE_RATE // 4
_PENTATONIC = (0, 2, 4, 7, 9)
_AUDIBLE_HERTZ = (125.0, 7_500.0)

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timbre:
    """What makes an instrument sound like itself.

    Attributes:
        lowest: MIDI number of the lowest of its eight pentatonic pitches.
        strengths: strength of partial 1, 2, ...; empty means ``slope`` alone.
        slope: exponent of the fall of the partials, n ** -slope.
        ratios: frequencies of the partials over the fundamental; empty means harmonic.
        formants: resonances as (hertz, width in octaves, gain in dB).
        attack: seconds until full strength.
        decay: seconds until 1/e, or None for a sustained tone; high partials die sooner.
        vibrato: (hertz, cents).
        tremolo: (hertz, depth in 0..1).
        detune: a second voice this many cents away, which beats.
        chord: further semitones sounding with the note, ``strum`` seconds apart.
        repeat: plucks a second within one note (the roll of the pipa), 0 for none.
        glide: semitones from which the pitch slides into place.
        noise: (strength, lowest hertz, highest hertz, decay seconds or None for breath).
        drone: MIDI numbers that sound on under every note.
    """

    lowest: int
    strengths: tuple[float, ...] = ()
    slope: float = 1.0
    ratios: tuple[float, ...] = ()
    formants: tuple[tuple[float, float, float], ...] = ()
    attack: float = 0.02
    decay: float | None = None
    vibrato: tuple[float, float] = (0.0, 0.0)
    tremolo: tuple[float, float] = (0.0, 0.0)
    detune: float = 0.0
    chord: tuple[int, ...] = ()
    strum: float = 0.0
    repeat: float = 0.0
    glide: float = 0.0
    noise: tuple[tuple[float, float, float, float | None], ...] = ()
    drone: tuple[int, ...] = ()


TIMBRES: dict[str, Timbre] = {
    "accordion": Timbre(
        lowest=57, slope=0.7, detune=22.0, chord=(12,), attack=0.05,
        formants=((900.0, 1.2, 6.0),),
    ),
    "acoustic_guitar": Timbre(
        lowest=50, slope=1.3, decay=0.55, attack=0.003,
        formants=((110.0, 0.8, 6.0), (220.0, 0.6, 6.0)), noise=((0.4, 1500.0, 4000.0, 0.012),),
    ),
    "bagpipe": Timbre(
        lowest=69, strengths=(0.4, 0.6, 1.0, 0.9, 0.8, 0.5, 0.4, 0.2), attack=0.01,
        drone=(45, 57, 64),
    ),
    "banjo": Timbre(
        lowest=62, slope=0.35, decay=0.09, attack=0.001,
        formants=((2800.0, 0.7, 12.0),), noise=((0.8, 2000.0, 6000.0, 0.015),),
    ),
    "bassoon": Timbre(
        lowest=38, slope=0.5, attack=0.04, vibrato=(4.0, 8.0),
        formants=((480.0, 0.45, 20.0), (1150.0, 0.4, 6.0)),
    ),
    "cello": Timbre(
        lowest=43, slope=0.9, attack=0.09, vibrato=(5.0, 30.0),
        formants=((230.0, 0.6, 6.0), (1700.0, 0.8, 4.0)), noise=((0.06, 800.0, 5000.0, None),),
    ),
    "clarinet": Timbre(
        lowest=55, strengths=(1.0, 0.01, 0.75, 0.01, 0.5, 0.02, 0.22, 0.02, 0.12), attack=0.035,
    ),
    "congas": Timbre(
        lowest=52, ratios=(1.0, 1.59, 2.14, 2.65), strengths=(1.0, 0.5, 0.3, 0.15), decay=0.09,
        attack=0.001, glide=3.0, noise=((0.5, 700.0, 2200.0, 0.02),),
    ),
    "drum": Timbre(
        lowest=36, ratios=(1.0, 1.6), strengths=(0.6, 0.25), decay=0.07, attack=0.001, glide=7.0,
        noise=((1.1, 300.0, 7500.0, 0.06), (0.5, 5500.0, 7800.0, 0.16)),
    ),
    "electric_bass": Timbre(
        lowest=36, strengths=(1.0, 0.9, 0.5, 0.2, 0.06), decay=0.7, attack=0.006,
        noise=((0.2, 500.0, 1200.0, 0.01),),
    ),
    "erhu": Timbre(
        lowest=65, slope=0.8, attack=0.07, vibrato=(6.5, 70.0), glide=-2.0,
        formants=((750.0, 0.4, 8.0), (1500.0, 0.4, 10.0)), noise=((0.05, 2500.0, 6000.0, None),),
    ),
    "flute": Timbre(
        lowest=77, strengths=(1.0, 0.12, 0.03), attack=0.06, vibrato=(5.0, 12.0),
        tremolo=(5.0, 0.35), noise=((0.22, 1500.0, 6500.0, None),),
    ),
    "guzheng": Timbre(
        lowest=60, slope=0.8, decay=0.35, attack=0.002, chord=(-12, -5, 0, 7, 12), strum=0.028,
        vibrato=(7.0, 35.0), formants=((1900.0, 0.8, 6.0),),
    ),
    "piano": Timbre(
        lowest=55, slope=1.15, ratios=tuple(n * (1 + 0.0009 * n * n) ** 0.5 for n in range(1, 13)),
        decay=0.45, attack=0.002, chord=(4, 7, 12), noise=((0.35, 150.0, 600.0, 0.02),),
    ),
    "pipa": Timbre(
        lowest=67, slope=0.6, decay=0.05, attack=0.001, repeat=15.0,
        formants=((2000.0, 0.6, 6.0),), noise=((0.6, 3000.0, 7000.0, 0.008),),
    ),
    "saxophone": Timbre(
        lowest=49, slope=0.45, attack=0.03, vibrato=(5.2, 25.0), tremolo=(28.0, 0.35),
        formants=((700.0, 0.5, 8.0), (1900.0, 0.5, 6.0)), noise=((0.14, 1000.0, 5000.0, None),),
    ),
    "suona": Timbre(
        lowest=72, slope=0.1, attack=0.015, vibrato=(7.5, 25.0), glide=-1.0,
        formants=((3300.0, 0.45, 14.0),),
    ),
    "trumpet": Timbre(
        lowest=60, slope=0.25, attack=0.06, formants=((1250.0, 0.6, 12.0),),
        noise=((0.15, 900.0, 3000.0, 0.03),),
    ),
    "tuba": Timbre(
        lowest=31, slope=0.9, attack=0.08, formants=((240.0, 0.7, 12.0),),
        noise=((0.05, 200.0, 600.0, 0.05),),
    ),
    "ukulele": Timbre(
        lowest=67, slope=1.8, decay=0.16, attack=0.003, chord=(4, 9, 5), strum=0.018,
        formants=((520.0, 0.5, 6.0),),
    ),
    "violin": Timbre(
        lowest=76, slope=0.75, attack=0.05, vibrato=(6.0, 35.0),
        formants=((2600.0, 0.7, 6.0),), noise=((0.06, 3500.0, 7500.0, None),),
    ),
    "xylophone": Timbre(
        lowest=84, ratios=(1.0, 3.0, 6.2), strengths=(1.0, 0.35, 0.12), decay=0.07, attack=0.0005,
        noise=((0.5, 2500.0, 6000.0, 0.006),),
    ),
}  # fmt: skip


def pitches(timbre: Timbre) -> tuple[int, ...]:
    """Return the eight MIDI numbers an instrument plays, a pentatonic scale from its lowest."""
    return tuple(
        timbre.lowest + 12 * (step // len(_PENTATONIC)) + _PENTATONIC[step % len(_PENTATONIC)]
        for step in range(NUM_PITCHES)
    )


def hertz(midi: float) -> float:
    """Return the frequency of a MIDI number, A4 = 69 = 440 Hz."""
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


@cache
def note_table(instrument: str, rate: int) -> NDArray[np.float32]:
    """Return every note an instrument can play at one rate, at unit loudness.

    Args:
        instrument: one of the 22 names.
        rate: 0 slow (rows of one second), 1 fast (rows of a quarter).

    Returns:
        ``[NUM_TAKES, NUM_PITCHES, samples]``; takes differ in phases and noise.
    """
    timbre = TIMBRES[instrument]
    num_samples = NOTE_SAMPLES[rate]
    table = np.empty((NUM_TAKES, NUM_PITCHES, num_samples), np.float32)
    for take in range(NUM_TAKES):
        for index, midi in enumerate(pitches(timbre)):
            generator = np.random.default_rng(rng.derive(take, "note", instrument, midi))
            note = _note(timbre, midi, num_samples, generator)
            table[take, index] = note / _loudness(note)
    return table


def band_noise(
    num_samples: int, lowest: float, highest: float, generator: np.random.Generator
) -> Samples:
    """Return white noise kept between two frequencies, at unit root mean square."""
    spectrum = np.fft.rfft(generator.standard_normal(num_samples))
    frequency = np.fft.rfftfreq(num_samples, 1 / SAMPLE_RATE)
    spectrum[(frequency < lowest) | (frequency > highest)] = 0.0
    noise = np.fft.irfft(spectrum, num_samples)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def _loudness(note: Samples) -> float:
    """Root mean square of the first quarter second, of what the front end can hear."""
    start = note[:_LOUDNESS_SAMPLES]
    spectrum = np.abs(np.fft.rfft(start)) ** 2
    frequency = np.fft.rfftfreq(len(start), 1 / SAMPLE_RATE)
    heard = spectrum[(frequency >= _AUDIBLE_HERTZ[0]) & (frequency <= _AUDIBLE_HERTZ[1])]
    return float(np.sqrt(2.0 * heard.sum()) / len(start))


def _note(timbre: Timbre, midi: int, num_samples: int, generator: np.random.Generator) -> Samples:
    time = np.arange(num_samples) / SAMPLE_RATE
    voices = (0, *timbre.chord)
    note = np.zeros(num_samples)
    for order, semitones in enumerate(voices):
        start = int(order * timbre.strum * SAMPLE_RATE)
        if start >= num_samples:
            continue
        for cents in (0.0, timbre.detune) if timbre.detune else (0.0,):
            frequency = hertz(midi + semitones + cents / 100.0)
            tone = _tone(timbre, frequency, time[: num_samples - start], generator)
            note[start:] += tone / len(voices)
    # Breath and strike are set against the tone, so that one number means the same everywhere.
    scale = np.sqrt(np.mean(note[:_LOUDNESS_SAMPLES] ** 2))
    for strength, lowest, highest, decay in timbre.noise:
        hiss = band_noise(num_samples, lowest, highest, generator)
        shape = 1.0 if decay is None else 3.0 * np.exp(-time / decay)
        note += strength * scale * hiss * shape
    for number in timbre.drone:
        note += (
            0.6
            * scale
            * _tone(Timbre(lowest=number, slope=0.6), hertz(float(number)), time, generator)
        )
    return note.astype(np.float32)


def _tone(
    timbre: Timbre, frequency: float, time: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.float64]:
    """One voice of a note: partials under an envelope, with vibrato, glide and tremolo."""
    vibrato_hertz, cents = timbre.vibrato
    bend = cents / 1200.0 * np.sin(2 * np.pi * vibrato_hertz * time) * np.minimum(time / 0.12, 1.0)
    bend += timbre.glide / 12.0 * np.exp(-time / 0.03)
    phase = 2 * np.pi * np.cumsum(frequency * 2.0**bend) / SAMPLE_RATE
    # A roll starts the envelope again at every pluck.
    since_pluck = time % (1.0 / timbre.repeat) if timbre.repeat else time
    tone = np.zeros_like(time)
    for ratio, strength in _partials(timbre, frequency):
        envelope = np.minimum(since_pluck / timbre.attack, 1.0)
        if timbre.decay is not None:
            envelope = envelope * np.exp(-since_pluck / timbre.decay * ratio**0.5)
        tone += strength * envelope * np.sin(ratio * phase + generator.uniform(0, 2 * np.pi))
    tremolo_hertz, depth = timbre.tremolo
    return tone * (1.0 - depth * 0.5 * (1.0 - np.cos(2 * np.pi * tremolo_hertz * time)))


def _partials(timbre: Timbre, frequency: float) -> list[tuple[float, float]]:
    """Ratio and strength of every partial below the highest audible frequency."""
    ratios = timbre.ratios or tuple(float(n) for n in range(1, 41))
    partials = []
    for index, ratio in enumerate(ratios):
        if ratio * frequency > _AUDIBLE_HERTZ[1]:
            break
        if timbre.strengths and index >= len(timbre.strengths):
            break
        strength = timbre.strengths[index] if timbre.strengths else ratio**-timbre.slope
        for centre, octaves, gain in timbre.formants:
            distance = np.log2(ratio * frequency / centre) / octaves
            strength *= 10.0 ** (gain / 20.0 * np.exp(-(distance**2)))
        partials.append((ratio, strength))
    return partials
