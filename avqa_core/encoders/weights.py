"""Published weights of encoders, found where the user says and checked by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from avqa_core.checksums import sha256
from avqa_core.errors import FeatureError
from avqa_core.tensor_files import misfits, read_tensors

SUFFIXES = (".safetensors", ".pth", ".pt")
# Counters of training steps: they are in some files and not in others, and nothing reads them.
_COUNTER = "num_batches_tracked"

Network = TypeVar("Network", bound=nn.Module)


def find_weights(name: str, places: Sequence[Path], published: str) -> Path:
    """Return the one file of ``places`` (files, or folders to look into) whose name has ``name``.

    Args:
        name: of the encoder.
        places: what the user named.
        published: where the weights come from, for the message.

    Raises:
        FeatureError: none, or several.
    """
    named = {
        file.resolve(): file
        for place in places
        for file in (sorted(place.iterdir()) if place.is_dir() else [place])
        if name in file.name.lower() and file.suffix in SUFFIXES and file.is_file()
    }
    found = list(named.values())
    if len(found) != 1:
        told = ", ".join(map(str, found)) or "none"
        looked = ", ".join(map(str, places)) or "no place"
        raise FeatureError(
            f"expected one file of weights with {name!r} in its name and a suffix out of "
            f"{', '.join(SUFFIXES)} in {looked}, got {told}: get {published}, and name the file, "
            "or the folder it is in, with --weights (nothing is downloaded for you)"
        )
    return found[0]


def published_network(
    build: Callable[[], Network],
    name: str,
    places: Sequence[Path],
    published: str,
    unused: Sequence[str] = (),
) -> tuple[Network, str]:
    """Return a network with its published weights, and the SHA-256 of their file.

    Args:
        build: makes the network without values.
        name: of the encoder, in the name of the file.
        places: what the user named.
        published: where the weights come from, for a message.
        unused: names that the published file has and this network leaves out.

    Raises:
        FeatureError: the weights are not there, or are others.
        CheckpointError: the file cannot be read, or holds more than tensors.
    """
    path = find_weights(name, places, published)
    with torch.device("meta"):
        network = build()
    return fit(network, read_tensors(path), path, unused), sha256(path)


def fit(
    network: Network, state: Mapping[str, Tensor], path: Path, unused: Sequence[str] = ()
) -> Network:
    """Put ``state`` into a network built on the meta device; return it frozen, for evaluation.

    Args:
        network: without values.
        state: tensors by name.
        path: where they came from, for the message.
        unused: names that the published file has and this network leaves out.

    Raises:
        FeatureError: a name is missing or unknown, or a tensor has another shape, is no
            floating-point tensor or is not finite; all are listed.
    """
    expected = network.state_dict()
    counters = {one for one in [*expected, *state] if one.endswith(_COUNTER)}
    told = misfits(
        {one: state[one] for one in state.keys() - counters - set(unused)},
        {one: expected[one].shape for one in expected.keys() - counters},
    )
    if told:
        raise FeatureError(
            f"expected the weights of {type(network).__name__} in {path}, got names {told}: take "
            "the file of the right network"
        )
    values = {
        one: torch.zeros((), dtype=torch.long) if one in counters else state[one].float()
        for one in expected
    }
    network.load_state_dict(values, assign=True)
    return network.eval().requires_grad_(False)
