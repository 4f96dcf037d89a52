from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from avqa_core import rng
from avqa_core.encoders.resnet18 import BasicBlock, ResNet18, ResNet18Encoder, normalised
from avqa_core.errors import FeatureError


def random_network() -> ResNet18:
    with rng.initialising(0):
        return ResNet18().eval()


def transparent() -> ResNet18:
    """Return a narrow network that hands red through: every path around a block is the identity."""
    network = ResNet18((1, 1, 1, 2)).eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.fill_(1.0 if ("bn" in name or "downsample" in name) and "weight" in name else 0.0)
        network.conv1.weight[0, 0, 3, 3] = 1.0
    return network


def test_parameters_are_those_of_the_published_file():
    with torch.device("meta"):
        network = ResNet18()
    # 11,689,512 parameters with the classifier of 512 x 1000 + 1000, which is left out.
    assert sum(one.numel() for one in network.parameters()) == 11_689_512 - 513_000
    shapes = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    assert shapes["conv1.weight"] == (64, 3, 7, 7)
    assert shapes["layer1.0.bn1.running_mean"] == (64,)
    assert shapes["layer2.0.downsample.0.weight"] == (128, 64, 1, 1)
    assert shapes["layer4.1.conv2.weight"] == (512, 512, 3, 3)
    assert "layer1.0.downsample.0.weight" not in shapes


def test_pictures_are_normalised_with_the_statistics_of_the_recipe():
    white, black = normalised(torch.tensor([[[[255] * 3]], [[[0] * 3]]], dtype=torch.uint8))
    # (1 - 0.43216) / 0.22803, (1 - 0.394666) / 0.22145, (1 - 0.37645) / 0.216989
    torch.testing.assert_close(
        white.flatten(), torch.tensor([2.49020, 2.73350, 2.87365]), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(
        black.flatten(), torch.tensor([-1.89519, -1.78219, -1.73488]), atol=1e-4, rtol=0
    )


def test_the_map_has_the_picture_the_right_way_round():
    picture = torch.zeros(1, 224, 224, 3, dtype=torch.uint8)
    picture[:, :, 112:] = 255  # white on the right
    (image,) = ResNet18Encoder(transparent(), "")(picture)["visual"]
    assert image.shape == (2, 14, 14)
    # Red comes through as 2.4902, divided four times by sqrt(1 + 1e-5): the first normalisation and
    # one on the way around each change of size. Black is below zero, and the ReLU takes it.
    assert image[0, :, 8:].flatten().tolist() == pytest.approx([2.49020 * 0.99998] * 84, rel=1e-4)
    assert image[0, :, :6].abs().max() == 0.0


@pytest.mark.parametrize(("first", "second", "wanted"), [(2, 1, 9), (-1, 1, 3), (1, -2, 0)])
def test_a_block_has_a_relu_inside_and_one_behind_the_sum(first, second, wanted):
    """ReLU(second * ReLU(first * 3) + 3), but for two normalisations by sqrt(1 + 1e-5)."""
    block = BasicBlock(1, 1, 1).eval()
    with torch.no_grad():
        for convolution, value in ((block.conv1, first), (block.conv2, second)):
            convolution.weight.zero_()[0, 0, 1, 1] = value
        assert block(torch.full((1, 1, 1, 1), 3.0)).item() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("column", "places"), [(12, []), (14, [[0, 1]]), (16, [[0, 1]]), (18, [[0, 1]]), (20, [])]
)
def test_a_place_of_the_map_has_the_brightest_of_three_by_three(column, places):
    """Every second pixel is convolved, every second of those is the middle of a window.

    Of the windows the layers keep every fourth: place 1 has the pixels 16 - 2, 16 and 16 + 2.
    """
    picture = torch.zeros(1, 3, 32, 32)
    picture[0, 0, 0, column] = 1.0
    assert transparent()(picture)[0, 0].nonzero().tolist() == places


def test_a_picture_becomes_a_map_without_negative_values():
    picture = torch.randint(
        0, 256, (2, 224, 224, 3), generator=rng.named(0, "pictures"), dtype=torch.uint8
    )
    maps = ResNet18Encoder(random_network(), "")(picture)["visual"]
    assert maps.shape == (2, 512, 14, 14)
    assert maps.min() == 0.0 and maps.max() > 0.0


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_published_file_loads_with_its_classifier(tmp_path, suffix):
    network = random_network()
    # torchvision's file has a classifier, and older ones no counters of batches.
    state = {
        name: one for name, one in network.state_dict().items() if "num_batches" not in name
    } | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    path = tmp_path / f"resnet18-f37072fd{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    encoder = ResNet18Encoder.load([tmp_path])
    picture = torch.full((1, 224, 224, 3), 90, dtype=torch.uint8)
    wanted = ResNet18Encoder(network, "")(picture)["visual"]
    torch.testing.assert_close(encoder(picture)["visual"], wanted)
    assert len(encoder.weights_hash) == 64


def test_nothing_is_downloaded(tmp_path):
    with pytest.raises(FeatureError, match=r"get resnet18-f37072fd\.pth of torchvision"):
        ResNet18Encoder.load([tmp_path])
    with pytest.raises(FeatureError, match="no place, got none"):
        ResNet18Encoder.load([])
