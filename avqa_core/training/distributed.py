"""Many processes as one: the only file that imports ``torch.distributed``.

A run under ``torchrun`` finds its place in the environment; any other run is alone, takes the
same path through the trainer, and all of this does nothing.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from avqa_core.errors import CheckpointError, ConfigError
from avqa_core.types import FeatureBatch, LossTerm, LossTerms

# Running statistics are shared where they are gathered, so buffers are the same everywhere already.
# Newer torch has a new name for this and warns about the old one.
_SYNC_BUFFERS = next(
    name
    for name in ("forward_sync_buffers", "broadcast_buffers")
    if name in inspect.signature(DistributedDataParallel).parameters
)
_Flat = dict[str, tuple[Tensor, Tensor, float]]


@dataclass(frozen=True, slots=True)
class Processes:
    """Which process of how many this is, and the device whose tensors the processes exchange."""

    rank: int = 0
    world_size: int = 1
    device: str = "cpu"

    @property
    def is_main(self) -> bool:
        """Whether this process writes files; exactly one does."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of ``values`` over all processes, the same everywhere."""
        if self.world_size == 1:
            return values
        summed = values.to(self.device, copy=True)
        distributed.all_reduce(summed)
        return summed.to(values.device)

    def share(self, num_items: int) -> range:
        """Return the positions this process takes out of ``num_items``."""
        return range(self.rank, num_items, self.world_size)

    @contextmanager
    def following(self, otherwise: str) -> Iterator[None]:
        """Let one process do something that the others rely on, and fail together.

        Args:
            otherwise: what went wrong, for the processes that only hear of it.

        Raises:
            CheckpointError: another process raised an error in the block.
        """
        try:
            yield
        except Exception:
            self.sum(torch.ones(()))
            raise
        if float(self.sum(torch.zeros(()))) > 0:
            raise CheckpointError(f"expected every process to start, got: {otherwise}")

    def wait(self) -> None:
        """Wait until every process has come this far."""
        if self.world_size > 1:
            distributed.barrier()


ALONE = Processes()


class ParallelLoss(nn.Module):
    """A loss module, wrapped so that gradients are averaged over all processes.

    DistributedDataParallel looks for tensors in tuples and dicts only; losses it does not see
    would count as unused and their gradients stay unsynchronised. So they cross it as a dict.
    """

    def __init__(self, loss_module: nn.Module, processes: Processes, device: torch.device) -> None:
        super().__init__()
        self.inner: nn.Module = _FlatLoss(loss_module)
        if processes.world_size > 1:
            self.inner = DistributedDataParallel(
                self.inner,
                device_ids=[device.index] if device.type == "cuda" else None,
                find_unused_parameters=True,
                **cast(dict[str, Any], {_SYNC_BUFFERS: False}),
            )

    def forward(self, batch: FeatureBatch, generator: torch.Generator) -> LossTerms:
        """Return the loss terms of the rows of this process."""
        flat = cast(_Flat, self.inner(batch, generator))
        return LossTerms({name: LossTerm(*term) for name, term in flat.items()})

    def without_sync(self) -> AbstractContextManager[None]:
        """Return a block in which backward passes add up locally, for accumulation."""
        if isinstance(self.inner, DistributedDataParallel):
            return cast("AbstractContextManager[None]", self.inner.no_sync())
        return nullcontext()


class _FlatLoss(nn.Module):
    """Hand on loss terms as a plain dict."""

    def __init__(self, loss_module: nn.Module) -> None:
        super().__init__()
        self.loss_module = loss_module

    def forward(self, batch: FeatureBatch, generator: torch.Generator) -> _Flat:
        terms: LossTerms = self.loss_module(batch, generator)
        return {name: (term.total, term.count, term.weight) for name, term in terms.items()}


def is_main_process() -> bool:
    """Tell from the environment whether this is the process that speaks, also after the end."""
    return int(os.environ.get("RANK", "0")) == 0


def resolve_device(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` takes a GPU where there is one.

    Raises:
        ConfigError: no such device on this machine.
    """
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(
            f"device: expected auto, cpu, cuda or cuda:N, got {name!r}: check the spelling"
        ) from error
    if device.type == "cuda":
        index = local_rank if device.index is None else device.index
        # An index beyond 127 comes back negative from torch.
        if not 0 <= index < torch.cuda.device_count():
            raise ConfigError(
                f"device: expected one of {torch.cuda.device_count()} CUDA devices, got {name!r} "
                f"for local process {local_rank}: use --device cpu or start fewer processes"
            )
        device = torch.device("cuda", index)
        torch.cuda.set_device(device)
    return device


@contextmanager
def joined(device: torch.device, timeout_minutes: float = 30.0) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, and leave them at the end of the block."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield ALONE
        return
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo", timeout=timedelta(minutes=timeout_minutes)
    )
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size(), str(device))
    finally:
        distributed.destroy_process_group()
