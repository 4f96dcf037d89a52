"""What a profile gives to a chapter, compared with what the chapter declares.

Papermill itself only logs a warning at an unknown name or a missing ``parameters`` tag and carries
on with the defaults; here either stops the run.
"""

from __future__ import annotations

import difflib
import logging
from pathlib import Path
from typing import Any

import papermill

from avqa_core import profiles
from book.tools import cells
from book.tools.layout import BookError


def of_profile(chapter: str, profile: str) -> dict[str, Any]:
    """Return the values that papermill injects: the shared ones and the chapter's own."""
    table = profiles.shared(profile) | profiles.own(chapter, profile)
    return {name: value for name, value in table.items() if value is not None}


def declared(notebook: Path) -> dict[str, Any]:
    """Return names and defaults of the one cell tagged ``parameters``.

    Raises:
        BookError: there is no such cell, or more than one.
    """
    count = len(cells.tagged(cells.read(notebook), cells.PARAMETERS))
    if count != 1:
        raise BookError(
            f"{notebook.name}: expected one cell tagged 'parameters', got {count}: "
            'begin it with # %% tags=["parameters"]'
        )
    logging.getLogger("papermill").setLevel(logging.ERROR)
    found = papermill.inspect_notebook(str(notebook))
    return {name: entry["default"] for name, entry in found.items()}


def check(notebook: Path, given: dict[str, Any]) -> None:
    """Stop at a name that the chapter does not declare.

    Raises:
        BookError: names it, the page, and the closest declared one.
    """
    known = declared(notebook)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise BookError(
                f"{notebook.stem}: expected one of the parameters {', '.join(known)}; "
                f"got {name!r}{hint}"
            )


def problems(notebook: Path) -> list[str]:
    """Compare the declared names with the shared ones and with every profile's table."""
    chapter = notebook.stem
    known = set(declared(notebook))
    missing = set(profiles.SHARED) - known
    found = [f"{chapter}: parameter {name!r} is not declared: add it" for name in sorted(missing)]
    for profile in profiles.PROFILES:
        table = set(profiles.own(chapter, profile)) | set(profiles.SHARED)
        found += [
            f"{chapter}: profile {profile} and the parameters cell differ in {name!r}: "
            f"declare it in both, or in neither"
            for name in sorted(table ^ (known | set(profiles.SHARED)))
        ]
    return found
