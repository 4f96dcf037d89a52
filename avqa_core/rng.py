"""One integer seed, many independent named streams of randomness.

Draws happen on the CPU and are moved afterwards, so that a CPU and a GPU see the same noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch


def derive(seed: int, *names: str | int) -> int:
    """Return a 63-bit seed that depends on ``seed`` and on every name, and on nothing else."""
    text = "\x1f".join([str(int(seed)), *map(str, names)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def named(seed: int, *names: str | int) -> torch.Generator:
    """Return a fresh CPU generator for one purpose, e.g. ``named(seed, "negatives", epoch)``."""
    return torch.Generator().manual_seed(derive(seed, *names))


def normal(
    *size: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Draw standard normal noise with a CPU generator and move it to ``device``."""
    drawn = torch.randn(*size, generator=generator, dtype=torch.float32)
    return drawn.to(device=device, dtype=dtype)


@contextmanager
def initialising(seed: int) -> Iterator[None]:
    """Draw every parameter created inside the block from ``seed``, leaving the global state alone.

    The same block serves dropout inside torch's own layers, which takes no generator: the trainer
    enters it once a step with a seed made of (seed, step, rank), so that resume stays exact.
    """
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


RowKey = int | tuple[int, ...]


class RowStreams:
    """One stream of randomness per row, each a function of (one seed, key of the row).

    A row draws the same numbers whatever else is in its batch, in whichever order, and on however
    many processes, as long as ``generator`` is in the same state. The noise of the diffusion
    process and of the ``noise`` completer comes from here.
    """

    def __init__(self, keys: Sequence[RowKey], *, generator: torch.Generator) -> None:
        seed = int(torch.randint(2**62, (), generator=generator, device="cpu"))
        self._streams = [named(seed, *(key if isinstance(key, tuple) else (key,))) for key in keys]

    def __len__(self) -> int:
        return len(self._streams)

    def normal(
        self,
        *size: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> torch.Tensor:
        """Draw standard normal noise of shape [rows, *size]."""
        drawn = torch.empty(len(self), *size, dtype=torch.float32, device="cpu")
        for row, stream in zip(drawn, self._streams, strict=True):
            row.normal_(generator=stream)
        return drawn.to(device=device, dtype=dtype)

    def integers(self, low: int, high: int, device: torch.device | str = "cpu") -> torch.Tensor:
        """Draw one integer per row from ``low`` to ``high``, both included."""
        drawn = torch.empty(len(self), dtype=torch.int64, device="cpu")
        for row, stream in zip(drawn, self._streams, strict=True):
            row.random_(low, high + 1, generator=stream)
        return drawn.to(device)


def row_keys(extras: Mapping[str, torch.Tensor], num_rows: int) -> list[int]:
    """Return what names the rows of a batch: its question ids, or else their positions."""
    if "question_id" in extras:
        return [int(key) for key in extras["question_id"].tolist()]
    return list(range(num_rows))
