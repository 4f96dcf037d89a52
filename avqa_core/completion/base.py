"""The protocol of completers: fill in what is absent from what is present."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from avqa_core.config import PartConfig
from avqa_core.registry import Registry
from avqa_core.types import Completion, Features, LossTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class GridDims:
    """Sizes after projection, which completers and enhancers are built for."""

    channels: int
    num_segments: int
    height: int
    width: int


class Completer(nn.Module, ABC):
    """Any method that fills in an absent modality.

    A completer sees features that are already zero where absent, and must not read them there.

    Attributes:
        keeps_present: whether what is present beside an absent half goes on as it was.
        makes_prompts: whether it hands on ``prompts``, which not every backbone reads.
    """

    keeps_present: bool = True
    makes_prompts: bool = False

    @abstractmethod
    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Return the pair with every absent segment filled in."""

    def fit(self, features: Iterable[Features], *, generator: torch.Generator) -> None:
        """Take in encoded training clips before training or evaluation; most need nothing.

        Args:
            features: batches of the training split with both modalities present.
            generator: chooses among the clips, where not all of them are kept.
        """
        return

    def loss(
        self,
        features: Features,
        completion: Completion,
        availability: Bool[Tensor, "B T 2"],
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return the terms this completer trains with, possibly none.

        Args:
            features: real features, the targets.
            completion: what ``complete`` returned for ``availability``.
            availability: what ``complete`` was allowed to see.
            present: where ``features`` really is real; a target elsewhere must be skipped.
        """
        return LossTerms()


completers: Registry[Completer] = Registry("completer", __package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleterConfig(PartConfig):
    """Base of completer configs."""

    registry: ClassVar[Registry[Completer]] = completers
