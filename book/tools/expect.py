"""Store the numbers that a chapter showed, so that later runs are compared with them."""

from __future__ import annotations

import json
from pathlib import Path

from book.tools import cells, gate_notebook
from book.tools.layout import BookError, Layout


def store(layout: Layout, chapter: str, profile: str, tolerance: float) -> Path:
    """Write the numbers that ``chapter`` glued, each with a tolerance relative to its size.

    Raises:
        BookError: the chapter has not been executed, or glued no number.
    """
    executed = layout.executed(profile) / f"{chapter}.ipynb"
    values = gate_notebook.glued(cells.read(executed)) if executed.is_file() else {}
    numbers = {name: value for name, value in values.items() if isinstance(value, float)}
    if not numbers:
        raise BookError(
            f"expected glued numbers in {executed}, got none: run the chapter first, "
            "or glue what it finds"
        )
    path = layout.expected(chapter, profile)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "made_by": dict(cells.read(executed).metadata["avqa"]),
        "values": {
            name: {"value": value, "tolerance": abs(value) * tolerance}
            for name, value in sorted(numbers.items())
        },
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path
