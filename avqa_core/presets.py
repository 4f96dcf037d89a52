"""Named models at named sizes, and the seam through which any part is resized.

``paper`` is the paper in the reading that its formulas allow; ``released_code`` does what the
released program does, without its leak; ``recommended`` is what the ablations of the book support.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from operator import attrgetter
from typing import Any, Literal, TypeVar, cast, get_args

from avqa_core.backbones.avst import AVSTConfig
from avqa_core.completion.rmm import RMMConfig
from avqa_core.completion.segment_transformer import SegmentTransformerConfig
from avqa_core.config import override, unknown_key
from avqa_core.diffusion.process import DiffusionConfig
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.model import ModelConfig

PresetName = Literal["paper", "released_code", "recommended"]
SizeName = Literal["tiny", "book", "full", "paper"]
Sized = TypeVar("Sized")

# A size names fields, not parts: whichever config has a field of that name takes the value, so a
# newly registered part has all four sizes without an edit here.
SIZES: dict[str, dict[str, Any]] = {
    "tiny": {
        "channels": 16,
        "num_slots": 12,
        "num_steps": 4,
        "width": 16,
        "cell_width": 8,
        "bank_size": 32,
        "reader_width": 32,
        "stem_channels": 8,
        "hidden_channels": 8,
        "head_channels": 8,
    },
    "book": {
        "channels": 64,
        "num_slots": 75,
        "num_steps": 10,
        "width": 128,
        "bank_size": 512,
        "stem_channels": 32,
        "hidden_channels": 32,
    },
    "full": {
        "channels": 128,
        "num_slots": 75,
        "num_steps": 10,
        "width": 256,
        "bank_size": 2048,
        "stem_channels": 64,
        "hidden_channels": 128,
    },
    "paper": {
        "channels": 512,
        "num_slots": 75,
        "num_steps": 10,
        "width": 512,
        "bank_size": 512,
        "stem_channels": 64,
        "hidden_channels": 128,
    },
}


def resize(config: Sized, values: Mapping[str, Any]) -> Sized:
    """Return ``config`` with every field that ``values`` names replaced, at any depth."""
    changed: dict[str, Any] = {}
    for one in fields(cast(Any, config)):
        value = getattr(config, one.name)
        if is_dataclass(value):
            changed[one.name] = resize(value, values)
        elif one.name in values:
            changed[one.name] = values[one.name]
    return cast(Sized, replace(cast(Any, config), **changed))


def assign(config: Sized, path: str, text: str, values: Mapping[str, Any]) -> Sized:
    """Return ``config`` with the field at a dotted ``path`` set to what ``text`` writes as JSON.

    Text that is no JSON stands for itself, so that names need no quotes. A part that is exchanged
    by its name comes at the size that ``values`` give.

    Raises:
        ConfigError: no such field, or the value does not fit it.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError:
        value = text
    changed = override(config, path, value)
    new = attrgetter(path)(changed)
    return override(changed, path, resize(new, values)) if is_dataclass(new) else changed


def _refuse(constant: str) -> None:
    raise ConfigError(f"expected a finite number, got {constant}: no setting means that")


def _paper() -> ModelConfig:
    """The paper, in the reading that trains: means in Eq. 3, targets detached (methods, 1.3).

    The backbone starts as ours does everywhere, with a forget bias in its question encoder.
    """
    return ModelConfig(
        backbone=AVSTConfig(),
        completer=RMMConfig(addressing="paper"),
        enhancer=AVRDiffusionConfig(
            diffusion=DiffusionConfig(schedule="linear", prediction="noise", start="feature"),
            outputs="both",
        ),
    )


def _released_code() -> ModelConfig:
    """What the released program does in training; its leaking evaluation is not reproduced.

    Nor is its mix-up of questions within a batch, whose effect depends on the size of the batch:
    ``RMMConfig.question_mixup`` switches it on. The backbone's architecture is the published one,
    its first weights are ours: a forget bias in the question encoder, zeros for padding.
    """
    return ModelConfig(
        backbone=AVSTConfig(),
        completer=RMMConfig(addressing="released_code", detach_target=False),
        enhancer=AVRDiffusionConfig(
            diffusion=DiffusionConfig(
                schedule="sigmoid", prediction="velocity", weighting="alpha_bar", start="feature"
            ),
            feature_range="released",
            outputs="missing_only",
            audio_read_out="corner",
            reconstruction_weight=1.0,
            detach_target=False,
        ),
    )


def _recommended() -> ModelConfig:
    """What the ablations of the book support: see the chapter on ablations."""
    return ModelConfig(
        backbone=AVSTConfig(positions="learned", match_weight=0.0),
        completer=SegmentTransformerConfig(),
        enhancer=IdentityConfig(),
    )


PRESETS = {"paper": _paper, "released_code": _released_code, "recommended": _recommended}


def preset(name: str, size: str = "book") -> ModelConfig:
    """Return a named model at a named size.

    Args:
        name: ``paper``, ``released_code`` or ``recommended``.
        size: ``tiny`` for tests, ``book`` for two CPU cores, ``full`` for a GPU, ``paper`` for the
            published sizes and real features.

    Raises:
        ConfigError: no preset, or no size, of that name.
    """
    for known, given, kind in ((PRESETS, name, "preset"), (SIZES, size, "size")):
        if given not in known:
            raise ConfigError(unknown_key(given, known, kind))
    return resize(PRESETS[name](), SIZES[size])


assert set(PRESETS) == set(get_args(PresetName)) and set(SIZES) == set(get_args(SizeName))
