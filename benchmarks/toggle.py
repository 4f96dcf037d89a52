"""From a toggle to its new answer: what a reader of the live panel waits for, without a browser.

``answer`` is the model and what is computed around it; ``panel`` is the whole change of a switch,
with every box of the panel written anew, up to what is sent to the browser. Run ``python -m
benchmarks.toggle``; the budget of the panel is 100 ms at size ``book`` on two cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import numpy as np
import torch
import tyro

from avqa_core import rng
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS, PADDING, Vocabulary
from avqa_core.made_up import BANDSTAND
from avqa_core.types import FeatureDims, QAExample
from avqa_core.viz.panel import TogglePanel
from avqa_core.viz.session import ToggleSession
from avqa_core.viz.session_world import SessionWorld
from benchmarks import made_up, speed


@dataclass(frozen=True)
class Wait:
    """How long one thing takes: the median, and what nineteen of twenty stay below."""

    what: str
    model: str
    median_ms: float
    most_ms: float


def main(size: str = "book", toggles: int = 40, threads: int = 2) -> None:
    """Measure and print.

    Args:
        size: tiny, book, full or paper.
        toggles: how often each switch is turned.
        threads: of torch.
    """
    sys.stdout.write(table(measure(size, toggles, threads)))


def measure(size: str, toggles: int, threads: int) -> list[Wait]:
    """Return the waits of every model on made-up features of Bandstand's shape."""
    torch.set_num_threads(threads)
    found = []
    with session(size) as opened:
        panel = TogglePanel(opened)
        example = opened.world.examples[0]
        for name in opened.models:
            panel.completer.value = name

            def answer(name: str = name) -> None:
                opened.answer(example, audio_present=False, completer=name)

            def off() -> None:
                panel.audio.value = False

            def on() -> None:
                panel.audio.value = True

            found.append(_wait("answer, audio missing", name, answer, toggles))
            found.append(_wait("panel, audio off", name, off, toggles, on))
    return found


@contextmanager
def session(size: str) -> Iterator[ToggleSession]:
    """Open untrained models and two clips: how long an answer takes does not depend on either."""
    with tempfile.TemporaryDirectory(prefix="avqa-toggle-") as folder:
        world = _world(Path(folder), BANDSTAND)
        models = {
            name: made_up.model(config, BANDSTAND, torch.device("cpu"))
            for name, config in speed.models(size).items()
        }
        yield ToggleSession(models, world)


def table(waits: list[Wait]) -> str:
    """Return the figures as readable text."""
    lines = [f"{'':<26}{'model':<24}{'median ms':>12}{'95 % below':>12}"]
    lines += [
        f"{one.what:<26}{one.model:<24}{one.median_ms:>12.1f}{one.most_ms:>12.1f}" for one in waits
    ]
    return "\n".join(lines) + "\n"


def _world(folder: Path, of: FeatureDims) -> SessionWorld:
    """Return two scenes with random features and the questions that need no words."""
    config, draw = WorldConfig(), np.random.default_rng(rng.derive(0, "toggle benchmark"))
    scenes = {video_id: sample_scene(config, video_id) for video_id in ("00000000", "00000001")}
    layout = {
        "audio": (of.num_segments, of.audio_width),
        "visual": (of.num_segments, of.visual_width, of.grid_height, of.grid_width),
    }
    with StoreWriter(folder, layout) as writer:
        for video_id in scenes:
            drawn = {name: draw.normal(size=shape) for name, shape in layout.items()}
            writer.add(video_id, {name: one.astype("float16") for name, one in drawn.items()})
    vocabulary = Vocabulary((PADDING, *MUSIC_AVQA_WORDS), MUSIC_AVQA_ANSWERS)
    store = FeatureStore.open(folder)
    empty = SessionWorld(
        examples=(), store=store, vocabulary=vocabulary, scenes=scenes, config=config
    )
    return SessionWorld(
        examples=list(_questions(empty)),
        store=store,
        vocabulary=vocabulary,
        scenes=scenes,
        config=config,
    )


def _questions(world: SessionWorld) -> Iterator[QAExample]:
    for video_id in world.scenes:
        for template in TEMPLATES:
            if not template.slots:
                yield world.ask(video_id, template, ())


def _wait(
    what: str,
    model: str,
    do: Callable[[], None],
    count: int,
    undo: Callable[[], None] | None = None,
) -> Wait:
    """Return the spread over ``count`` times, after two that warm up and are not counted."""
    waits = []
    for number in range(count + 2):
        began = time.perf_counter()
        do()
        if number >= 2:
            waits.append(1000 * (time.perf_counter() - began))
        if undo is not None:
            undo()
    return Wait(what, model, median(waits), quantiles(waits, n=20)[-1])


if __name__ == "__main__":
    tyro.cli(main)
