import math

import numpy as np
import pytest
import torch

from avqa_core.errors import FeatureError
from avqa_core.media.log_mel import SAMPLE_RATE, hertz_to_mel, log_mel, mel_filters

SILENCE = math.log(0.01)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def slow_reference(second: np.ndarray, frame: int) -> np.ndarray:
    """The recipe once more, in double precision and plain sums over samples, bins and bands."""
    samples = second[160 * frame : 160 * frame + 400]
    n = np.arange(400)
    windowed = samples * (0.5 - 0.5 * np.cos(2 * np.pi * n / 400))
    angle = 2 * np.pi * np.outer(np.arange(257), n) / 512
    magnitude = np.hypot(np.cos(angle) @ windowed, np.sin(angle) @ windowed)
    low, high = 1127 * math.log(1 + 125 / 700), 1127 * math.log(1 + 7500 / 700)
    edges = [low + (high - low) * step / 65 for step in range(66)]
    bands = []
    for lower, centre, upper in zip(edges, edges[1:], edges[2:], strict=False):
        total = 0.0
        for index in range(1, 257):
            mel = 1127 * math.log(1 + index * 16000 / 512 / 700)
            if lower < mel <= centre:
                total += magnitude[index] * (mel - lower) / (centre - lower)
            elif centre < mel < upper:
                total += magnitude[index] * (upper - mel) / (upper - centre)
        bands.append(math.log(total + 0.01))
    return np.array(bands)


def test_mels_worked_out_by_hand():
    # 1127 ln 2 at 700 Hz; 1127 ln(17/7) at 1000 Hz.
    mels = hertz_to_mel(torch.tensor([0.0, 700.0, 1000.0]))
    assert mels.tolist() == pytest.approx([0.0, 781.177, 999.991], abs=1e-2)


def test_every_band_hears_something_and_none_hears_zero_hertz():
    filters = mel_filters()
    assert filters.shape == (257, 64)
    assert bool((filters.sum(dim=0) > 0).all())
    assert filters[0].abs().sum() == 0
    assert filters.max() <= 1.0
    # Above 7500 Hz, bin 240, nothing is heard.
    assert filters[240:].abs().sum() == 0


def test_agrees_with_plain_sums_in_double_precision():
    second = noise(SAMPLE_RATE)
    patch = log_mel(second)[0]
    for frame in (0, 41, 95):
        expected = slow_reference(second.double().numpy(), frame)
        assert patch[frame].numpy() == pytest.approx(expected, abs=2e-4)


def test_silence_is_the_log_of_the_offset():
    patch = log_mel(torch.zeros(2 * SAMPLE_RATE))
    assert patch.shape == (2, 96, 64)
    assert patch.numpy() == pytest.approx(SILENCE, abs=1e-6)


def test_a_tone_of_1000_hertz_is_in_band_19():
    # Band k is centred on 185.17 + 39.82 (k + 1) mels; 999.99 mels lie at k + 1 = 20.46.
    time = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    patch = log_mel(0.1 * torch.sin(2 * math.pi * 1000.0 * time))[0]
    assert set(patch.argmax(dim=1).tolist()) == {19}


def test_a_second_depends_on_its_own_samples_only():
    wave = noise(3 * SAMPLE_RATE)
    other = wave.clone()
    other[SAMPLE_RATE : 2 * SAMPLE_RATE] = 0.0
    before, after = log_mel(wave), log_mel(other)
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.allclose(before[1], after[1])


def test_only_96_frames_of_a_second_count():
    # Frame 95 ends with sample 95 * 160 + 400 = 15600.
    wave = noise(SAMPLE_RATE)
    other = wave.clone()
    other[15_600:] = 1.0
    assert torch.equal(log_mel(wave), log_mel(other))
    other[15_599] = 1.0
    assert torch.equal(log_mel(wave)[:, :95], log_mel(other)[:, :95])


def test_batches_are_clips_side_by_side_and_an_unfinished_second_is_left_out():
    waves = noise(2, 3, 2 * SAMPLE_RATE + 777)
    patches = log_mel(waves)
    assert patches.shape == (2, 3, 2, 96, 64)
    assert torch.allclose(patches[1, 2], log_mel(waves[1, 2]), atol=1e-6)


def test_less_than_a_second_is_an_error_that_says_so():
    with pytest.raises(FeatureError, match=r"at least 16000 samples.*got 15999.*pad it"):
        log_mel(torch.zeros(15_999))
