"""Trained networks beside the stored results: the small ones that other runs start from.

AVST as published takes half an hour to train and half a megabyte to keep. With it, the tables whose
rows start from it can be made on a machine that never trained it, and a reader can ask it at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from avqa_core.experiments import results
from avqa_core.experiments.collecting import identities
from avqa_core.experiments.schedule import Key, Planned
from avqa_core.training import checkpoint, runs
from avqa_core.training.runs import RunFolder

# In bytes. They are part of the repository, which every reader clones.
LARGEST = 1_000_000
FOLDER, IDENTITY = "_networks", "identity.txt"


def folder_of(store: Path) -> Path:
    """Return where the networks of a file of results lie."""
    return store.with_name(f"{store.stem}{FOLDER}")


def kept(planned: Sequence[Planned], profile: str, store: Path) -> dict[Key, Path]:
    """Return the run folders of the networks that are kept.

    Args:
        planned: the runs in question with all that they start from.
        profile: whose results.
        store: their file.
    """
    stored = results.stored(profile, store, missing_ok=True)
    known = _identities(planned, stored)
    places = {key: _place(store, key) for key in known}
    return {key: place for key, place in places.items() if _identity(place) == known[key]}


def keep(planned: Sequence[Planned], profile: str, store: Path) -> None:
    """Keep what can be kept, and drop what the results do not have any more.

    A network is kept if it was trained here, is small, and gave the very counts that are stored.

    Args:
        planned: every run of the plan, as far as it has come.
        profile: whose results.
        store: their file, as ``collecting.collect`` has written it.
    """
    stored = results.stored(profile, store, missing_ok=True)
    known = _identities(planned, stored)
    starts = {one.parent for one in planned}
    for one in planned:
        key = one.experiment.key
        if key in known and key in starts and _is_what_is_stored(one, stored):
            _copy(one.folder, _place(store, key), known[key])
    there = folder_of(store)
    for place in there.iterdir() if there.is_dir() else ():
        if place.is_dir() and _identity(place) not in known.values():
            shutil.rmtree(place)


def runs_of(experiment: str, profile: str = "book") -> dict[int, Path]:
    """Return the run folders that the book keeps of an experiment, by seed.

    Args:
        experiment: its name.
        profile: whose results.
    """
    store = results.default_path(profile)
    stem = _place(store, (experiment, 0)).name.removesuffix("0")
    places = folder_of(store).glob(f"{stem}*")
    seeds = {int(place.name.removeprefix(stem)): place for place in places if _identity(place)}
    return dict(sorted(seeds.items()))


def _place(store: Path, key: Key) -> Path:
    name, seed = key
    return folder_of(store) / f"{name.replace('/', '-')}-seed{seed}"


def _identities(planned: Sequence[Planned], stored: results.Stored) -> dict[Key, str]:
    """Return the identities of those runs of a plan that are stored."""
    there = {run["identity"] for run in stored.content.get("runs", ())}
    known = identities(planned, stored.content.get("worlds", {}))
    return {key: identity for key, identity in known.items() if identity in there}


def _identity(place: Path) -> str | None:
    """Return the identity of a network that is kept; None if it is not there, or not whole."""
    try:
        return (place / IDENTITY).read_text().strip()
    except OSError:
        return None


def _is_what_is_stored(one: Planned, stored: results.Stored) -> bool:
    if one.outcome is None or one.is_stale:
        return False
    counts = stored.run(*one.experiment.key).counts
    return all(
        {name: tally.correct for name, tally in counts[scenario].items()} == correct
        for scenario, correct in one.outcome.correct.items()
        if scenario in counts
    )


def _copy(run: Path, place: Path, identity: str) -> None:
    """Copy the best checkpoint of a run, but for what only its optimiser needs."""
    if not RunFolder(run).has_checkpoint:
        return  # its counts are there, its weights were removed
    best = checkpoint.find(RunFolder(run).checkpoints, "best")
    if (best / "model.safetensors").stat().st_size > LARGEST:
        return
    trained = checkpoint.read(best)
    if _identity(place) == identity and _are_equal(trained.weights, _weights(place)):
        return
    shutil.rmtree(place, ignore_errors=True)
    copied = checkpoint.write(trained, RunFolder(place).checkpoints / best.name)
    for which in ("last", "best"):
        checkpoint.point(copied, which)
    runs.replace_text(place / IDENTITY, f"{identity}\n")  # last: only now it is whole


def _weights(place: Path) -> Mapping[str, torch.Tensor]:
    return checkpoint.read(checkpoint.find(RunFolder(place).checkpoints, "best")).weights


def _are_equal(some: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return some.keys() == other.keys() and all(
        torch.equal(value, other[name]) for name, value in some.items()
    )
