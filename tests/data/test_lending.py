"""Memory is lent again when, and only when, nobody holds it any more."""

from __future__ import annotations

import gc
import pickle

import pytest
import torch

from avqa_core.data import lending
from avqa_core.data.lending import MOST_IDLE, Lender


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "LARGE_BYTES", 0)


def test_memory_is_used_again_once_it_is_free():
    lender = Lender()
    first = lender.empty((4, 8))
    assert first.shape == (4, 8) and first.dtype == torch.float32
    place = first.data_ptr()
    del first
    assert lender.empty((8, 4)).data_ptr() == place
    assert lender.empty((8, 5)).data_ptr() != place, "another size"


@pytest.mark.parametrize(
    "keep",
    [
        lambda tensor: tensor,
        lambda tensor: tensor[1:, 2],
        lambda tensor: tensor.flatten(0),
        lambda tensor: tensor.detach(),
        lambda tensor: tensor.numpy(),
        lambda tensor: tensor.numpy()[1:].reshape(-1),
        lambda tensor: tensor.untyped_storage(),
        lambda tensor: memoryview(tensor.numpy()),
        lambda tensor: (torch.ones(8, requires_grad=True) * tensor).sum(),
    ],
)
def test_what_anybody_holds_is_not_lent_again(keep):
    lender = Lender()
    first = lender.empty((4, 8))
    place = first.data_ptr()
    held = keep(first)
    del first
    gc.collect()
    others = [lender.empty((4, 8)) for _ in range(2 * MOST_IDLE)]
    assert place not in {one.data_ptr() for one in others}
    del held, others
    gc.collect()
    assert len(lender._idle) == MOST_IDLE


def test_only_few_blocks_lie_idle_and_none_travels_to_another_process():
    lender = Lender()
    lent = [lender.empty((4, 8)) for _ in range(3 * MOST_IDLE)]
    del lent
    assert len(lender._idle) == MOST_IDLE
    assert not pickle.loads(pickle.dumps(lender))._idle


def test_tensors_outlive_their_lender():
    tensor = Lender().empty((4, 8)).fill_(3)
    gc.collect()
    assert (tensor == 3).all()


def test_small_arrays_are_left_to_the_system(monkeypatch):
    monkeypatch.setattr(lending, "LARGE_BYTES", 4 * 32)
    lender = Lender()
    assert lender.empty((4, 8)).shape == (4, 8)
    assert not lender._idle
