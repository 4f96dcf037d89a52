"""ImageNet's ResNet-18 without its last stride: a picture of 224 x 224 -> 512 channels on 14 x 14.

He, Zhang, Ren and Sun (CVPR 2016); parameters are named as torchvision names them, so that its file
loads. MUSIC-AVQA's visual features come from here: layer4 keeps the grid of layer3 (stride 1, no
dilation), nothing is pooled, and the last ReLU stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.encoders.base import OfOneNetwork, VisualEncoder
from avqa_core.encoders.weights import published_network

SIDE = 224
WIDTHS = (64, 128, 256, 512)
# The recipe has the statistics of a video network here, not ImageNet's; features follow the recipe.
MEAN = (0.43216, 0.394666, 0.37645)
SPREAD = (0.22803, 0.22145, 0.216989)
PUBLISHED = "resnet18-f37072fd.pth of torchvision (https://download.pytorch.org/models/)"
CLASSIFIER = ("fc.weight", "fc.bias")


class BasicBlock(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, num_inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or num_inputs != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(num_inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, maps: Float[Tensor, "n D y x"]) -> Float[Tensor, "n E h w"]:
        """Return the maps after the block."""
        around = maps if self.downsample is None else self.downsample(maps)
        through = functional.relu(self.bn1(self.conv1(maps)))
        return functional.relu(self.bn2(self.conv2(through)) + around)


class ResNet18(nn.Module):
    """The convolutions of ResNet-18, layer4 with stride 1.

    Args:
        widths: channels of the four layers; other than the published ones only in tests.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.width = fourth
        self.conv1 = nn.Conv2d(3, first, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.layer1 = _layer(first, first, 1)
        self.layer2 = _layer(first, second, 2)
        self.layer3 = _layer(second, third, 2)
        self.layer4 = _layer(third, fourth, 1)

    def forward(self, pictures: Float[Tensor, "n 3 Y X"]) -> Float[Tensor, "n E Y//16 X//16"]:
        """Return the maps of layer4, after its ReLU, of normalised pictures."""
        maps = functional.relu(self.bn1(self.conv1(pictures)))
        maps = functional.max_pool2d(maps, 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(maps))))


def normalised(pictures: UInt8[Tensor, "n Y X 3"]) -> Float[Tensor, "n 3 Y X"]:
    """Return pictures scaled to [0, 1] and normalised with the statistics of the recipe."""
    planes = pictures.permute(0, 3, 1, 2).float() / 255.0
    mean, spread = (planes.new_tensor(one)[:, None, None] for one in (MEAN, SPREAD))
    return (planes - mean) / spread


class ResNet18Encoder(OfOneNetwork, VisualEncoder):
    """Pictures of 224 x 224 -> ``visual`` ``[512, 14, 14]``, values >= 0."""

    name = "resnet18"

    def __init__(self, network: ResNet18, weights_hash: str) -> None:
        self._network, self.weights_hash = network, weights_hash
        self.shapes = {"visual": (network.width, SIDE // 16, SIDE // 16)}

    @classmethod
    def load(cls, places: Sequence[Path]) -> ResNet18Encoder:
        """Load the published weights from a file or folder that the user named.

        Raises:
            FeatureError: they are not there, or are others.
            CheckpointError: the file cannot be read, or holds more than tensors.
        """
        return cls(*published_network(ResNet18, "resnet18", places, PUBLISHED, CLASSIFIER))

    @torch.inference_mode()
    def __call__(
        self, pictures: UInt8[Tensor, "n 224 224 3"]
    ) -> Mapping[str, Float[Tensor, "n E 14 14"]]:
        """Return the map of each picture."""
        return {"visual": self._network(normalised(pictures.to(self.device)))}


def _layer(num_inputs: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(num_inputs, width, stride), BasicBlock(width, width, 1))
