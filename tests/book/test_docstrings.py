"""Docstrings are plain text: stray signs are no markup, marked code stays as it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "book" / "_ext" / "plain_docstrings.py"
specification = importlib.util.spec_from_file_location("plain_docstrings", PATH)
assert specification is not None
assert specification.loader is not None
plain_docstrings = importlib.util.module_from_spec(specification)
specification.loader.exec_module(plain_docstrings)


@pytest.mark.parametrize(
    ("line", "escaped"),
    [
        ("Draw *size numbers.", r"Draw \*size numbers."),
        ("Weights |A| of x_{k-1}.", r"Weights \|A\| of x\_{k-1}."),
        ("Use ``*args`` and ``x_``.", "Use ``*args`` and ``x_``."),
        (":class:`Some_Name_` of num_seeds", ":class:`Some_Name_` of num_seeds"),
    ],
)
def test_stray_signs_are_escaped(line: str, escaped: str) -> None:
    assert plain_docstrings.escape(line) == escaped
