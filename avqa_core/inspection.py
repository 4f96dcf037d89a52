"""What a folder or a machine has, in lines for a person."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from avqa_core.config import to_dict
from avqa_core.data.annotations import read_annotations
from avqa_core.data.folder import SPLITS, DataFolder
from avqa_core.data.store import FeatureStore
from avqa_core.errors import ConfigError
from avqa_core.report import Report
from avqa_core.training import checkpoint, runs

_PYTHONS = ((3, 11), (3, 13))
_NEEDED = ("torch", "numpy", "safetensors", "einops", "jaxtyping", "tyro", "tqdm", "av")
_EXTRAS = {
    "encoders": ("transformers", "PIL"),
    "book": ("jupyterlab", "jupytext", "papermill", "ipywidgets", "matplotlib", "jupyter_book"),
    "dev": ("ruff", "mypy", "pytest", "hypothesis", "beartype"),
}


def describe(path: Path) -> Iterator[str]:
    """Yield lines about a run, a checkpoint, a data folder, a feature store or a report.

    Raises:
        AvqaError: it is none of these, or it is damaged; the message says which.
    """
    if (path / "checkpoints").is_dir():
        yield from _run(path)
    elif (path / "state.json").is_file():
        yield from _checkpoint(path)
    elif (path / "json").is_dir():
        yield from _data(path)
    elif (path / "index.json").is_file():
        yield from _store(FeatureStore.open(path))
    elif path.is_file() and path.suffix == ".json":
        yield Report.load(path).table()
    else:
        raise ConfigError(
            f"expected a run, a checkpoint, a data folder, a feature store or a report at {path}, "
            "got none of them: check the path"
        )


def _run(path: Path) -> Iterator[str]:
    folder = runs.RunFolder(path)
    for which in ("best", "last"):
        if (folder.checkpoints / which).exists():
            yield f"{which}: {checkpoint.find(folder.checkpoints, which).name}"
    yield from _checkpoint(checkpoint.find(folder.checkpoints, "last"))
    for report in (folder.validation, folder.report):
        if report.exists():
            yield ""
            loaded = Report.load(report)
            yield f"{report.name}, split {loaded.split}, seed {loaded.seed}"
            yield loaded.table()


def _checkpoint(path: Path) -> Iterator[str]:
    model, loaded = checkpoint.load_model(path)
    state, made_by = loaded.state, loaded.state.provenance
    best = "none" if state.best_score is None else f"{100 * state.best_score:.2f} %"
    yield f"step {state.step}, epoch {state.epoch}, {state.seconds:.0f} s of training"
    yield f"best validation {best} at step {state.best_step}"
    for name in ("backbone", "completer", "enhancer"):
        count = sum(p.numel() for p in getattr(model, name).parameters())
        yield f"{name}: {count:,} parameters, {_flat(to_dict(getattr(model.config, name)))}"
    yield f"objective: {_flat(to_dict(loaded.config.objective))}"
    yield f"training: {_flat(to_dict(loaded.config.training))}"
    yield f"data: {_flat(to_dict(loaded.config.dims))}"
    for key in ("package_version", "commit", "torch_version", "device", "data_hash"):
        yield f"{key.replace('_', ' ')}: {made_by.get(key)}"
    yield f"source: {'as it is now' if runs.is_fresh(made_by) else 'changed since'}"


def _data(path: Path) -> Iterator[str]:
    folder = DataFolder(path)
    for split in SPLITS:
        file = path / "json" / f"avqa-{split}.json"
        if not file.exists():
            yield f"{split}: no questions"
            continue
        examples = read_annotations(file)
        clips = len({example.video_id for example in examples})
        yield f"{split}: {len(examples)} questions about {clips} clips"
        for category, count in sorted(Counter(example.category for example in examples).items()):
            yield f"  {category}: {count}"
    if (path / "features").is_dir():
        yield from _store(folder.store)


def _store(store: FeatureStore) -> Iterator[str]:
    yield f"features of {len(store.video_ids)} clips"
    for name, shape in store.layout.items():
        yield f"  {name}: {' x '.join(map(str, shape))} float16 a clip"


def _flat(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


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
