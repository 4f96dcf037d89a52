"""Two processes compute what one computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from avqa_core.errors import CheckpointError, ConfigError
from avqa_core.training.distributed import ALONE, ParallelLoss, Processes, joined, resolve_device
from avqa_core.training.starting import check_same_step
from avqa_core.types import LossTerm, LossTerms
from tests.factories import make_batch
from tests.training.trainers import make_trainer
from tests.training.worlds import write_world

ROOT = Path(__file__).resolve().parents[2]
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def _start(out: Path, world: Path, launcher: tuple[str, ...] = ()) -> subprocess.Popen:
    out.mkdir()
    command = [sys.executable, *launcher, "-m", "tests.training.one_of_two", str(world), str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path):
    world = write_world(tmp_path / "world")
    one, two = tmp_path / "one", tmp_path / "two"
    for process in [_start(one, world), _start(two, world, TORCHRUN)]:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said.decode()
    losses, scores = json.loads((one / "events-0.json").read_text())
    weights = load_file(one / "weights-0.safetensors")
    gradients = load_file(one / "gradients-0.safetensors")
    assert max(float(gradient.abs().max()) for gradient in gradients.values()) > 1e-2
    for rank in (0, 1):
        their_losses, their_scores = json.loads((two / f"events-{rank}.json").read_text())
        assert their_scores == scores
        for mine, theirs in zip(losses, their_losses, strict=True):
            assert theirs == pytest.approx(mine, abs=1e-6, rel=1e-6)
        their_gradients = load_file(two / f"gradients-{rank}.safetensors")
        torch.testing.assert_close(their_gradients, gradients, atol=1e-6, rtol=1e-6)
        their_weights = load_file(two / f"weights-{rank}.safetensors")
        assert their_weights.keys() == weights.keys()
        for name, weight in weights.items():
            # A bias of attention keys changes nothing: its gradient is zero but for rounding, and
            # Adam divides rounding by itself.
            is_real = gradients[name].abs() > 1e-8 if name in gradients else ...
            torch.testing.assert_close(
                their_weights[name][is_real], weight[is_real], atol=1e-6, rtol=1e-6
            )
    # One process writes, and what it writes is what one process alone would have written.
    log = (two / "run" / "events.jsonl").read_text().splitlines()
    assert len(log) == len((one / "run" / "events.jsonl").read_text().splitlines())


def test_three_steps_move_weights_by_far_more_than_the_tolerance(data):
    trainer = make_trainer(data, learning_rate=1e-4, num_steps=3, validate=False)
    before = {name: p.detach().clone() for name, p in trainer.trained.items()}
    list(trainer.run())
    moved = [float((trainer.trained[n].detach() - p).abs().max()) for n, p in before.items()]
    assert max(moved) > 1e-4


def test_shares_of_all_processes_cover_everything_once():
    shares = [Processes(rank, 3).share(10) for rank in range(3)]
    assert sorted(position for share in shares for position in share) == list(range(10))


def test_alone_is_the_only_process():
    with joined(torch.device("cpu")) as processes:
        assert processes == ALONE
        assert processes.is_main
        values = torch.arange(3.0)
        assert processes.sum(values) is values


def test_terms_cross_the_wrapper_unchanged():
    class Fixed(nn.Module):
        def forward(self, batch, generator):
            return LossTerms({"one": LossTerm(torch.tensor(6.0), torch.tensor(3.0), 0.5)})

    parallel = ParallelLoss(Fixed(), ALONE, torch.device("cpu"))
    terms = parallel(make_batch(), torch.Generator())
    assert float(terms.total()) == 1.0
    assert terms["one"].weight == 0.5


@pytest.mark.parametrize("name", ["tpu9", "cuda:999", "quantum"])
def test_an_impossible_device_is_a_typed_error(name):
    with pytest.raises(ConfigError, match="device: expected"):
        resolve_device(name)


class Pretended(Processes):
    """One of two processes, the other of which says what the test says."""

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        return values + torch.tensor(self.OTHER)

    OTHER = 0.0


def test_processes_fail_together():
    class Broken(Pretended):
        OTHER = 1.0

    with Pretended(1, 2).following("the folder is locked"):
        pass
    with (
        pytest.raises(CheckpointError, match="the folder is locked"),
        Broken(1, 2).following("the folder is locked"),
    ):
        pass
    with pytest.raises(ConfigError, match="mine"), Pretended(0, 2).following("never said"):
        raise ConfigError("mine")


def test_the_others_hear_of_any_error_of_one():
    """A full disk is none of our errors, and a process that waits for one more waits for ever."""

    class Told(Pretended):
        SAID: ClassVar[list[float]] = []

        def sum(self, values: torch.Tensor) -> torch.Tensor:
            self.SAID.append(float(values))
            return values

    with pytest.raises(OSError, match="full"), Told(0, 2).following("never said"):
        raise OSError("disk full")
    assert Told.SAID == [1.0]


def test_processes_that_see_different_folders_are_found_out(tmp_path):
    class Ahead(Pretended):
        OTHER = 7.0

    check_same_step(ALONE, 3, tmp_path)
    with pytest.raises(CheckpointError, match="share"):
        check_same_step(Ahead(1, 2), 3, tmp_path)
