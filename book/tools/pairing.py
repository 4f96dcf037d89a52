"""``make pair``: the notebook beside each script, generated, without outputs, always the same."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from book.tools import cells
from book.tools.layout import Layout


def config(layout: Layout) -> dict[str, Any]:
    """Return ``jupytext.toml``."""
    return tomllib.loads((layout.root / "jupytext.toml").read_text())


def pair_of(script: Path, formats: str) -> NotebookNode:
    """Return the notebook that belongs beside ``script``; JupyterLab keeps both in step."""
    notebook = cells.from_script(script)
    notebook.metadata["jupytext"] = {"formats": formats}
    return notebook


def pair(layout: Layout) -> list[Path]:
    """Write the pair of every chapter and return those that changed."""
    formats = config(layout)["formats"]
    changed = []
    for script in layout.chapters():
        path = script.with_suffix(".ipynb")
        wanted = pair_of(script, formats)
        if not path.is_file() or path.read_text() != cells.text(wanted):
            cells.write(wanted, path)
            changed.append(path)
    return changed


def convert(layout: Layout, script: Path) -> Path:
    """Write the notebook that papermill runs to ``build/notebooks`` and return its path."""
    path = layout.converted / f"{script.stem}.ipynb"
    cells.write(cells.from_script(script), path)
    return path


def problems(layout: Layout) -> list[str]:
    """Compare every pair by content; name drift, stored outputs and notebooks without a script."""
    found = []
    settings = config(layout)
    scripts = {script.with_suffix(".ipynb"): script for script in layout.chapters()}
    for path in sorted(layout.notebooks.glob("*.ipynb")):
        if path not in scripts:
            found.append(f"{path.name} has no script beside it: write {path.stem}.py, or remove it")
    for path, script in scripts.items():
        if not path.is_file():
            found.append(f"{script.name} has no notebook beside it: run 'make pair'")
            continue
        found += [f"{path.name}: {what}" for what in _differences(path, script, settings)]
    return found


def _differences(path: Path, script: Path, settings: dict[str, Any]) -> list[str]:
    notebook = cells.read(path)
    found = []
    with_output = [cell.id for cell in cells.code(notebook) if cell.outputs or cell.execution_count]
    if with_output:
        found.append(f"cell {with_output[0]} has stored output: run 'make pair'")
    lines = difflib.unified_diff(
        script.read_text().splitlines(),
        cells.to_script(notebook, settings).splitlines(),
        script.name,
        path.name,
        lineterm="",
        n=0,
    )
    difference = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    if difference:
        found.append(
            f"differs from its script, first in {difference[0]!r}: if the script is right run "
            f"'make pair'; if the notebook is, run 'jupytext --to py:percent {path.name}' first"
        )
    if notebook.metadata.get("jupytext") != {"formats": settings["formats"]}:
        found.append("has no pairing metadata: run 'make pair'")
    wanted = [cell.id for cell in cells.from_script(script).cells]
    if not found and [cell.get("id") for cell in notebook.cells] != wanted:
        found.append("has cell ids of another generation: run 'make pair'")
    return found
