"""Runs and checkpoints in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from avqa_core.config import to_dict
from avqa_core.report import Report
from avqa_core.training import checkpoint, runs


def run_lines(path: Path) -> Iterator[str]:
    """Yield lines about a run folder."""
    folder = runs.RunFolder(path)
    for which in ("best", "last"):
        if (folder.checkpoints / which).exists():
            yield f"{which}: {checkpoint.find(folder.checkpoints, which).name}"
    yield from checkpoint_lines(checkpoint.find(folder.checkpoints, "last"))
    for report in (folder.validation, folder.report):
        if report.exists():
            yield ""
            loaded = Report.load(report)
            yield f"{report.name}, split {loaded.split}, seed {loaded.seed}"
            yield loaded.table()


def checkpoint_lines(path: Path) -> Iterator[str]:
    """Yield lines about a checkpoint folder."""
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


def _flat(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
