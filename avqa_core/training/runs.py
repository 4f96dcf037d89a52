"""A run folder: its own lock, its own resume point, its own log, and where its numbers came from.

Two processes cannot train into one folder; a process that dies leaves a folder that the same
command takes up where it stopped.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import torch

from avqa_core import fingerprint
from avqa_core.config import from_dict, to_dict
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AvqaError, CheckpointError
from avqa_core.model import MissingModalityAVQA
from avqa_core.training import checkpoint, events
from avqa_core.training.settings import RunConfig

# They parse, print and draw; no number comes from them.
_NOT_HASHED = tuple(
    f"avqa_core.{name}" for name in ("viz", "cli", "commands", "inspection", "progress")
)


class RunFolder:
    """Paths of one run, and what may be done to them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.log = path / "events.jsonl"
        self.validation = path / "validation.json"
        self.report = path / "report.json"
        self._identity = path / "run.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process out of the folder for the length of the block.

        The system itself drops the lock of a process that dies, so that none can grow stale.

        Raises:
            CheckpointError: another process is training into this folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+") as handle:
            _take(handle, self.path)
            handle.truncate(0)
            handle.write(f"{os.getpid()}\n")
            handle.flush()
            yield

    def identify(self, config: RunConfig, data: str, provenance: Mapping[str, Any]) -> None:
        """Write down what this run is, or compare with what is written there.

        Args:
            config: everything the run computes from.
            data: hash of its questions, features and first weights.
            provenance: what wrote it, for the record.

        Raises:
            CheckpointError: the folder belongs to another run.
        """
        if not self._identity.exists():
            if self.has_checkpoint:
                raise CheckpointError(
                    f"expected run.json beside the checkpoints of {self.path}, got none: "
                    "restore it, or train into a new folder"
                )
            mine = {"format": 1, "config": to_dict(config), "data": data, **provenance}
            replace_text(self._identity, json.dumps(mine, indent=2) + "\n")
            return
        there = _read_identity(self._identity)
        difference = _first_difference(there["config"], to_dict(config))
        if difference is None and there["data"] != data:
            difference = "other questions, features or first weights"
        if difference is not None:
            raise CheckpointError(
                f"expected {self.path} to hold this very run, got one with {difference}: "
                "train into a new folder, or repeat the command it was started with"
            )

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is something to resume from."""
        return (self.checkpoints / "last").exists()

    def resume_point(self) -> checkpoint.Checkpoint | None:
        """Return the last checkpoint, None if there is none yet.

        Raises:
            CheckpointError: there is one, but it cannot be read.
        """
        if not self.has_checkpoint:
            return None
        last = checkpoint.find(self.checkpoints, "last")
        return checkpoint.read(last, with_optimizer=True)

    def record(self, event: events.Event) -> None:
        """Append one event to the log."""
        with self.log.open("a") as log:
            log.write(events.to_line(event))


def load_run(
    run_dir: Path, which: checkpoint.Which = "best"
) -> tuple[MissingModalityAVQA, Vocabulary, RunConfig]:
    """Load the model of a run, its vocabulary and its config; the training data is not needed.

    Raises:
        CheckpointError: no such run, or its checkpoint cannot be read.
    """
    folder = checkpoint.find(RunFolder(Path(run_dir)).checkpoints, which)
    model, loaded = checkpoint.load_model(folder)
    return model, loaded.vocabulary, loaded.config


def provenance(seed: int, device: torch.device | str, data: str | None = None) -> dict[str, Any]:
    """Return what made a number: versions, commit, device, seed, and hashes of source and data."""
    modules = source_modules()
    return {
        "package_version": _package_version(),
        "commit": commit(),
        "torch_version": torch.__version__,
        "python_version": platform.python_version(),
        "device": device_name(torch.device(device)),
        "seed": seed,
        "data_hash": data,
        "source_hash": source_hash(modules),
        "source_modules": modules,
    }


def source_modules() -> list[str]:
    """Return the modules of the package imported so far, without those that only draw or parse."""
    return sorted(
        name
        for name in list(sys.modules)
        if name.split(".")[0] == "avqa_core" and not name.startswith(_NOT_HASHED)
    )


def source_hash(modules: Iterable[str] | None = None) -> str:
    """Return a hash of what ``modules`` do: of their syntax trees without docstrings.

    Args:
        modules: names as a provenance lists them; those imported so far if None. A module that is
            gone changes the hash as an edit does.
    """
    names = source_modules() if modules is None else sorted(modules)
    return fingerprint.of_text(*(f"{name} {_module_hash(name)}" for name in names))


def is_fresh(made_by: Mapping[str, Any]) -> bool:
    """Tell whether the source that a provenance names still does what it did."""
    return source_hash(made_by["source_modules"]) == made_by["source_hash"]


def data_hash(folder: Path) -> str:
    """Return a hash of a data folder: its questions, and the index of its features.

    The index holds a checksum of every shard, so that gigabytes need not be read again.
    """
    paths = [*sorted((folder / "json").glob("*.json")), folder / "features" / "index.json"]
    return fingerprint.of_files([path for path in paths if path.exists()], folder)


def commit() -> str | None:
    """Return the commit the package runs from, with ``+`` for local changes; None outside git."""
    try:
        if _git("ls-files", "--error-unmatch", "__init__.py") is None:
            return None  # installed somewhere below a repository of something else
        name = _git("rev-parse", "HEAD")
        changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return name and name + ("+" if changes else "")


@functools.cache
def device_name(device: torch.device) -> str:
    """Return a name that a person can compare: the GPU's model, or the processor's."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"CPU {models[0] if models else platform.processor() or platform.machine()}"


def replace_text(path: Path, text: str) -> None:
    """Write a text file in one step: readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # of a full disk half of it is there


def _take(handle: IO[str], path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        raise CheckpointError(
            f"expected to be alone in {path}, got process {handle.read().strip() or '?'} there: "
            "wait for it, or train into another folder"
        ) from error


def _read_identity(path: Path) -> dict[str, Any]:
    try:
        there = json.loads(path.read_text())
        # Written anew, it has the options that have come since, at their defaults.
        config = to_dict(from_dict(RunConfig, there["config"]))
        return {"config": config, "data": there["data"]}
    except (OSError, ValueError, KeyError, TypeError, AvqaError) as error:
        raise CheckpointError(
            f"expected the description of a run at {path}, got {error}: train into a new folder"
        ) from error


def _first_difference(old: Any, new: Any, where: str = "") -> str | None:
    """Return the first dotted field in which two JSON values differ, None if there is none."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            below = _first_difference(old.get(key), new.get(key), f"{where}.{key}".lstrip("."))
            if below is not None:
                return below
        return None
    return None if old == new else f"{where} = {old!r} instead of {new!r}"


@functools.cache
def _module_hash(name: str) -> str | None:
    parts = name.split(".")
    path = fingerprint.PACKAGE.joinpath(*parts[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return fingerprint.of_python(path.read_text()) if path.is_file() else None


def _package_version() -> str | None:
    try:
        return version("avqa-core")
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """Run git in the folder of the package; None if it fails."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=fingerprint.PACKAGE,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else None
