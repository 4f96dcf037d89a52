"""What a module is given on the way to an answer."""

from __future__ import annotations

from torch import Tensor, nn


def given_to(module: nn.Module) -> list[tuple[Tensor, ...]]:
    """Return a list that every later call of the module adds its arguments to."""
    given: list[tuple[Tensor, ...]] = []
    module.register_forward_pre_hook(lambda _, arguments: given.append(arguments))
    return given
