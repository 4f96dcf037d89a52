from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

from avqa_core.bandstand import sound
from avqa_core.bandstand.scene import INSTRUMENTS, Source
from avqa_core.bandstand.sound import LOUD_RMS, RAMP_SAMPLES, TEMPI, add_source, render_sound, runs
from avqa_core.bandstand.timbres import NOTE_SAMPLES, TIMBRES, hertz, note_table, pitches
from avqa_core.media.log_mel import SAMPLE_RATE, log_mel
from tests.bandstand.hand_built import TRIO, segments, source


def alone(one: Source) -> np.ndarray:
    """One source in a dead silent world."""
    wave = np.zeros(10 * SAMPLE_RATE, np.float32)
    add_source(wave, one)
    return wave


def centroid(wave: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(wave)) ** 2
    return float((power * np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE)).sum() / power.sum())


def decibels(wave: np.ndarray) -> float:
    return 10 * float(np.log10(np.mean(wave**2)))


def test_every_instrument_has_a_timbre():
    assert tuple(TIMBRES) == INSTRUMENTS


def test_a_clip_is_ten_seconds_and_always_the_same():
    wave = render_sound(TRIO)
    assert wave.shape == (160_000,)
    assert wave.dtype == np.float32
    assert np.abs(wave).max() < 1.0
    assert np.array_equal(wave, render_sound(TRIO))
    assert not np.array_equal(wave, render_sound(replace(TRIO, seed=2)))


def test_what_is_seen_changes_no_sample():
    other = replace(TRIO, sections=(), backdrop="outdoor", captions=segments((0, 9)))
    assert np.array_equal(render_sound(TRIO), render_sound(other))


def test_a_source_sounds_in_its_segments_only_and_ends_without_a_click():
    wave = alone(source("violin", 2, 0, (1, 2), (6, 6))).reshape(10, SAMPLE_RATE)
    loud = np.abs(wave).max(axis=1) > 0.01
    assert loud.tolist() == list(segments((1, 2), (6, 6)))
    assert not np.abs(wave[[0, 3, 4, 5, 7, 8, 9]]).any()
    assert abs(wave[2, -1]) < 1e-6
    assert np.abs(wave[2, -RAMP_SAMPLES // 8 :]).max() < 0.2 * np.abs(wave[2]).max()


def test_runs_of_a_pattern():
    assert runs(segments((0, 1), (5, 5), (8, 9))) == [(0, 2), (5, 6), (8, 10)]
    assert runs(segments()) == []


def test_levels_are_six_decibels_apart():
    soft, medium, loud = (decibels(alone(source("flute", level, 1, (0, 9)))) for level in range(3))
    assert medium - soft == pytest.approx(6.0, abs=0.01)
    assert loud - medium == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_all_instruments_are_equally_loud(instrument):
    for rate in (0, 1):
        first = alone(source(instrument, 2, rate, (0, 9)))[: SAMPLE_RATE // 8]
        spectrum = np.abs(np.fft.rfft(first))
        assert np.sqrt(np.mean(first**2)) > 0.4 * LOUD_RMS
        assert np.sqrt(np.mean(first**2)) < 2.5 * LOUD_RMS
        assert np.isfinite(spectrum).all()


def test_fast_tunes_have_four_to_six_notes_a_second_and_slow_ones_one_to_one_and_a_half():
    for rate, (slowest, fastest) in enumerate(TEMPI):
        for melody in range(5):
            one = replace(source("xylophone", 2, rate, (0, 9)), melody=melody)
            envelope = np.abs(alone(one)).reshape(-1, 160).max(axis=1)
            # A stroke is where the envelope jumps to more than twice what it was.
            strokes = (envelope[1:] > 2.0 * envelope[:-1]) & (envelope[1:] > 0.08)
            separate = strokes & ~np.concatenate([[False] * 2, (strokes[:-2] | strokes[1:-1])])
            assert 10 * slowest - 2 <= separate.sum() <= 10 * fastest + 1, (rate, melody)


def test_the_note_table_lasts_until_the_next_note_of_the_slowest_tempo():
    for samples, (slowest, _) in zip(NOTE_SAMPLES, TEMPI, strict=True):
        assert samples >= SAMPLE_RATE / slowest


def test_a_scale_is_pentatonic():
    assert pitches(TIMBRES["clarinet"]) == (55, 57, 59, 62, 64, 67, 69, 71)
    assert hertz(69.0) == 440.0
    assert hertz(57.0) == pytest.approx(220.0)


def test_a_clarinet_has_odd_partials_and_its_fundamental():
    note = note_table("clarinet", 0)[0, 6]  # MIDI 69, 440 Hz
    spectrum = np.abs(np.fft.rfft(note))
    at = {n: spectrum[440 * n - 3 : 440 * n + 4].max() for n in range(1, 6)}
    assert at[2] < 0.1 * at[1]
    assert at[4] < 0.1 * at[3]
    assert at[3] > 0.5 * at[1]


def test_low_instruments_sound_lower_than_high_ones():
    order = ["electric_bass", "cello", "clarinet", "flute", "violin", "suona"]
    heights = [centroid(alone(source(name, 2, 0, (0, 9)))) for name in order]
    assert heights == sorted(heights)


def test_no_two_instruments_sound_alike():
    means = {}
    for name in INSTRUMENTS:
        patches = log_mel(torch.from_numpy(alone(source(name, 2, 1, (0, 4)))[: 5 * SAMPLE_RATE]))
        means[name] = torch.cat([patches.mean(dim=(0, 1)), patches.std(dim=(0, 1))]).numpy()
    for first, second in combinations(INSTRUMENTS, 2):
        distance = np.sqrt(np.mean((means[first] - means[second]) ** 2))
        assert distance > 0.25, (first, second, distance)


def test_a_speaker_is_heard_in_the_segments_of_the_voice():
    silent = replace(TRIO, sources=(), voice=segments((2, 3)))
    by_second = render_sound(silent).reshape(10, SAMPLE_RATE)
    loud = [decibels(second) > decibels(by_second[9]) + 6 for second in by_second]
    # Walls answer a little in the second after.
    assert loud == list(segments((2, 3)))


def test_outdoors_birds_sing_where_a_room_is_dark():
    power = {}
    for place in ("indoor", "outdoor"):
        wave = render_sound(replace(TRIO, sources=(), voice=segments(), ambience=place))
        spectrum = np.abs(np.fft.rfft(wave)) ** 2
        power[place] = spectrum[42_000:69_000].sum() / spectrum.sum()
    assert power["outdoor"] > 0.2
    assert power["indoor"] < 0.01


def test_a_harder_world_is_noisier():
    empty = replace(TRIO, sources=(), voice=segments())
    easy, hard = (decibels(render_sound(replace(empty, difficulty=d))) for d in (0.0, 1.0))
    quiet, loud = sound.AMBIENCE_RMS
    assert hard - easy == pytest.approx(20 * np.log10(loud / quiet), abs=0.1)


def test_four_loud_sources_and_a_speaker_rarely_reach_the_limit():
    at_limit = 0
    for start in range(0, 20, 4):
        sources = tuple(source(name, 2, 1, (0, 9)) for name in INSTRUMENTS[start : start + 4])
        wave = render_sound(replace(TRIO, sources=sources, voice=segments((0, 9))))
        at_limit += int((np.abs(wave) >= 1.0).sum())
    assert at_limit < 5 * 160_000 * 1e-4
