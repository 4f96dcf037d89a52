"""What one training step costs at the paper's size: FLOPs, peak memory, seconds.

``python -m benchmarks.step`` measures each preset in a process of its own, so that one peak is not
another's. Peak memory is that of the whole process on a CPU, and of all tensors on a GPU. FLOPs are
counted with one row and multiplied by the rows: every term of the loss is a sum over them. The
sampler is recomputed on the way back where that is needed to fit; FLOPs are given for both ways.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Any

import torch
import tyro
from torch.utils.flop_counter import FlopCounterMode

from avqa_core.losses import ObjectiveConfig
from avqa_core.made_up import BANDSTAND, MUSIC_AVQA, make_batch
from avqa_core.model import ModelConfig
from avqa_core.presets import PRESETS, preset
from avqa_core.training.distributed import resolve_device
from benchmarks import made_up

GIGA = 1e9


@dataclass(frozen=True)
class StepCost:
    """One training step of one preset."""

    preset: str
    size: str
    rows: int
    parameters: int
    gflop: float
    gflop_with_recompute: float
    peak_memory_gb: float
    seconds: float


def main(
    presets: tuple[str, ...] = tuple(PRESETS), size: str = "paper", rows: int = 4,
    device: str = "auto",
) -> None:  # fmt: skip
    """Measure and print.

    Args:
        presets: which.
        size: tiny, book, full or paper; the last takes features of MUSIC-AVQA's shape.
        rows: questions a step.
        device: auto, cpu or cuda.
    """
    sys.stdout.write(table([measured(name, size, rows, device) for name in presets]))


def measured(name: str, size: str, rows: int, device: str) -> StepCost:
    """Return the cost of a step, measured in new processes."""
    counted = {
        recompute: _in_new_process(name, size, 1, device, recompute, count=True)
        for recompute in (False, True)
    }
    timed = _in_new_process(name, size, rows, device, True, count=False)
    return StepCost(
        preset=name,
        size=size,
        rows=rows,
        parameters=timed["parameters"],
        gflop=rows * counted[False]["flop"] / GIGA,
        gflop_with_recompute=rows * counted[True]["flop"] / GIGA,
        peak_memory_gb=timed["peak_memory"] / GIGA,
        seconds=timed["seconds"],
    )


def table(costs: list[StepCost]) -> str:
    """Return the costs as readable text."""
    head = f"{'preset':<16}{'parameters':>12}{'GFLOP':>9}{'recomputing':>13}{'peak GB':>9}{'s':>9}"
    lines = [
        f"{one.preset:<16}{one.parameters:>12,}{one.gflop:>9.1f}{one.gflop_with_recompute:>13.1f}"
        f"{one.peak_memory_gb:>9.2f}{one.seconds:>9.2f}"
        for one in costs
    ]
    title = f"one training step, size {costs[0].size}, {costs[0].rows} rows" if costs else ""
    return "\n".join([title, head, *lines]) + "\n"


def take(name: str, size: str, rows: int, device: str, recompute: bool, count: bool) -> dict:
    """Take one step in this process and return what it cost."""
    place = resolve_device(device)
    of = MUSIC_AVQA if size == "paper" else BANDSTAND
    model = made_up.model(with_recompute(preset(name, size), recompute), of, place)
    step = made_up.Step(model, ObjectiveConfig(regime="joint"))
    batch = make_batch(of, rows).to(place)
    cost: dict[str, Any] = {"parameters": sum(one.numel() for one in model.parameters())}
    started = time.perf_counter()
    if count:
        with FlopCounterMode(display=False) as counter:
            step(batch)
        cost["flop"] = counter.get_total_flops()
    else:
        step(batch)
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    return cost | {"seconds": time.perf_counter() - started, "peak_memory": peak_memory(place)}


def with_recompute(config: ModelConfig, recompute: bool) -> ModelConfig:
    """Return ``config`` with the sampler recomputed or not, if it has one."""
    enhancer: Any = config.enhancer
    if not is_dataclass(getattr(enhancer, "diffusion", None)):
        return config
    diffusion = replace(enhancer.diffusion, recompute=recompute)
    return replace(config, enhancer=replace(enhancer, diffusion=diffusion))


def peak_memory(device: torch.device) -> int:
    """Return the bytes this process had at most."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _in_new_process(
    name: str, size: str, rows: int, device: str, recompute: bool, *, count: bool
) -> dict[str, Any]:
    arguments = json.dumps([name, size, rows, device, recompute, count])
    program = (
        "import json, sys\n"
        "from benchmarks.step import take\n"
        "print(json.dumps(take(*json.loads(sys.argv[1]))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"error: the step of {name} failed: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout.splitlines()[-1])


def as_json(costs: list[StepCost]) -> list[dict[str, Any]]:
    """Return plain values."""
    return [asdict(one) for one in costs]


if __name__ == "__main__":
    tyro.cli(main)
