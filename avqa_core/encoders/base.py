"""What every encoder is: frozen, offline, raw media in and features out.

An encoder is made from weights that the user has; none is ever downloaded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TypeVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

Own = TypeVar("Own", bound="OfOneNetwork")
Shapes = Mapping[str, tuple[int, ...]]


class OfOneNetwork:
    """An encoder that is one network and nothing else."""

    _network: nn.Module

    def to(self: Own, device: torch.device | str) -> Own:
        """Move the network."""
        self._network.to(device)
        return self

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self._network.parameters()).device


class AudioEncoder(ABC):
    """Seconds of sound -> features.

    Attributes:
        name: as on the command line.
        width: of a feature.
        weights_hash: of the file that the weights came from, for the provenance of a store.
    """

    name: str
    width: int
    weights_hash: str

    @abstractmethod
    def to(self, device: torch.device | str) -> AudioEncoder:
        """Move the network; features come back on the same device."""

    @abstractmethod
    def __call__(self, seconds: Float[Tensor, "n 16000"]) -> Float[Tensor, "n width"]:
        """Return the feature of each second of mono sound at 16 kHz."""


class VisualEncoder(ABC):
    """Pictures -> features.

    Attributes:
        name: as on the command line.
        shapes: the named arrays of one picture; ``visual`` is ``[E, H, W]``.
        weights_hash: of the file that the weights came from, for the provenance of a store.
    """

    name: str
    shapes: Shapes
    weights_hash: str

    @abstractmethod
    def to(self, device: torch.device | str) -> VisualEncoder:
        """Move the network; features come back on the same device."""

    @abstractmethod
    def __call__(
        self, pictures: UInt8[Tensor, "n height width 3"]
    ) -> Mapping[str, Float[Tensor, "n ..."]]:
        """Return the named arrays of pictures that are already of the encoder's size."""
