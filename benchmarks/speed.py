"""Steps a second and questions a second at size ``book``, on random features of Bandstand's shape.

Run ``python -m benchmarks.speed``; each figure is the median of single steps after a warm-up.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import torch
import tyro

from avqa_core import rng
from avqa_core.diffusion.denoiser import LightConfig
from avqa_core.losses import ObjectiveConfig, Regime
from avqa_core.made_up import BANDSTAND, make_batch
from avqa_core.model import ModelConfig
from avqa_core.presets import SIZES, preset, resize
from avqa_core.training.distributed import resolve_device
from avqa_core.types import Modality
from benchmarks import made_up


@dataclass(frozen=True)
class Speed:
    """How often one thing can be done."""

    what: str
    model: str
    rows: int
    per_second: float


def main(
    size: str = "book", rows: int = 32, seconds: float = 10.0, threads: int = 2,
    device: str = "auto",
) -> None:  # fmt: skip
    """Measure and print.

    Args:
        size: tiny, book, full or paper.
        rows: questions a step.
        seconds: for which each figure is measured.
        threads: of torch, on a CPU.
        device: auto, cpu or cuda.
    """
    sys.stdout.write(table(measure(size, rows, seconds, threads, device)))


def measure(size: str, rows: int, seconds: float, threads: int, device: str) -> list[Speed]:
    """Return steps a second of three ways to train, and questions a second of three models."""
    torch.set_num_threads(threads)
    place = resolve_device(device)
    found = []
    trained: tuple[tuple[str, Regime], ...] = (
        ("recommended", "plain"),
        ("recommended", "plug_in"),
        ("recommended", "joint"),
        ("paper, light denoiser", "joint"),
    )
    for name, regime in trained:
        rate = steps_per_second(models(size)[name], regime, rows, seconds, place)
        found.append(Speed(f"training steps, {regime}", name, rows, rate))
    for name, config in models(size).items():
        for missing in ((), (Modality.AUDIO,)):
            rate = rows * answers_per_second(config, missing, rows, seconds, place)
            what = "audio missing" if missing else "complete"
            found.append(Speed(f"questions, {what}", name, rows, rate))
    return found


def models(size: str) -> dict[str, ModelConfig]:
    """Return what is timed: the recommended model, and the paper's with a light denoiser."""
    paper = preset("paper", size)
    light = replace(paper.enhancer, denoiser=resize(LightConfig(), SIZES[size]))  # type: ignore[call-arg]
    return {
        "recommended": preset("recommended", size),
        "paper, light denoiser": replace(paper, enhancer=light),
    }


def steps_per_second(
    config: ModelConfig, regime: Regime, rows: int, seconds: float, device: torch.device
) -> float:
    """Return the rate of whole training steps, optimiser and all."""
    of = BANDSTAND
    step = made_up.Step(made_up.model(config, of, device), ObjectiveConfig(regime=regime))
    batch = make_batch(of, rows).to(device)
    return _rate(lambda: step(batch), seconds)


@torch.inference_mode()
def answers_per_second(
    config: ModelConfig,
    missing: tuple[Modality, ...],
    rows: int,
    seconds: float,
    device: torch.device,
) -> float:
    """Return how many batches a second a model answers."""
    of = BANDSTAND
    model = made_up.model(config, of, device).eval()
    batch = make_batch(of, rows)
    availability = batch.availability.clone()
    availability[..., list(missing)] = False
    batch = replace(batch, availability=availability).to(device)

    def answer() -> None:
        logits = model(batch, generator=rng.named(0, "benchmark")).answers.logits
        float(logits.sum())  # a GPU has answered only now

    return _rate(answer, seconds)


def table(speeds: list[Speed]) -> str:
    """Return the figures as readable text."""
    lines = [f"{'':<30}{'model':<24}{'rows':>6}{'a second':>12}"]
    lines += [
        f"{one.what:<30}{one.model:<24}{one.rows:>6}{one.per_second:>12.2f}" for one in speeds
    ]
    return "\n".join(lines) + "\n"


def _rate(do: Callable[[], object], seconds: float) -> float:
    """Return one over the median duration; other work on the machine hits the mean, not it."""
    do()
    durations: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not durations:
        started = time.perf_counter()
        do()
        durations.append(time.perf_counter() - started)
    return 1 / median(durations)


if __name__ == "__main__":
    tyro.cli(main)
