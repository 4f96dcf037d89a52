"""Bandstand's own encoders as choices of the extractor: films of the built-in world need no other.

Their weights come with the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtyping import Float, UInt8
from torch import Tensor

from avqa_core.bandstand.encoders import WEIGHTS, BandstandEncoders, load_encoders
from avqa_core.checksums import sha256
from avqa_core.encoders.base import AudioEncoder, OfOneNetwork, VisualEncoder


class BandstandAudio(OfOneNetwork, AudioEncoder):
    """Seconds of sound -> 128 channels."""

    name = "bandstand"
    _network: BandstandEncoders

    def __init__(self, encoders: BandstandEncoders, weights_hash: str) -> None:
        self._network, self.weights_hash = encoders, weights_hash
        (self.width,) = encoders.audio_shape

    @classmethod
    def load(cls, places: Sequence[Path] = ()) -> BandstandAudio:
        """Load the weights of the package; ``places`` are for other encoders."""
        return cls(load_encoders(), sha256(WEIGHTS / "audio.safetensors"))

    def __call__(self, seconds: Float[Tensor, "n 16000"]) -> Float[Tensor, "n 128"]:
        """Return the feature of each second."""
        return self._network.audio(seconds)[:, 0]


class BandstandVisual(OfOneNetwork, VisualEncoder):
    """Pictures of 192 x 288 -> ``visual`` ``[64, 4, 6]``."""

    name = "bandstand"
    _network: BandstandEncoders

    def __init__(self, encoders: BandstandEncoders, weights_hash: str) -> None:
        self._network, self.weights_hash = encoders, weights_hash
        self.shapes = {"visual": encoders.visual_shape}

    @classmethod
    def load(cls, places: Sequence[Path] = ()) -> BandstandVisual:
        """Load the weights of the package; ``places`` are for other encoders."""
        return cls(load_encoders(), sha256(WEIGHTS / "visual.safetensors"))

    def __call__(
        self, pictures: UInt8[Tensor, "n 192 288 3"]
    ) -> Mapping[str, Float[Tensor, "n 64 4 6"]]:
        """Return the map of each picture."""
        return {"visual": self._network.visual(pictures)}
