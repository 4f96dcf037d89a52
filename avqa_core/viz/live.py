"""Curves that grow while a model trains, in a notebook or anywhere else that can show a figure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from matplotlib.figure import Figure

from avqa_core.training.events import Event, Finished
from avqa_core.viz.figures.training import training_curves
from avqa_core.viz.results import accuracy_curves, loss_curves

Show = Callable[[Figure], None]


def watch(
    events: Iterable[Event],
    *,
    floor: float | None = None,
    smoothing: int = 10,
    every_seconds: float = 2.0,
    show: Show | None = None,
) -> Iterator[Event]:
    """Pass events through and redraw the curves now and then, and once at the end.

    Args:
        events: of ``Trainer.run()``.
        floor: what the question alone gives, as a fraction.
        smoothing: how many steps the moving average covers.
        every_seconds: least time between two drawings; drawing must not slow training down.
        show: takes each figure; the output of the notebook's cell if None.
    """
    show = show or _cell_output()
    seen: list[Event] = []
    drawn_at, is_drawn = time.monotonic(), False
    for event in events:
        seen.append(event)
        is_due = time.monotonic() - drawn_at >= every_seconds
        is_drawn = is_due or isinstance(event, Finished)
        if is_drawn:
            _draw(seen, floor, smoothing, show)
            drawn_at = time.monotonic()
        yield event
    if seen and not is_drawn:
        _draw(seen, floor, smoothing, show)


def _draw(events: list[Event], floor: float | None, smoothing: int, show: Show) -> None:
    losses = loss_curves(events)
    if losses:
        accuracies = accuracy_curves(events) or None
        show(training_curves(losses, accuracies, floor=floor, smoothing=smoothing))


def _cell_output() -> Show:
    """Return a function that keeps one output of the current cell up to date."""
    from IPython.display import display

    handle = None

    def show(figure: Figure) -> None:
        nonlocal handle
        if handle is None:
            handle = display(figure, display_id=True)
        else:
            handle.update(figure)

    return show
