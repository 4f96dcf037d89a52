"""Drawing stays in ``viz``: the rest of the package runs where no drawing library is installed."""

from __future__ import annotations

import ast
from pathlib import Path

import avqa_core

PACKAGE = Path(avqa_core.__file__).parent
DRAWING = {"matplotlib", "seaborn", "ipywidgets", "IPython", "pandas", "wandb", "tensorboard"}


def imported(source: str) -> set[str]:
    """Return the full names of everything a module imports, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def offences(source: str) -> set[str]:
    return {
        name
        for name in imported(source)
        if name.split(".")[0] in DRAWING or (name + ".").startswith("avqa_core.viz.")
    }


def test_nothing_outside_viz_draws_or_imports_viz():
    modules = [path for path in PACKAGE.rglob("*.py") if "viz" not in path.parts]
    assert len(modules) > 20
    found = {str(path): offences(path.read_text()) for path in modules}
    assert {path: names for path, names in found.items() if names} == {}


def test_an_offence_would_be_found():
    assert offences("def f():\n    import matplotlib.pyplot as plt") == {"matplotlib.pyplot"}
    assert offences("from avqa_core import viz") == {"avqa_core.viz"}
    assert offences("from avqa_core.viz.style import use_style") != set()


def test_only_the_panel_needs_widgets():
    needing = [
        path.name
        for path in (PACKAGE / "viz").rglob("*.py")
        if "ipywidgets" in imported(path.read_text())
    ]
    assert needing == ["panel.py"]
