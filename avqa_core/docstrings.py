"""What a part or a contract says about itself, for tables."""

from __future__ import annotations


def summary(documented: object) -> str:
    """Return the first line of its own docstring, as words: without the marks of code."""
    lines = (documented.__doc__ or "").strip().splitlines()
    return lines[0].replace("``", "") if lines else ""
