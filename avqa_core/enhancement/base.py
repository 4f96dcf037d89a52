"""The protocol of enhancers: refine a completed pair before it is answered from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from avqa_core.config import PartConfig
from avqa_core.registry import Registry
from avqa_core.types import Enhancement, Features, LossTerms


class Enhancer(nn.Module, ABC):
    """Any method that refines a pair of features; AVR diffusion is one."""

    @abstractmethod
    def enhance(
        self,
        pair: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Enhancement:
        """Return the refined pair; ``availability`` tells which half of it is pseudo."""

    def observe(self, features: Features, present: Bool[Tensor, "B T 2"]) -> None:
        """Take note of real features, once a step of every regime that trains an enhancer.

        Args:
            features: real features.
            present: where they really are real; nothing else may be read.
        """
        return

    @property
    def learns_from_answers_alone(self) -> bool:
        """Whether some of its parameters learn nothing unless answers are used."""
        return False

    def loss(
        self,
        features: Features,
        present: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> LossTerms:
        """Return the terms this enhancer trains with on real pairs, possibly none.

        Args:
            features: real features.
            present: where they really are real; a pair with an absent half must be skipped.
            generator: source of noise and steps.
        """
        return LossTerms()

    def reconstruction_loss(
        self,
        features: Features,
        enhancement: Enhancement,
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return terms that compare an enhanced pair with the real one, possibly none."""
        return LossTerms()


enhancers: Registry[Enhancer] = Registry("enhancer", __package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancerConfig(PartConfig):
    """Base of enhancer configs."""

    registry: ClassVar[Registry[Enhancer]] = enhancers
