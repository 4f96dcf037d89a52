"""What this machine has of what the package needs."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from avqa_core.training import runs

_PYTHONS = ((3, 11), (3, 13))
_NEEDED = ("torch", "numpy", "safetensors", "einops", "jaxtyping", "tyro", "tqdm", "av")
_EXTRAS = {
    "encoders": ("transformers", "PIL"),
    "book": ("jupyterlab", "jupytext", "papermill", "ipywidgets", "matplotlib", "jupyter_book"),
    "dev": ("ruff", "mypy", "pytest", "hypothesis", "beartype"),
}


def environment() -> Iterator[tuple[bool, str]]:
    """Yield, line by line, whether something is as it has to be, and what it is."""
    is_known = _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]
    yield is_known, f"Python {platform.python_version()} (3.11 to 3.13)"
    for name in _NEEDED:
        yield importlib.util.find_spec(name) is not None, f"{name} {_version(name)}"
    yield True, f"avqa-core {_version('avqa-core')}, commit {runs.commit()}"
    yield True, f"{runs.device_name(torch.device('cpu'))}, {os.cpu_count()} cores"
    for index in range(torch.cuda.device_count()):
        yield True, f"cuda:{index} {runs.device_name(torch.device('cuda', index))}"
    if not torch.cuda.is_available():
        yield True, "no CUDA device: everything runs on the CPU"
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    yield os.access(Path.cwd(), os.W_OK), f"working folder writable, {free:.0f} GiB free"
    for extra, names in _EXTRAS.items():
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        told = f"missing {', '.join(missing)}" if missing else "complete"
        yield True, f"optional [{extra}]: {told}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
