"""Trained networks beside the stored results: the small ones that other runs start from.

AVST as published takes half an hour to train and half a megabyte to keep. With it, the tables whose
rows start from it can be made on a machine that never trained it, and a reader can ask it at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from avqa_core.experiments import results
from avqa_core.experiments.collecting import identities
from avqa_core.experiments.schedule import Key, Planned
from avqa_core.training import checkpoint
from avqa_core.training.runs import RunFolder

# In bytes. They are part of the repository, which every reader clones.
LARGEST = 1_000_000


def folder_of(store: Path) -> Path:
    """Return where the networks of a file of results lie."""
    return store.with_name(f"{store.stem}_networks")


def kept(planned: Sequence[Planned], profile: str, store: Path) -> dict[Key, Path]:
    """Return the run folders of the networks that are kept.

    Args:
        planned: the runs in question with all that they start from.
        profile: whose results.
        store: their file.
    """
    stored = results.stored(profile, store, missing_ok=True)
    places = _places(planned, stored, store)
    return {key: place for key, place in places.items() if place.is_dir()}


def keep(planned: Sequence[Planned], profile: str, store: Path) -> list[Path]:
    """Keep what can be kept, and drop what the results do not have any more.

    A network is kept if it was trained here, is small, and gave the very counts that are stored.

    Args:
        planned: every run of the plan, as far as it has come.
        profile: whose results.
        store: their file, as ``collecting.collect`` has written it.

    Returns:
        the run folders of all that is kept.
    """
    stored = results.stored(profile, store, missing_ok=True)
    places = _places(planned, stored, store)
    starts = {one.parent for one in planned}
    for one in planned:
        key = one.experiment.key
        if key in places and key in starts and _is_what_is_stored(one, stored):
            _copy(one.folder, places[key])
    there = folder_of(store)
    for old in set(there.iterdir() if there.is_dir() else ()) - set(places.values()):
        shutil.rmtree(old)
    return [place for place in places.values() if place.is_dir()]


def _places(planned: Sequence[Planned], stored: results.Stored, store: Path) -> dict[Key, Path]:
    """Return where the network of each stored run would lie, under its identity."""
    known = {run["identity"] for run in stored.content.get("runs", ())}
    return {
        (name, seed): folder_of(store) / f"{name.replace('/', '-')}-seed{seed}-{identity[:8]}"
        for (name, seed), identity in identities(planned, stored.content.get("worlds", {})).items()
        if identity in known
    }


def _is_what_is_stored(one: Planned, stored: results.Stored) -> bool:
    if one.outcome is None or one.is_stale:
        return False
    counts = stored.run(*one.experiment.key).counts
    return all(
        {name: tally.correct for name, tally in counts[scenario].items()} == correct
        for scenario, correct in one.outcome.correct.items()
        if scenario in counts
    )


def _copy(run: Path, place: Path) -> None:
    """Copy the best checkpoint of a run, but for what only its optimiser needs."""
    if not RunFolder(run).has_checkpoint:
        return  # its counts are there, its weights were removed
    best = checkpoint.find(RunFolder(run).checkpoints, "best")
    if (best / "model.safetensors").stat().st_size > LARGEST:
        return
    trained = checkpoint.read(best)
    if place.is_dir() and _are_equal(trained.weights, _weights(place)):
        return
    shutil.rmtree(place, ignore_errors=True)
    slim = replace(trained, optimizer={})
    copied = checkpoint.write(slim, RunFolder(place).checkpoints / best.name)
    for which in ("last", "best"):  # a folder without its best is one that nobody can start from
        checkpoint.point(copied, which)


def _weights(place: Path) -> Mapping[str, torch.Tensor]:
    return checkpoint.read(checkpoint.find(RunFolder(place).checkpoints, "best")).weights


def _are_equal(some: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return some.keys() == other.keys() and all(
        torch.equal(value, other[name]) for name, value in some.items()
    )
