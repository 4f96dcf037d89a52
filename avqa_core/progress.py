"""A progress bar over events, in a terminal and in a notebook alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from tqdm.auto import tqdm

from avqa_core.training.distributed import is_main_process
from avqa_core.training.events import EvaluationDone, Event, StepDone

One = TypeVar("One")

_SECONDS_ON_A_SCREEN = 0.1
# a file keeps every state of a bar, and ten a second bury what else it says
_SECONDS_IN_A_LOG = 15.0


class Stage(NamedTuple):
    """``done`` of ``total`` units of one stage of a job."""

    name: str
    done: int
    total: int
    unit: str
    note: str = ""


def shown_training(events: Iterable[Event], num_steps: int) -> Iterator[Event]:
    """Hand events on while a bar shows the step, the loss and the last validation."""
    losses: dict[str, str] = {}
    score = ""
    bar = None
    try:
        for event in events:
            # Not before the first event: what goes wrong at the start is one line, without a bar.
            if bar is None:
                bar = _bar(total=num_steps, unit="step")
            if isinstance(event, StepDone):
                losses = {name: f"{value:.3f}" for name, value in _telling(event).items()}
                bar.update(event.step - bar.n)
            elif isinstance(event, EvaluationDone):
                score = f"{100 * event.score:.1f}%"
            bar.set_postfix({**losses, **({"validation": score} if score else {})}, refresh=False)
            yield event
    finally:
        if bar is not None:
            bar.close()


def counting(total: int, unit: str) -> tuple[tqdm, Callable[[int], None]]:
    """Return a bar over ``total`` units and what to call with the number just done."""
    bar = _bar(total=total, unit=unit)

    def advance(count: int) -> None:
        bar.update(count)

    return bar, advance


def shown_stages(events: Iterable[One], place: Callable[[One], Stage | None]) -> Iterator[One]:
    """Hand events on while one bar after the other shows the stages of a long job.

    Args:
        events: of the job.
        place: returns where an event stands, None for an event that stands nowhere.
    """
    bar, stage = None, ""
    try:
        for event in events:
            if (at := place(event)) is not None:
                if bar is None or at.name != stage:
                    if bar is not None:
                        bar.close()
                    bar, stage = _bar(total=at.total, unit=at.unit), at.name
                    bar.set_description(stage)
                bar.update(at.done - bar.n)
                if at.note:
                    bar.set_postfix_str(at.note, refresh=False)
            yield event
    finally:
        if bar is not None:
            bar.close()


@contextmanager
def resumable() -> Iterator[None]:
    """Say, where a job is interrupted, that the same command goes on with it."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: the same command goes on where this stopped\n")
        raise


def _bar(total: int | None, unit: str) -> tqdm:
    """Return a bar; of several processes only the first has one."""
    return tqdm(
        total=total,
        unit=unit,
        file=sys.stderr,
        disable=not is_main_process(),
        mininterval=_SECONDS_IN_A_LOG if _is_log() else _SECONDS_ON_A_SCREEN,
    )


def _is_log() -> bool:
    """Tell whether what is written stays, as in a file or a CI's page; a notebook redraws."""
    return not sys.stderr.isatty() and "ipykernel" not in sys.modules


def _telling(event: StepDone) -> dict[str, float]:
    """Return the losses that fit on a line: the total, and answers averaged over the passes."""
    answers = [value for name, value in event.losses.items() if name.endswith("/answer")]
    return {
        "loss": event.losses["total"],
        **({"answer": sum(answers) / len(answers)} if answers else {}),
    }
