"""How fast this machine is just now: a promise in seconds means the same on each machine."""

from __future__ import annotations

import time

# what `measured` gave on an idle core of the machine on which the budgets were set
REFERENCE_SECONDS = 0.45

_SIDE = 512
_PRODUCTS = 80
_WORDS = 400_000


def measured() -> float:
    """Return the processor seconds of a fixed piece of work, half interpreter, half arithmetic."""
    import numpy

    started = time.process_time()
    # objects all over the memory, as imports and figures make them, then a page's small networks
    words = {str(number * 7919 % _WORDS): [number] for number in range(_WORDS)}
    sorted(words)
    matrix = numpy.full((_SIDE, _SIDE), 1 / _SIDE, numpy.float32)
    product = matrix
    for _ in range(_PRODUCTS):
        product = product @ matrix
    return time.process_time() - started


def slowness(*seconds: float) -> float:
    """Return how many times slower than the reference machine this one was, from measurements.

    Args:
        seconds: what ``measured`` gave before and after the work that is to be judged.
    """
    return sum(seconds) / len(seconds) / REFERENCE_SECONDS
