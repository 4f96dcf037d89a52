"""The protocol of backbones: AVQA answer networks, split where features are completed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from avqa_core.config import PartConfig, require_at_least
from avqa_core.registry import Registry
from avqa_core.types import Answers, FeatureBatch, FeatureDims, Features, LossTerms


class Backbone(nn.Module, ABC):
    """An AVQA network in two halves: ``encode`` before the completer, ``answer`` after it.

    Attributes:
        channels: C.
        needs_negatives: whether ``loss`` wants ``negative_visual`` in the batch.
        reads_prompts: whether ``answer`` looks at the ``prompts`` of its features.
    """

    channels: int
    needs_negatives: bool = False
    reads_prompts: bool = False

    @property
    @abstractmethod
    def answer_layer(self) -> nn.Module:
        """Return the last layer, from the fused vector to the answers; it is inside ``answer``."""

    @abstractmethod
    def encode(self, batch: FeatureBatch) -> Features:
        """Return f^a, f^v, f^t; absent rows of ``batch`` are already zero."""

    @abstractmethod
    def answer(self, features: Features) -> Answers:
        """Return answer logits; nothing in here may look at raw inputs."""

    def loss(self, features: Features, answers: Answers, batch: FeatureBatch) -> LossTerms:
        """Return auxiliary terms beside the answer loss, such as AVST's matching, possibly none."""
        return LossTerms()


def map_projection(dims: FeatureDims, channels: int) -> nn.Module:
    """Return what takes stored maps ``[B, D, H, W]`` to f^v ``[B, C, H, W]``.

    With maps as wide as C, as in the paper, f^v is the stored map itself.
    """
    if dims.visual_width == channels:
        return nn.Identity()
    return nn.Conv2d(dims.visual_width, channels, 1)


backbones: Registry[Backbone] = Registry("backbone", __package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneConfig(PartConfig):
    """Base of backbone configs; ``channels`` is the C that the whole model works with."""

    registry: ClassVar[Registry[Backbone]] = backbones

    channels: int = 512

    def __post_init__(self) -> None:
        require_at_least(type(self).__name__, self, 1, "channels")
