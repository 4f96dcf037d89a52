"""The paper beside its released program, point by point, and the field here that chooses.

The points stand in ``book/results/paper/released_program.csv``; what the presets choose is read off
the presets, so that the table cannot say anything else than the package does.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avqa_core.errors import AnnotationError, ConfigError
from avqa_core.losses import ObjectiveConfig
from avqa_core.presets import preset
from avqa_core.training.settings import TrainConfig

_COLUMNS = ("topic", "paper", "program", "field", "here", "test")


@dataclass(frozen=True, slots=True)
class Point:
    """One point on which the paper, the program and this package can be compared.

    Attributes:
        topic: what it is about.
        paper: what the paper says.
        program: what the released program does.
        field: the config field here, e.g. ``completer.addressing``; empty where there is none.
        chosen: what the presets ``paper`` and ``released_code`` set it to.
        here: what else there is to say about this package.
        test: the test that shows the effect, as pytest names it.
    """

    topic: str
    paper: str
    program: str
    field: str
    chosen: tuple[str, str] | None
    here: str
    test: str


def program_points(path: Path) -> list[Point]:
    """Read all points, with the choices of the presets beside them.

    Raises:
        AnnotationError: the file is missing or damaged.
        ConfigError: a field does not exist.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise AnnotationError(
            f"expected the points on the released program at {path}, got {error}: restore the file"
        ) from error
    if not rows or any(row.get(name) is None for row in rows for name in _COLUMNS):
        raise AnnotationError(
            f"expected rows with {', '.join(_COLUMNS)} in {path}, got something else: restore it"
        )
    sides = [_configs(name) for name in ("paper", "released_code")]
    return [_point(row, sides) for row in rows]


def _point(row: Mapping[str, str], sides: list[dict[str, Any]]) -> Point:
    name = row["field"]
    ours, theirs = (_value(side, name) for side in sides) if name else ("", "")
    chosen = (ours, theirs) if name else None
    return Point(row["topic"], row["paper"], row["program"], name, chosen, row["here"], row["test"])


def _configs(name: str) -> dict[str, Any]:
    model = preset(name, "paper")
    return {
        "backbone": model.backbone,
        "completer": model.completer,
        "enhancer": model.enhancer,
        "objective": ObjectiveConfig(),
        "training": TrainConfig(num_steps=1),
    }


def _value(side: dict[str, Any], path: str) -> str:
    """Return what a field of a preset is set to."""
    root, *names = path.split(".")
    value: Any = side.get(root)
    for name in names:
        if not hasattr(value, name):
            raise ConfigError(
                f"expected a field of the presets, got {path!r}: correct released_program.csv"
            )
        value = getattr(value, name)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
