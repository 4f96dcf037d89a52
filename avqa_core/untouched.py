"""Watch whether a part edits in place what it is handed."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from avqa_core.model import MissingModalityAVQA

# By which a part is handed something that it must not edit.
METHODS = {
    "backbone": ("encode", "answer", "loss"),
    "completer": ("fit", "complete", "loss"),
    "enhancer": ("enhance", "loss", "reconstruction_loss"),
}


@contextmanager
def watched(model: MissingModalityAVQA, told: str) -> Iterator[MissingModalityAVQA]:
    """Compare, for the block, what each method of a part is handed before and after it."""
    methods = [(getattr(model, part), part, name) for part in METHODS for name in METHODS[part]]

    def watch(method: Callable[..., Any], name: str) -> Callable[..., Any]:
        def compared(*args: Any, **kwargs: Any) -> Any:
            handed = inspect.signature(method).bind(*args, **kwargs).arguments
            with unedited(handed, name):
                return method(*args, **kwargs)

        return compared

    for part, kind, name in methods:
        setattr(part, name, watch(getattr(part, name), f"{kind}.{name} ({told})"))
    try:
        yield model
    finally:
        for part, _, name in methods:
            delattr(part, name)


@contextmanager
def unedited(handed: Mapping[str, object], name: str) -> Iterator[None]:
    """Raise if the block changes a tensor that is somewhere in ``handed``, or which ones are."""
    before = {way: tensor.clone() for way, tensor in _tensors(handed)}
    yield
    after = dict(_tensors(handed))
    edited = sorted(before.keys() ^ after.keys())
    edited += [way for way in before if way in after and not _is_same(before[way], after[way])]
    if edited:
        raise AssertionError(f"{name} edited {edited}")


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors are equal, NaN in the same places included."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


def _tensors(value: object, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor in ``value``, at any depth, with the way to it."""
    parts: Mapping[Any, object] = {}
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        parts = value
    elif isinstance(value, list | tuple):
        parts = dict(enumerate(value))
    elif dataclasses.is_dataclass(value):
        parts = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    for key, part in parts.items():
        yield from _tensors(part, f"{name}.{key}" if name else str(key))
