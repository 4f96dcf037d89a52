"""Segments that a sensor lost, as a person names them, and what tables call what is left."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from avqa_core.config import require
from avqa_core.data.availability import Scenario
from avqa_core.errors import ConfigError
from avqa_core.types import Modality

_GAP = re.compile(r"(audio|visual):(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True)
class Gap:
    """Segments that a sensor lost, from the first to the last, both included, counted from 0."""

    modality: str
    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Gap:
        """Read a gap as it is written on a command line: ``audio:3-6``, or ``visual:0``.

        Raises:
            ConfigError: it is written otherwise, or ends before it begins.
        """
        found = _GAP.fullmatch(text.strip())
        first, last = (int(found[2]), int(found[3] or found[2])) if found else (0, -1)
        if found is None or last < first:
            raise ConfigError(
                "--drop: expected a modality and segments from the first to the last, such as "
                f"audio:3-6 or visual:0, got {text!r}: segments count from 0"
            )
        return cls(found[1], first, last)

    def take_from(self, availability: Bool[Tensor, "B T 2"]) -> None:
        """Mark the segments as absent, in place.

        Raises:
            ConfigError: the clips have fewer segments.
        """
        num_segments = availability.shape[1]
        require(
            self.last < num_segments,
            f"--drop: expected segments from 0 to {num_segments - 1}, as the run has "
            f"{num_segments}, got {self.modality}:{self.first}-{self.last}: name others",
        )
        availability[:, self.first : self.last + 1, Modality[self.modality.upper()]] = False

    def __str__(self) -> str:
        span = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{self.modality} lost in segment{'s' * (self.last > self.first)} {span}, as asked"


def scenario(availability: Bool[Tensor, "T 2"]) -> str:
    """Return what is missing as tables name it; gaps by how many segments they are in all."""
    lost = {
        name: int((~availability[:, modality]).sum())
        for name, modality in (("audio", Modality.AUDIO), ("visual", Modality.VISUAL))
    }
    whole = {name: number == len(availability) for name, number in lost.items()}
    return str(
        Scenario(
            audio_missing=float(whole["audio"]),
            visual_missing=float(whole["visual"]),
            audio_drops=0 if whole["audio"] else lost["audio"],
            visual_drops=0 if whole["visual"] else lost["visual"],
        )
    )
