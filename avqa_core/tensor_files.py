"""Foreign checkpoint files as named tensors, and what of them does not fit.

Nothing that stands in them is ever run.
"""

from __future__ import annotations

import pickle
import struct
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from avqa_core.errors import CheckpointError

_INSIDE = ("state_dict", "model")  # where training programs keep a state dict beside other things
_SHOWN = 20  # names of one kind in a message
_DEEPEST = 3  # a pickle can hold a mapping that holds itself
_WRAPPER = "module."  # what DataParallel puts before every name
# What a damaged archive or pickle makes torch raise, depending on the byte where it breaks.
_DAMAGED = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, EOFError),
    *(struct.error, AssertionError, OverflowError, MemoryError),
)


def read_tensors(path: Path | str) -> dict[str, Tensor]:
    """Read the state dict in a ``.safetensors`` file, or in any other that ``torch.save`` wrote.

    It may lie under ``state_dict`` or ``model``, and all names may begin with ``module.``.

    Raises:
        CheckpointError: no such file, damaged, or not named tensors and nothing else.
    """
    path = Path(path)
    try:
        whole = load_file(path) if path.suffix == ".safetensors" else _load(path)
    except OSError as error:
        raise CheckpointError(
            f"expected a checkpoint at {path}, got {error.strerror or error}: check the path"
        ) from error
    except SafetensorError as error:
        raise CheckpointError(
            f"expected a safetensors file at {path}, got {error}: copy it again"
        ) from error
    return _checked(_unwrapped(whole), path)


def misfits(tensors: Mapping[str, Tensor], wanted: Mapping[str, torch.Size]) -> str:
    """Tell every name that keeps tensors from going where shapes are wanted; empty if none does.

    Args:
        tensors: of the file, without what is left out on purpose.
        wanted: shapes by the names of the file.

    Returns:
        The part of a message that says what came, such as ``missing: a, b; unknown: c``.
    """
    there = {name: tensors[name] for name in wanted if name in tensors}
    problems = {
        "missing": wanted.keys() - tensors.keys(),
        "unknown": tensors.keys() - wanted.keys(),
        "of another shape": [
            f"{name} {list(value.shape)} instead of {list(wanted[name])}"
            for name, value in there.items()
            if value.shape != wanted[name]
        ],
        "not floating-point": [n for n, value in there.items() if not value.is_floating_point()],
        "not finite": [n for n, value in there.items() if not bool(value.isfinite().all())],
    }
    return "; ".join(f"{what}: {_listed(names)}" for what, names in problems.items() if names)


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _load(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols, before it refuses
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own message advises to run what is in the file; ours must not repeat it.
        raise CheckpointError(
            f"expected tensors and nothing else in {path}, got something that is no checkpoint or "
            "that would run code when it is read; none was run: save only the state dict, best as "
            ".safetensors"
        ) from error
    except _DAMAGED as error:
        raise CheckpointError(
            f"expected a whole file of torch.save at {path}, got {type(error).__name__} while "
            "reading it: it is damaged or of another kind, copy it again"
        ) from error


def _unwrapped(whole: Any) -> Any:
    """Return the innermost state dict, its names without the prefix that all of them carry."""
    for _ in range(_DEEPEST):
        if isinstance(whole, Mapping):
            inside = [whole[key] for key in _INSIDE if isinstance(whole.get(key), Mapping)]
            whole = inside[0] if inside else whole
    if isinstance(whole, Mapping) and all(str(name).startswith(_WRAPPER) for name in whole):
        return {str(name).removeprefix(_WRAPPER): tensor for name, tensor in whole.items()}
    return whole


def _checked(whole: Any, path: Path) -> dict[str, Tensor]:
    if not isinstance(whole, Mapping) or not whole:
        what = "an empty one" if isinstance(whole, Mapping) else type(whole).__name__
        raise CheckpointError(
            f"expected a state dict in {path}, got {what}: save model.state_dict()"
        )
    others = [
        str(name)
        for name, value in whole.items()
        if not (isinstance(value, Tensor) and value.layout is torch.strided)
    ]
    if others:
        raise CheckpointError(
            f"expected only dense tensors in the state dict of {path}, got others under "
            f"{', '.join(others[:5])} ({len(others)} in all): save model.state_dict()"
        )
    return {str(name): tensor for name, tensor in whole.items()}
