"""Counts of a study as one JSON file of the book, with what made them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from avqa_core.config import from_dict, require, to_dict
from avqa_core.errors import ConfigError

Counts = TypeVar("Counts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made the numbers; the last two tell whether the source still does what it did."""

    package_version: str | None
    commit: str | None
    torch_version: str
    python_version: str
    device: str
    source_hash: str
    source_modules: tuple[str, ...]

    @classmethod
    def of(cls, made_by: Mapping[str, Any]) -> Provenance:
        """Return what a run's provenance tells of it."""
        told = {one.name: made_by[one.name] for one in fields(cls)}
        return cls(**told | {"source_modules": tuple(made_by["source_modules"])})

    @classmethod
    def now(cls, seed: int, sources: Sequence[str]) -> Provenance:
        """Return the provenance of what ``sources``, names of modules, count on this machine."""
        from avqa_core.training import runs

        made_by = runs.provenance(seed, "cpu")
        told = {"source_hash": runs.source_hash(sources), "source_modules": sources}
        return cls.of(made_by | told)


def place(name: str) -> Path:
    """Return where the book keeps counts."""
    from avqa_core.profiles import checkout

    return checkout() / "book" / "results" / name


def write(path: Path, counts: Any) -> None:
    """Write a dataclass as JSON with one count a line, in one step."""
    from avqa_core.training.runs import replace_text

    text = json.dumps(to_dict(counts), indent=1)
    for innermost in (r"\[[^][{}]*\]", r"\{[^{}]*\}"):
        text = re.sub(innermost, lambda found: " ".join(found[0].split()), text)
    replace_text(path, text + "\n")


def read(path: Path, kind: type[Counts], *, layout: int, called: str, command: str) -> Counts:
    """Read what ``write`` wrote.

    Args:
        path: of the file.
        kind: dataclass with a field ``format``.
        layout: what that field has to be.
        called: how an error calls the counts.
        command: that makes them.

    Raises:
        ConfigError: the file is missing, damaged or of another format.
    """
    try:
        content = json.loads(path.read_text())
        given = content.get("format") if isinstance(content, dict) else None
        require(
            given == layout,
            f"format {given!r}, where this version of the package reads format {layout}",
        )
        return from_dict(kind, content, path.name)
    except (OSError, ValueError, RecursionError, TypeError, ConfigError) as error:
        raise ConfigError(
            f"expected {called} at {path}, got {error}: make them with '{command}'"
        ) from error
