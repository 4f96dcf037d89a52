"""Bits turned over, anywhere in a file."""

from __future__ import annotations

from hypothesis import strategies as st

flips = st.tuples(st.integers(0, 2**31), st.integers(0, 7))


def flipped(content: bytes, flip: tuple[int, int]) -> tuple[bytes, int]:
    """Return ``content`` with one bit turned over, and at which byte."""
    place = flip[0] % len(content)
    changed = bytearray(content)
    changed[place] ^= 1 << flip[1]
    return bytes(changed), place
