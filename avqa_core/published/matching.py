"""Tensors of a published program into parameters of ours: every name is accounted for or an error.

A mapping such as ``{"visual_token": "fc_gl"}`` says what a published program calls one of our
modules or parameters; below a module both use torch's names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import CheckpointError
from avqa_core.tensor_files import misfits

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of every tensor of a file.

    Attributes:
        path: of the file.
        program: which published program wrote it.
        parameters: where each tensor went, by its published name.
        ignored: names of the tensors that the published forward pass does not read.
    """

    path: Path
    program: str
    parameters: Mapping[str, str]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported(Generic[Model]):
    """A model, in evaluation mode, and what became of the file it was read from."""

    model: Model
    report: ImportReport


def published_name(name: str, naming: Mapping[str, str]) -> str:
    """Return what the published program calls our parameter ``name``."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        head = ".".join(parts[:length])
        if head in naming:
            return ".".join([naming[head], *parts[length:]])
    raise KeyError(name)


def fill(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    *,
    naming: Mapping[str, str],
    unused: Collection[str],
    transposed: Collection[str] = (),
    path: Path,
    program: str,
) -> ImportReport:
    """Copy ``tensors`` into every parameter of ``model``, or into none.

    Args:
        model: built, and then overwritten; buffers stay as they are.
        tensors: of the file, by their published names, in any floating-point type.
        naming: published names of modules and parameters.
        unused: published modules that are accepted and left out.
        transposed: published names of tensors whose last two axes stand the other way round.
        path: of the file, for messages and the report.
        program: likewise.

    Raises:
        CheckpointError: a name is missing or unknown, or a tensor has another shape, is no
            floating-point tensor or is not finite; all such names stand in one message.
    """
    parameters = dict(model.named_parameters())
    places = {published_name(mine, naming): mine for mine in parameters}
    ignored = sorted(name for name in tensors if name not in places and _is_below(name, unused))
    wanted = {
        name: _turned(parameters[mine], name in transposed).shape for name, mine in places.items()
    }
    told = misfits({name: tensors[name] for name in tensors.keys() - set(ignored)}, wanted)
    if told:
        raise CheckpointError(
            f"expected the parameters of the published program {program!r} in {path}, got names "
            f"{told}: check which program wrote the file and that the state dict is whole"
        )
    with torch.no_grad():
        for name, mine in places.items():
            parameters[mine].copy_(_turned(tensors[name], name in transposed))
    return ImportReport(
        path=path, program=program, parameters=dict(sorted(places.items())), ignored=tuple(ignored)
    )


def check_vocabulary(
    tensors: Mapping[str, Tensor], vocabulary: Vocabulary, *, words: str, answers: str, path: Path
) -> None:
    """Compare the sizes of a vocabulary with the tables called ``words`` and ``answers``.

    Raises:
        CheckpointError: they differ.
    """
    for what, name, given in (
        ("words", words, vocabulary.words),
        ("answers", answers, vocabulary.answers),
    ):
        if name in tensors and tensors[name].shape[:1] != (len(given),):
            raise CheckpointError(
                f"expected a vocabulary of {tensors[name].shape[:1].numel()} {what} for {name} in "
                f"{path}, got {len(given)}: a checkpoint knows its words and answers by number "
                "only and their order differs between programs, so give the very list it was "
                "trained with (published_vocabulary makes it from the program's training questions)"
            )


def _is_below(name: str, modules: Collection[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _turned(tensor: Tensor, is_transposed: bool) -> Tensor:
    return tensor.transpose(-1, -2) if is_transposed else tensor
