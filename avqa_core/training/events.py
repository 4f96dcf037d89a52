"""What happens while training, as values: the trainer yields them, others print or draw them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from avqa_core.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step of the optimiser: every loss by name, unweighted, and ``total`` as minimised."""

    step: int
    losses: Mapping[str, float]
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class EvaluationDone:
    """Validation after ``step``: accuracy per scenario and the score that selects checkpoints."""

    step: int
    accuracies: Mapping[str, float]
    score: float
    is_best: bool


@dataclass(frozen=True, slots=True)
class CheckpointWritten:
    """A checkpoint folder is complete on disk."""

    step: int
    folder: str
    is_best: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """All steps are done; ``seconds`` adds up over resumed parts of a run."""

    step: int
    best_score: float | None
    seconds: float


Event: TypeAlias = StepDone | EvaluationDone | CheckpointWritten | Finished
_KINDS = {kind.__name__: kind for kind in (StepDone, EvaluationDone, CheckpointWritten, Finished)}


def to_line(event: Event) -> str:
    """Return one line of JSON that names the kind of ``event``."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}) + "\n"


def from_line(line: str) -> Event:
    """Read what ``to_line`` wrote.

    Raises:
        CheckpointError: not a line that ``to_line`` writes.
    """
    try:
        data: dict[str, Any] = json.loads(line)
        kind = _KINDS[data.pop("event")]
        if {one.name for one in fields(kind)} != set(data):
            raise KeyError(*data)
        return kind(**data)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(
            f"expected an event of training, got {line[:80]!r}: was the log edited by hand?"
        ) from error


def read_log(path: Path) -> list[Event]:
    """Read a log, less a last line that a killed process left unfinished."""
    return [from_line(line) for line in _whole_lines(path)]


def rewind_log(path: Path, step: int) -> None:
    """Forget what the log tells about steps after ``step``: a resumed run takes them again."""
    events: Iterable[Event] = read_log(path) if path.exists() else []
    kept = [event for event in events if event.step <= step and not isinstance(event, Finished)]
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text("".join(map(to_line, kept)))
    temporary.replace(path)


def _whole_lines(path: Path) -> list[str]:
    text = path.read_text()
    return text[: text.rfind("\n") + 1].splitlines()
