"""Let docstrings be plain text: a stray star or underscore in one is no markup.

Docstrings of the package mark code with double backquotes and nothing else, so that every other
sign that reStructuredText would read as markup is meant as it stands.
"""

from __future__ import annotations

import re
from typing import Any

_LITERAL = re.compile(r"(``.*?``|:\w+:`[^`]*`)")
_MARKUP = re.compile(r"(\*|\||(?<=\w)_(?!\w))")


def escape(line: str) -> str:
    """Return ``line`` with stray markup signs escaped, except inside literals and roles."""
    parts = _LITERAL.split(line)
    return "".join(
        part if number % 2 else _MARKUP.sub(r"\\\1", part) for number, part in enumerate(parts)
    )


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [escape(line) for line in lines]


def setup(app: Any) -> dict[str, Any]:
    """Connect to autodoc, before napoleon turns sections into fields."""
    app.connect("autodoc-process-docstring", _process, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
