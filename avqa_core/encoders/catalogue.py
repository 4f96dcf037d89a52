"""The encoders by name, each with the recipe that its features are made by."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from avqa_core.bandstand.encoders import FRAME_SHAPE
from avqa_core.encoders.base import AudioEncoder, VisualEncoder
from avqa_core.errors import ConfigError
from avqa_core.media.resize import centre_square, stretched
from avqa_core.media.segments import BANDSTAND, MUSIC_AVQA, SegmentPolicy


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """How an audio encoder is loaded: class in a module that is imported when it is chosen."""

    module: str
    encoder: str

    def load(self, places: Sequence[Path]) -> AudioEncoder:
        """Load the encoder with weights out of ``places``."""
        return getattr(import_module(self.module), self.encoder).load(places)


@dataclass(frozen=True, slots=True)
class VisualChoice:
    """A visual encoder, and what its recipe does to a film.

    Attributes:
        module: where its class is; imported when it is chosen.
        encoder: name of the class.
        prepare: pictures as decoded -> pictures as the encoder wants them.
        segments: where its recipe looks and listens.
    """

    module: str
    encoder: str
    prepare: Callable[[np.ndarray], np.ndarray]
    segments: SegmentPolicy

    def load(self, places: Sequence[Path]) -> VisualEncoder:
        """Load the encoder with weights out of ``places``."""
        return getattr(import_module(self.module), self.encoder).load(places)


_HERE = __name__.rpartition(".")[0]

AUDIO: Mapping[str, AudioChoice] = {
    "vggish": AudioChoice(f"{_HERE}.vggish", "VGGishEncoder"),
    "bandstand": AudioChoice(f"{_HERE}.bandstand", "BandstandAudio"),
}
VISUAL: Mapping[str, VisualChoice] = {
    "resnet18": VisualChoice(
        f"{_HERE}.resnet18",
        "ResNet18Encoder",
        partial(stretched, height=224, width=224),
        MUSIC_AVQA,
    ),
    "clip": VisualChoice(
        f"{_HERE}.clip", "ClipEncoder", partial(centre_square, side=224), MUSIC_AVQA
    ),
    "bandstand": VisualChoice(
        f"{_HERE}.bandstand",
        "BandstandVisual",
        partial(stretched, height=FRAME_SHAPE[0], width=FRAME_SHAPE[1]),
        BANDSTAND,
    ),
}

Choice = TypeVar("Choice", AudioChoice, VisualChoice)


def choose(choices: Mapping[str, Choice], name: Any) -> Choice:
    """Return the choice called ``name``.

    Raises:
        ConfigError: there is none; the message lists the known ones.
    """
    if name not in choices:
        close = difflib.get_close_matches(str(name), choices, n=1)
        hint = f": did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"expected an encoder out of {', '.join(choices)}, got {name!r}{hint}")
    return choices[name]
