"""Weights: found or not, read without running anything, and checked by name."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from avqa_core.checksums import sha256
from avqa_core.encoders.weights import find_weights, fit
from avqa_core.errors import FeatureError


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)


def empty() -> Small:
    with torch.device("meta"):
        return Small()


def test_a_file_is_found_in_a_folder_or_by_itself(tmp_path):
    path = tmp_path / "ResNet18-mine.pth"
    torch.save({}, path)
    (tmp_path / "resnet18.txt").touch()
    (tmp_path / "resnet18.pth").mkdir()
    for places in ([tmp_path], [path], [tmp_path / "nowhere", tmp_path], [tmp_path, path]):
        assert find_weights("resnet18", places, "it") == path
    torch.save({}, tmp_path / "resnet18-other.pt")
    with pytest.raises(FeatureError, match=r"expected one file.*mine.*other"):
        find_weights("resnet18", [tmp_path], "it")


def test_every_wrong_name_is_told(tmp_path):
    state = dict(Small().state_dict())
    state["map.weight"] = torch.zeros(3, 5)
    state["head.bias"] = state.pop("map.bias")
    del state["norm.running_var"]
    with pytest.raises(FeatureError) as caught:
        fit(empty(), state, tmp_path / "a.pth")
    for told in (
        "missing: map.bias, norm.running_var",
        "unknown: head.bias",
        "of another shape: map.weight [3, 5] instead of [3, 2]",
    ):
        assert told in str(caught.value)


def test_a_fitted_network_is_frozen_and_holds_the_values(tmp_path):
    state = {name: one for name, one in Small().state_dict().items() if "num_b" not in name}
    state["fc.bias"] = torch.zeros(2)
    network = fit(empty(), state, tmp_path / "a.pth", unused=("fc.bias",))
    assert torch.equal(network.map.weight, state["map.weight"])
    assert not network.training and not any(one.requires_grad for one in network.parameters())


def test_weights_in_half_precision_become_single(tmp_path):
    network = fit(empty(), Small().half().state_dict(), tmp_path / "a.pth")
    assert {one.dtype for one in network.parameters()} == {torch.float32}


def test_the_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"ab")
    (tmp_path / "b").write_bytes(b"c")
    # SHA-256 of "abc", as its standard prints it.
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "a", tmp_path / "b") == wanted
