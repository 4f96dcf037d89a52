"""One step at a time below ``build``: two would write the same pages."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from book.tools.layout import Layout


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Let one process at a time into the block; a second one says that it waits.

    The system drops the lock of a process that was killed.
    """
    layout.build.mkdir(parents=True, exist_ok=True)
    with (layout.build / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting: another process builds the book of this checkout", flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
