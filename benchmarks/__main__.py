"""All benchmarks: print tables, write one JSON file named after the device.

python -m benchmarks                    everything (several minutes on two cores)
python -m benchmarks --only speed       one of them
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import tyro

from avqa_core.presets import PRESETS
from avqa_core.training import runs
from avqa_core.training.distributed import resolve_device
from benchmarks import reading, speed, step, toggle

Name = Literal["step", "speed", "reading", "toggle"]
ROOT = Path(__file__).resolve().parents[1]


def main(
    only: tuple[Name, ...] = ("step", "speed", "reading", "toggle"),
    device: str = "auto",
    out: Path = ROOT / "book" / "results" / "benchmarks",
    step_size: str = "paper",
    seconds: float = 10.0,
) -> None:
    """Measure, print and store.

    Args:
        only: which benchmarks; figures of the others stay in the file as they are.
        device: auto, cpu or cuda.
        out: folder of the JSON file.
        step_size: size of the model whose training step is measured.
        seconds: for which each rate is measured.
    """
    place = resolve_device(device)
    name = runs.device_name(place)
    path = out / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.json"
    print(f"benchmarks {', '.join(only)} on {name}; figures go to {path}", flush=True)
    content = json.loads(path.read_text()) if path.exists() else {}
    measures = {"step": _step, "speed": _speed, "reading": _reading, "toggle": _toggle}
    for one in only:
        figures = measures[one](device, step_size, seconds)
        made_by = runs.provenance(0, place)
        content[one] = {"figures": figures, "date": _today(), "provenance": made_by}
        runs.replace_text(path, json.dumps({"device": name, **content}, indent=1) + "\n")
    print(f"written to {path}")


def _step(device: str, size: str, seconds: float) -> list[dict[str, Any]]:
    costs = [step.measured(name, size, 4, device) for name in PRESETS]
    print(step.table(costs), flush=True)
    return step.as_json(costs)


def _speed(device: str, size: str, seconds: float) -> list[dict[str, Any]]:
    speeds = speed.measure("book", 32, seconds, threads=2, device=device)
    print(speed.table(speeds), flush=True)
    return [asdict(one) for one in speeds]


def _reading(device: str, size: str, seconds: float) -> list[dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="avqa-reading-"))
    try:
        examples = reading.write_clips(folder, reading.SIZES["bandstand"], clips=24)
        readings = reading.measure(folder, examples, batch_size=32, seconds=seconds)
    finally:
        shutil.rmtree(folder)
    for one in readings:
        print(f"{one.reader:<26}{one.samples_per_second:>12.1f} samples/s", flush=True)
    return [asdict(one) for one in readings]


def _toggle(device: str, size: str, seconds: float) -> list[dict[str, Any]]:
    waits = toggle.measure("book", max(5, round(4 * seconds)), threads=2)
    print(toggle.table(waits), flush=True)
    return [asdict(one) for one in waits]


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    tyro.cli(main)
