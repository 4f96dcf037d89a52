"""The notebook that a page offers for download: what plain Jupyter and Colab can show.

They know neither MyST directives nor roles, so boxes become quotes and roles become text.
"""

from __future__ import annotations

import re
from pathlib import Path

from book.tools import cells, pairing
from book.tools.layout import Layout

_FENCE = re.compile(
    r"^(?P<fence>:{3,}|`{3,})\{(?P<name>[\w-]+)\}[ \t]*(?P<title>[^\n]*)\n"
    # the innermost box first: a body in which no other box begins
    r"(?P<body>(?:(?!^(?::{3,}|`{3,})\{).)*?)^(?P=fence)[ \t]*$",
    re.S | re.M,
)
_ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}`(?P<text>[^`]+)`")
_OPTION = re.compile(r"^:[\w-]+:.*\n?", re.M)
_TARGET = re.compile(r"^\([\w:-]+\)=\n", re.M)
# blocks that only mark where an exercise's solution begins and ends
_MARKERS = {"solution-start": "Solution", "solution-end": "", "exercise-end": ""}


def replace_sources(layout: Layout, html: Path) -> None:
    """Write the readable form over each notebook that the theme offers for download."""
    for script in layout.chapters():
        offered = html / "_sources" / "notebooks" / f"{script.stem}.ipynb"
        if offered.is_file():
            notebook = cells.from_script(script)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = plain(cell.source)
            notebook.metadata["jupytext"] = {"formats": pairing.config(layout)["formats"]}
            cells.write(notebook, offered)


def plain(source: str) -> str:
    """Return MyST as Markdown that any viewer shows."""
    before = None
    while before != source:
        before, source = source, _FENCE.sub(_quote, source)
    source = _TARGET.sub("", source)
    return _ROLE.sub(_words, source)


def _quote(match: re.Match[str]) -> str:
    name, title = match["name"], match["title"].strip()
    body = _OPTION.sub("", match["body"]).strip()
    if name == "math":
        return f"$$\n{body}\n$$"
    if name in _MARKERS:
        return f"**{_MARKERS[name]}**" if _MARKERS[name] else ""
    head = title if name in ("admonition", "dropdown", "card") else f"{name} {title}"
    lines = [f"**{head.strip().capitalize() if not title else head.strip()}**", "", body]
    return "\n".join(f"> {line}".rstrip() for line in "\n".join(lines).splitlines())


def _words(match: re.Match[str]) -> str:
    name, text = match["name"], match["text"]
    shown = re.match(r"(.*?)\s*<[^>]+>$", text)
    if name == "math":
        return f"${text}$"
    if name.startswith("glue"):
        return f"({text.split('::')[-1].split(':')[0]}: run the cells)"
    if name.startswith("cite"):
        return f"[{text}]"
    if name in ("numref", "eq", "ref"):
        return shown[1] if shown else f"({text})"
    return shown[1] if shown else text
