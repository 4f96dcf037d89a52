"""Reading and writing notebooks, and the few things every step asks about their cells."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode

from avqa_core.training import runs
from book.tools.layout import BookError

PARAMETERS = "parameters"
INJECTED = "injected-parameters"


def read(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises:
        BookError: it is no notebook of format 4.
    """
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError, nbformat.reader.NotJSONError) as error:
        raise BookError(
            f"expected a notebook at {path}, got {type(error).__name__}: run 'make pair'"
        ) from error


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook so that a reader never sees half of it."""
    runs.replace_text(path, text(notebook))


def text(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    return nbformat.writes(notebook) + "\n"


def from_script(script: Path) -> NotebookNode:
    """Convert a py:percent script, with cell ids that follow from the content alone."""
    try:
        notebook = jupytext.reads(script.read_text(), fmt="py:percent")
    except yaml.YAMLError as error:
        raise BookError(f"{script.name}: expected YAML as its header, got {error}") from error
    if "kernelspec" not in notebook.metadata:
        raise BookError(
            f"{script.name}: expected a kernelspec in the header, got none: papermill needs it, "
            "copy the header of another chapter"
        )
    notebook.metadata.pop("jupytext", None)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    identify(notebook)
    return notebook


def to_script(notebook: NotebookNode, config: dict[str, Any]) -> str:
    """Convert a notebook to py:percent under the filters of ``jupytext.toml``."""
    copy = nbformat.from_dict(notebook)
    copy.metadata = NotebookNode({"kernelspec": notebook.metadata.get("kernelspec", {})})
    copy.metadata["jupytext"] = {
        "notebook_metadata_filter": config["notebook_metadata_filter"],
        "cell_metadata_filter": config["cell_metadata_filter"],
    }
    return jupytext.writes(copy, fmt="py:percent")


def identify(notebook: NotebookNode) -> None:
    """Give each cell an id made of its source and of how often that source came before."""
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        key = f"{cell.cell_type}\x1f{cell.source}"
        cell.id = hashlib.sha256(f"{key}\x1f{seen[key]}".encode()).hexdigest()[:12]
        seen[key] += 1


def tags(cell: NotebookNode) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", []))


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """Return the cells that carry ``tag``."""
    return [cell for cell in notebook.cells if tag in tags(cell)]


def report(step: str, problems: list[str]) -> None:
    """Stop with every problem that a step found, or go on if there is none.

    Raises:
        BookError: there is one.
    """
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise BookError(f"{step}: {len(problems)} problem(s)\n{listed}")
