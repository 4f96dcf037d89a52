"""Store the numbers that a chapter showed, so that later runs are compared with them.

What a clock says is left out: it differs from run to run.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from avqa_core.training import runs
from book.tools import cells, gate_notebook
from book.tools.layout import BookError, Layout

# Numbers near zero may differ in their last digits, of which a share of their size says nothing.
LEAST_TOLERANCE = 0.01
_OF_A_CLOCK = re.compile(r"^wait_|_seconds$")


def store(layout: Layout, chapter: str, profile: str, tolerance: float) -> Path:
    """Write the numbers that ``chapter`` glued, each with a tolerance: a share of its size.

    Raises:
        BookError: the chapter has not been executed, or glued no number.
    """
    executed = layout.executed(profile) / f"{chapter}.ipynb"
    values = gate_notebook.glued(cells.read(executed)) if executed.is_file() else {}
    numbers = {
        name: value
        for name, value in values.items()
        if isinstance(value, float) and not _OF_A_CLOCK.search(name)
    }
    if endless := [name for name, value in numbers.items() if not math.isfinite(value)]:
        raise BookError(
            f"{executed}: expected finite numbers, got others for {endless}: find out why"
        )
    if not numbers:
        raise BookError(
            f"expected glued numbers in {executed}, got none: run the chapter first, "
            "or glue what it finds"
        )
    path = layout.expected(chapter, profile)
    content = {
        "made_by": dict(cells.read(executed).metadata["avqa"]),
        "values": {
            name: {"value": value, "tolerance": max(abs(value) * tolerance, LEAST_TOLERANCE)}
            for name, value in sorted(numbers.items())
        },
    }
    runs.replace_text(path, json.dumps(content, indent=2) + "\n")
    return path
