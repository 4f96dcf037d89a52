"""Memory for large batches that is used again as soon as nobody holds it.

The system gives memory beyond 32 MB anew each time, page by page, which takes several times as long
as what is then written into it.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

# Above this many bytes glibc maps an array anew whatever was freed before (M_MMAP_THRESHOLD).
LARGE_BYTES = 32 * 2**20
MOST_IDLE = 2  # a batch has at most two large arrays, its pictures and those of other clips


class Lender:
    """Lends out memory; what was lent comes back when the last tensor that shares it is gone."""

    def __init__(self) -> None:
        self._idle: deque[np.ndarray] = deque(maxlen=MOST_IDLE)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process has a use for the lender, not for the memory of this one.
        return Lender, ()

    def empty(self, shape: tuple[int, ...]) -> Float[Tensor, "*shape"]:
        """Return a float32 tensor of ``shape`` with whatever its memory holds."""
        size = math.prod(shape)
        if size * torch.float32.itemsize <= LARGE_BYTES:
            return torch.empty(shape)
        block = self._take(size)
        # Only the tensor holds ``lent``, so it dies with the last tensor that shares the memory.
        lent = block.reshape(shape)
        weakref.finalize(lent, self._idle.append, block).atexit = False
        return torch.from_numpy(lent)

    def _take(self, size: int) -> np.ndarray:
        """Return an idle block of ``size``, or a new one."""
        for _ in range(len(self._idle)):
            try:
                block = self._idle.popleft()
            except IndexError:  # another thread was first
                break
            if block.size == size:
                return block
            self._idle.append(block)
        return torch.empty(size).numpy()  # aligned as torch aligns
