"""VGGish: the log-mel patch of one second -> 128 numbers, values >= 0.

Hershey et al. (ICASSP 2017), in the form in which MUSIC-AVQA uses it: after the last ReLU, without
the PCA and the quantisation that AudioSet's release puts behind it. Parameters are named as the
common PyTorch port names them, so that its file loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from avqa_core.encoders.base import AudioEncoder, OfOneNetwork
from avqa_core.encoders.weights import published_network
from avqa_core.media.log_mel import NUM_BANDS, NUM_FRAMES, log_mel

WIDTHS = (64, 128, 256, 512)
HIDDEN = 4096
WIDTH = 128
PUBLISHED = (
    "vggish-10086976.pth of harritaylor/torchvggish "
    "(https://github.com/harritaylor/torchvggish/releases)"
)


class VGGish(nn.Module):
    """Six convolutions and three linear maps, each followed by a ReLU.

    Args:
        widths: channels after each of the four halvings; other than the published ones in tests.
        hidden: width of the linear maps in between.
        width: of the feature.
    """

    def __init__(
        self, widths: Sequence[int] = WIDTHS, hidden: int = HIDDEN, width: int = WIDTH
    ) -> None:
        super().__init__()
        self.width = width
        first, second, third, fourth = widths
        self.features = nn.Sequential(
            *_convolution(1, first), nn.MaxPool2d(2, 2),
            *_convolution(first, second), nn.MaxPool2d(2, 2),
            *_convolution(second, third), *_convolution(third, third), nn.MaxPool2d(2, 2),
            *_convolution(third, fourth), *_convolution(fourth, fourth), nn.MaxPool2d(2, 2),
        )  # fmt: skip
        num_flat = fourth * (NUM_FRAMES // 16) * (NUM_BANDS // 16)
        self.embeddings = nn.Sequential(
            nn.Linear(num_flat, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, width), nn.ReLU(),
        )  # fmt: skip

    def forward(self, patches: Float[Tensor, "n 96 64"]) -> Float[Tensor, "n D"]:
        """Return the feature of each log-mel patch."""
        maps = self.features(patches[:, None])
        # The weights come from a program that keeps channels last: time, then pitch, then channel.
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))


class VGGishEncoder(OfOneNetwork, AudioEncoder):
    """Seconds of sound -> features, one patch each."""

    name = "vggish"

    def __init__(self, network: VGGish, weights_hash: str) -> None:
        self._network, self.weights_hash, self.width = network, weights_hash, network.width

    @classmethod
    def load(cls, places: Sequence[Path]) -> VGGishEncoder:
        """Load the published weights from a file or folder that the user named.

        Raises:
            FeatureError: they are not there, or are others.
            CheckpointError: the file cannot be read, or holds more than tensors.
        """
        return cls(*published_network(VGGish, "vggish", places, PUBLISHED))

    @torch.inference_mode()
    def __call__(self, seconds: Float[Tensor, "n 16000"]) -> Float[Tensor, "n D"]:
        """Return the feature of each second."""
        return self._network(log_mel(seconds.to(self.device))[:, 0])


def _convolution(num_inputs: int, width: int) -> list[nn.Module]:
    return [nn.Conv2d(num_inputs, width, 3, padding=1), nn.ReLU()]
