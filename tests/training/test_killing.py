"""Kill a real process at any moment: the same command goes on and ends with the very same bits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avqa_core.training import checkpoint, events
from avqa_core.training.events import StepDone
from tests.training.worlds import write_world

NUM_STEPS = 40
PATIENCE = 120.0


def _start(world: Path, out: Path) -> subprocess.Popen:
    command = [
        *(sys.executable, "-m", "avqa_core.cli", "train"),
        *("--data", str(world), "--out", str(out), "--preset", "recommended", "--size", "tiny"),
        *("--steps", str(NUM_STEPS), "--batch-size", "12", "--device", "cpu"),
        *("--evaluate-every", "7", "--checkpoint-every", "1"),
    ]
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _kill_somewhere(process: subprocess.Popen, out: Path, chance: random.Random) -> None:
    """Let the process write at least a few events, then kill it in the middle of whatever it does.

    With a checkpoint after every step most of the time goes into writing them.
    """
    log, deadline = out / "events.jsonl", time.monotonic() + PATIENCE
    while not _size(log) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    target = _size(log) + chance.randrange(1, 4000)
    while _size(log) < target and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(chance.random() * 0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bits(tmp_path):
    world = write_world(tmp_path / "world")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = _start(world, whole)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said.decode()
    chance = random.Random(0)
    reached = []
    for _ in range(5):
        _kill_somewhere(_start(world, killed), killed, chance)
        if (killed / "checkpoints" / "last").exists():
            found = checkpoint.read(checkpoint.find(killed / "checkpoints", "last"))
            reached.append(found.state.step)
    # Kills in the middle of the run, and progress between them: the test is about something.
    assert len({step for step in reached if 0 < step < NUM_STEPS}) >= 2, reached
    process = _start(world, killed)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said.decode()
    for which in ("last", "best"):
        folders = [checkpoint.find(run / "checkpoints", which) for run in (whole, killed)]
        for name in ("model.safetensors", "optimizer.safetensors"):
            assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    losses = [
        [one.losses for one in events.read_log(run / "events.jsonl") if isinstance(one, StepDone)]
        for run in (whole, killed)
    ]
    assert losses[0] == losses[1] and len(losses[0]) == NUM_STEPS
    names = {path.name for path in (killed / "checkpoints").iterdir()}
    kept = {(killed / "checkpoints" / which).read_text().strip() for which in ("best", "last")}
    assert names == kept | {"best", "last"}
