"""What a processor cannot do by itself, and the way around it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import nn


@cache
def has_bfloat16_lstm() -> bool:
    """Tell whether oneDNN has an LSTM in bfloat16 here; without AVX-512 it says it has not."""
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        try:
            nn.LSTM(2, 2, device="cpu")(torch.zeros(1, 1, 2))
        except RuntimeError:
            return False
    return True


@contextmanager
def bfloat16_anywhere() -> Iterator[None]:
    """Let bfloat16 run on every processor for the length of the block.

    Where oneDNN has no LSTM in bfloat16, torch's own kernels take over: slower, the same formula.
    """
    if has_bfloat16_lstm():
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the switch warns about processors that nobody asked for
        with torch.backends.mkldnn.flags(enabled=False):
            yield
