"""Waveform -> log-mel patches, one patch of 96 x 64 for each second: the VGGish front end.

MUSIC-AVQA's audio features start from exactly this picture of the sound: magnitude spectra of
25 ms periodic Hann windows every 10 ms, 64 HTK mel bands from 125 to 7500 Hz, log(mel + 0.01).
Every second is analysed by itself, so that no sound leaks from one segment into the next.
"""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from avqa_core.errors import FeatureError

SAMPLE_RATE = 16_000
WINDOW_SAMPLES = 400
HOP_SAMPLES = 160
FFT_SIZE = 512
NUM_FRAMES = 96
NUM_BANDS = 64
LOWEST_HERTZ = 125.0
HIGHEST_HERTZ = 7_500.0
LOG_OFFSET = 0.01


def hertz_to_mel(hertz: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return HTK mels: 1127 ln(1 + f / 700)."""
    return 1127.0 * torch.log1p(hertz / 700.0)


def mel_filters() -> Float[Tensor, "F M"]:
    """Return the weight of each FFT bin in each mel band, triangles that are straight in mels.

    Returns:
        ``[257, 64]``; the row of 0 Hz is zero, as in the original recipe.
    """
    bins = hertz_to_mel(torch.linspace(0.0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1).double())
    lowest, highest = hertz_to_mel(torch.tensor([LOWEST_HERTZ, HIGHEST_HERTZ]).double())
    edges = torch.linspace(float(lowest), float(highest), NUM_BANDS + 2).double()
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - lower) / (centre - lower)
    falling = (upper - bins[:, None]) / (upper - centre)
    weights = torch.minimum(rising, falling).clamp(min=0.0)
    weights[0] = 0.0
    return weights.float()


@cache
def _constants(device: torch.device) -> tuple[Tensor, Tensor]:
    """Window and mel filters on a device; building them costs more than one clip."""
    window = torch.hann_window(WINDOW_SAMPLES, periodic=True, device=device)
    return window, mel_filters().to(device)


def log_mel(waveform: Float[Tensor, "*clips samples"]) -> Float[Tensor, "*clips T 96 64"]:
    """Return one log-mel patch for each whole second of a 16 kHz waveform in [-1, 1].

    Raises:
        FeatureError: the waveform is shorter than one second.
    """
    num_seconds = waveform.shape[-1] // SAMPLE_RATE
    if num_seconds == 0:
        raise FeatureError(
            f"expected a waveform of at least {SAMPLE_RATE} samples (one second at 16 kHz), got "
            f"{waveform.shape[-1]}: resample it, or pad it with silence"
        )
    window, filters = _constants(waveform.device)
    seconds = waveform[..., : num_seconds * SAMPLE_RATE].unflatten(-1, (num_seconds, SAMPLE_RATE))
    frames = seconds.float().unfold(-1, WINDOW_SAMPLES, HOP_SAMPLES)[..., :NUM_FRAMES, :]
    magnitude = torch.fft.rfft(frames * window, n=FFT_SIZE).abs()
    return torch.log(magnitude @ filters + LOG_OFFSET)
