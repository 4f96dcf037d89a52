from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from avqa_core import rng
from avqa_core.encoders.vggish import VGGish, VGGishEncoder
from avqa_core.errors import FeatureError
from avqa_core.media.log_mel import log_mel


def narrow() -> VGGish:
    with rng.initialising(0):
        return VGGish((4, 6, 8, 10), hidden=16, width=12).eval()


def test_parameters_are_those_of_the_published_file():
    with torch.device("meta"):
        network = VGGish()
    shapes = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    numbers = {name.split(".")[1] for name in shapes if name.startswith("features")}
    assert numbers == {"0", "3", "6", "8", "11", "13"}
    assert shapes["features.0.weight"] == (64, 1, 3, 3)
    assert shapes["embeddings.0.weight"] == (4096, 512 * 6 * 4)
    assert shapes["embeddings.4.weight"] == (128, 4096)
    # 640 + 73,856 + 295,168 + 590,080 + 1,180,160 + 2,359,808 in the convolutions,
    # 50,335,744 + 16,781,312 + 524,416 behind them.
    assert sum(math.prod(shape) for shape in shapes.values()) == 72_141_184


def test_what_goes_into_the_linear_maps_is_time_then_pitch_then_channel():
    network = narrow()
    maps = torch.arange(10.0 * 6 * 4).reshape(1, 10, 6, 4)
    network.features = nn.Sequential(_Constant(maps))
    network.embeddings = nn.Sequential(nn.Identity())
    (flat,) = network(torch.zeros(1, 96, 64))
    # Channel 3 at time 2 and pitch 1 comes after 2 times of 4 pitches and 1 pitch, 10 each.
    assert flat[(2 * 4 + 1) * 10 + 3] == maps[0, 3, 2, 1]
    assert flat[7] == maps[0, 7, 0, 0] and flat[-1] == maps[0, -1, -1, -1]


class _Constant(nn.Module):
    def __init__(self, maps: torch.Tensor) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return self.maps


def test_a_feature_is_that_of_its_own_second_and_has_no_negative_values():
    encoder = VGGishEncoder(narrow(), "")
    times = torch.arange(16_000) / 16_000
    seconds = torch.stack([torch.sin(2 * math.pi * hertz * times) for hertz in (200, 2_000)])
    features = encoder(seconds)
    assert features.shape == (2, encoder.width) == (2, 12)
    assert features.min() >= 0.0 and (features[0] - features[1]).abs().max() > 1e-4
    torch.testing.assert_close(encoder(seconds[1:]), features[1:])
    torch.testing.assert_close(features, narrow()(log_mel(seconds)[:, 0]))


def test_other_weights_are_refused_by_name(tmp_path):
    torch.save(narrow().state_dict() | {"pca": torch.zeros(2)}, tmp_path / "vggish-narrow.pth")
    with pytest.raises(FeatureError, match=r"unknown: pca; of another shape: embeddings\.0\.bias"):
        VGGishEncoder.load([tmp_path / "vggish-narrow.pth"])


def test_a_missing_file_says_where_it_is_published(tmp_path):
    with pytest.raises(FeatureError, match="harritaylor/torchvggish"):
        VGGishEncoder.load([tmp_path])
