"""Whether processes are there, which several test files want to know."""

from __future__ import annotations

import os
from pathlib import Path


def is_alive(process: int) -> bool:
    """Tell whether a process runs; one that ended and that nobody asked about does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
