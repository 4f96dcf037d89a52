"""Text from files of others, made fit for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return ``text`` with everything that does not print as an escape.

    File names and JSON may hold line breaks, control sequences of terminals and halves of
    surrogate pairs, which no output stream encodes.
    """
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
