"""Which half of which segment is there: named policies -> availability ``[B, T, 2]``.

Every draw is a hash of (seed, question id), so a question meets the same fate with any batch size,
order, worker count or world size. The paper's Sec. 4 uses ``audio_missing`` and
``visual_missing``; its Fig. 5 is a row of ``mixed`` scenarios.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from avqa_core import rng
from avqa_core.config import require
from avqa_core.data.draws import draw_below, draw_uniform
from avqa_core.errors import ConfigError, ModalityError
from avqa_core.types import Modality


@runtime_checkable
class AvailabilityPolicy(Protocol):
    """Anything that decides what a batch may see: a ``Scenario`` or a ``TrainingAvailability``."""

    def availability(
        self, question_ids: Sequence[int] | Tensor, num_segments: int, seed: int, epoch: int = 0
    ) -> Bool[Tensor, "B T 2"]:
        """Return True where a segment of a modality may be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named way in which sensors fail; ``str`` and ``parse`` are inverse to each other.

    The two modalities fail independently of each other. The same draw is compared with any
    probability: whoever misses a modality at ``mixed(0.2,0)`` misses it at ``mixed(0.3,0)`` too,
    so a curve over ratios has no noise from who was drawn.

    Attributes:
        audio_missing: probability that a question loses the whole audio.
        visual_missing: the same for the picture.
        audio_drops: number of consecutive segments that the audio loses, at a random place.
        visual_drops: the same for the picture.
    """

    audio_missing: float = 0.0
    visual_missing: float = 0.0
    audio_drops: int = 0
    visual_drops: int = 0

    def __post_init__(self) -> None:
        for name in ("audio_missing", "visual_missing"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"scenario: expected {name} in [0, 1], got {value}")
        for name in ("audio_drops", "visual_drops"):
            value = getattr(self, name)
            require(value >= 0, f"scenario: expected {name} >= 0 segments, got {value}")

    @classmethod
    def parse(cls, text: str) -> Scenario:
        """Read a scenario as ``str`` prints it, e.g. ``audio_missing`` or ``mixed(0.3,0.2)``.

        Raises:
            ConfigError: not a scenario; the message lists the forms there are.
        """
        values: dict[str, float | int] = {}
        for part in text.replace(" ", "").split("+"):
            read = _parse_part(part)
            if read is None or set(read) & set(values):
                raise ConfigError(
                    f"scenario: expected {', '.join(_WHOLE)}, mixed(p_a,p_v), audio_drops(n) or "
                    f"visual_drops(n), or two or three of them joined by '+', got {text!r}"
                )
            values |= read
        return cls(**values)  # type: ignore[arg-type]

    def __str__(self) -> str:
        pair = (self.audio_missing, self.visual_missing)
        whole = next((name for name, known in _WHOLE.items() if known == pair), None)
        drops = [
            f"{name}({getattr(self, name)})"
            for name in ("audio_drops", "visual_drops")
            if getattr(self, name)
        ]
        named = whole or f"mixed({_short(pair[0])},{_short(pair[1])})"
        return "+".join(drops if drops and whole == "complete" else [named, *drops])

    def availability(
        self, question_ids: Sequence[int] | Tensor, num_segments: int, seed: int, epoch: int = 0
    ) -> Bool[Tensor, "B T 2"]:
        """Return what this scenario leaves; ``epoch`` changes nothing, a test is one test.

        Raises:
            ModalityError: more segments are to be dropped than a clip has.
        """
        del epoch
        keys = _keys(question_ids)
        audio = _kept(
            Modality.AUDIO, self.audio_missing, self.audio_drops, keys, num_segments, seed
        )
        visual = _kept(
            Modality.VISUAL, self.visual_missing, self.visual_drops, keys, num_segments, seed
        )
        return torch.from_numpy(np.stack([audio, visual], axis=-1))


COMPLETE = Scenario()
AUDIO_MISSING = Scenario(audio_missing=1.0)
VISUAL_MISSING = Scenario(visual_missing=1.0)
BOTH_MISSING = Scenario(audio_missing=1.0, visual_missing=1.0)

_WHOLE: dict[str, tuple[float, float]] = {
    "complete": (0.0, 0.0),
    "audio_missing": (1.0, 0.0),
    "visual_missing": (0.0, 1.0),
    "both_missing": (1.0, 1.0),
}


def mixed(p_a: float | int, p_v: float | int) -> Scenario:
    """Return the scenario in which each question loses audio with ``p_a``, picture with ``p_v``."""
    return Scenario(audio_missing=float(p_a), visual_missing=float(p_v))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingAvailability:
    """Modality dropout: each question of each epoch loses nothing, its audio, picture, or both.

    The four probabilities sum to one.
    """

    p_complete: float = 1.0
    p_audio_missing: float = 0.0
    p_visual_missing: float = 0.0
    p_both_missing: float = 0.0

    def __post_init__(self) -> None:
        values = [getattr(self, one.name) for one in fields(self)]
        require(
            min(values) >= 0 and abs(sum(values) - 1) < 1e-6,
            f"training availability: expected probabilities that sum to 1, got {values}",
        )

    def availability(
        self, question_ids: Sequence[int] | Tensor, num_segments: int, seed: int, epoch: int = 0
    ) -> Bool[Tensor, "B T 2"]:
        """Return what the questions may see in this epoch, whole modalities at a time."""
        keys = _keys(question_ids)
        draw = draw_uniform(rng.derive(seed, "training availability", epoch), keys, 1)[:, 0]
        audio_from = self.p_complete
        visual_from = audio_from + self.p_audio_missing
        both_from = visual_from + self.p_visual_missing
        has_audio = (draw < audio_from) | ((visual_from <= draw) & (draw < both_from))
        whole = torch.from_numpy(np.stack([has_audio, draw < visual_from], axis=-1))
        return whole[:, None].repeat_interleave(num_segments, dim=1)


def _parse_part(part: str) -> dict[str, float | int] | None:
    """Return the fields that one part of a scenario's name sets, None if it is no such part."""
    if part in _WHOLE:
        audio, visual = _WHOLE[part]
        return {"audio_missing": audio, "visual_missing": visual}
    number = r"(\d+(?:\.\d*)?(?:e-?\d+)?|\.\d+)"
    if match := re.fullmatch(rf"mixed\({number},{number}\)", part):
        return {"audio_missing": float(match[1]), "visual_missing": float(match[2])}
    if match := re.fullmatch(r"(audio|visual)_drops\((\d+)\)", part):
        return {f"{match[1]}_drops": int(match[2])}
    return None


def _short(probability: float) -> str:
    return repr(float(probability)).removesuffix(".0")


def _keys(question_ids: Sequence[int] | Tensor) -> Int[np.ndarray, " B"]:
    return np.asarray(question_ids, dtype=np.int64).reshape(-1)


def _kept(
    modality: Modality,
    p_missing: float,
    num_drops: int,
    keys: Int[np.ndarray, " B"],
    num_segments: int,
    seed: int,
) -> Bool[np.ndarray, "B T"]:
    """Return which segments of one modality each question keeps."""
    if num_drops > num_segments:
        raise ModalityError(
            f"scenario: expected at most {num_segments} dropped segments, as a clip has no more, "
            f"got {num_drops}: lower it"
        )
    kept = np.ones((len(keys), num_segments), dtype=bool)
    if num_drops:
        purpose = rng.derive(seed, "drops", modality.name)
        start = draw_below(num_segments - num_drops + 1, purpose, keys, 1)
        segment = np.arange(num_segments)
        kept &= (segment < start) | (segment >= start + num_drops)
    if p_missing:
        purpose = rng.derive(seed, "missing", modality.name)
        kept &= draw_uniform(purpose, keys, 1) >= p_missing
    return kept
