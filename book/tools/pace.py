"""How fast this machine is just now: a promise in seconds means the same on each machine."""

from __future__ import annotations

import time

# what `measured` gave on an idle core of the machine on which the budgets were set
REFERENCE_SECONDS = 0.33

_SIDE = 512
_TURNS = 100
_WORDS = 400_000


def measured() -> float:
    """Return the processor seconds of a fixed piece of work, half interpreter, half arithmetic."""
    import numpy

    started = time.process_time()
    # objects all over the memory, as imports and figures make them, then a page's small networks
    words = {str(number * 7919 % _WORDS): [number] for number in range(_WORDS)}
    sorted(words)
    # one element after the other, since a product would be shared among threads and count them all
    values = numpy.linspace(-1, 1, _SIDE * _SIDE, dtype=numpy.float32)
    for _ in range(_TURNS):
        values = numpy.tanh(values + 0.5)
    return time.process_time() - started


def slowness(*seconds: float) -> float:
    """Return how many times slower than the reference machine this one was, from measurements.

    Args:
        seconds: what ``measured`` gave before and after the work that is to be judged.
    """
    return sum(seconds) / len(seconds) / REFERENCE_SECONDS
