"""Shape annotations are checked while the tests run, so they cannot go stale."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import install_import_hook

PACKAGE = Path(__file__).resolve().parents[1] / "avqa_core"


def modules_with_shapes() -> list[str]:
    """Return the modules whose annotations name shapes.

    The others are left to mypy: the hook wraps every function, and with all modules under it the
    fast tests took a third more processor time.
    """
    return [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in sorted(PACKAGE.rglob("*.py"))
        if "jaxtyping" in path.read_text()
    ]


_hook = install_import_hook(modules_with_shapes(), "beartype.beartype")
_hook.__enter__()

torch.set_num_threads(1)
