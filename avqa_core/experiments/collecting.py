"""From run folders to one small file that the pages read, with what made every number in it."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avqa_core import bounds
from avqa_core.config import to_dict
from avqa_core.data.folder import DataFolder
from avqa_core.experiments import results
from avqa_core.experiments.experiment import Experiment, Outcome
from avqa_core.experiments.schedule import Key, Planned
from avqa_core.experiments.worker import EVALUATION_SEED
from avqa_core.experiments.worlds import identity_of
from avqa_core.training import runs

# Room for what rounding leaves in a mean over all test clips; another encoder is far outside.
ROUNDING = 1e-5


def collect(planned: Sequence[Planned], profile: str, path: Path, keep: Container[Key] = ()) -> int:
    """Write what is finished to ``path`` and return the number of runs in it.

    Runs that the file has and that were not made here stay in it, as long as the plan still has
    the very same run: one group after the other can be run, on one machine or on several.

    Args:
        planned: every run of the plan, as far as it has come.
        profile: whose plan.
        path: of the JSON file.
        keep: runs that stay as they are stored, also where the same run was made here since: other
            stored runs started from them.
    """
    old = _read(profile, path)
    known = identities(planned, old["worlds"])
    here = {known[one.experiment.key]: one for one in planned if one.experiment.key in known}
    records = {
        run["identity"]: run | {"provenance": old["provenance"][run["provenance"]]}
        for run in old["runs"]
        if run["identity"] in here
    }
    fresh = {one for one, run in records.items() if runs.is_fresh(run["provenance"])}
    for identity, one in here.items():
        is_older = one.is_stale and identity in fresh
        if one.outcome is not None and one.experiment.key not in keep and not is_older:
            records[identity] = _record(one.experiment, one.outcome, identity)
    if not records and not path.exists():
        return 0
    ordered = [records[identity] for identity in here if identity in records]
    kept = [here[run["identity"]] for run in ordered]
    content = {
        "format": results.FORMAT,
        "profile": profile,
        "date": datetime.now(UTC).date().isoformat(),
        "worlds": _worlds(kept, old["worlds"]),
        "experiments": {one.experiment.name: _description(one.experiment) for one in kept},
        **_with_shared_provenance(ordered),
    }
    runs.replace_text(path, _as_text(content))
    return len(ordered)


class Vouched(NamedTuple):
    """What counts as made by other source from now on.

    Attributes:
        made_by: hashes of the source that was compared; only runs that the very same source made.
            It has several, as a run's hash covers the modules that its process had imported.
        told: what their provenance says from now on, see ``replay.vouched``.
    """

    made_by: frozenset[str]
    told: Mapping[str, Any]


def vouch_stored(
    planned: Sequence[Planned], profile: str, path: Path, found: Mapping[str, Vouched]
) -> None:
    """Let stored runs of some experiments count as made by other source.

    Args:
        planned: every run of the plan; what is stored of another plan is left alone.
        profile: whose results.
        path: of the JSON file; nothing happens where there is none.
        found: by the name of an experiment.
    """
    if not found or not path.exists():
        return
    old = _read(profile, path)
    whole = [run | {"provenance": old["provenance"][run["provenance"]]} for run in old["runs"]]
    known = set(identities(planned, old["worlds"]).values())
    for run in whole:
        one = found.get(run["experiment"])
        if one and run["identity"] in known and run["provenance"]["source_hash"] in one.made_by:
            run["provenance"] = {**run["provenance"], **one.told}
    runs.replace_text(path, _as_text({**old, **_with_shared_provenance(whole)}))


def stored_keys(planned: Sequence[Planned], profile: str, path: Path) -> frozenset[Key]:
    """Return which runs a file has already, made by this source and answering all that is wanted.

    What started from a run that other source made does not count.

    Args:
        planned: the runs in question with all that they start from.
        profile: whose plan.
        path: of the JSON file; nothing is stored where there is none.
    """
    old = _read(profile, path)
    fresh = [runs.is_fresh(one) for one in old["provenance"]]
    answered = {
        run["identity"]: set(run["correct"]) for run in old["runs"] if fresh[run["provenance"]]
    }
    known = identities(planned, old["worlds"])
    made, found = set(), set()
    for one in planned:
        key, identity = one.experiment.key, known.get(one.experiment.key)
        if identity not in answered or not (one.parent is None or one.parent in made):
            continue
        made.add(key)
        if set(one.experiment.scenarios) <= answered[identity]:
            found.add(key)
    return frozenset(found)


def identities(planned: Sequence[Planned], stored: Mapping[str, Any]) -> dict[Key, str]:
    """Return the identity under which each run is stored, parents before their children.

    It names the world by what the world was made from. A run folder is named after the bytes of the
    features too, which another processor or another writer of stores may change.

    Args:
        planned: the runs; one whose world is neither here nor stored has no identity.
        stored: the worlds of a file, by name.
    """
    worlds: dict[str, str] = {}
    found: dict[Key, str] = {}
    for one in planned:
        name = one.experiment.world
        if name not in worlds:
            worlds[name] = _world_identity(one, stored.get(name, {}))
        if worlds[name]:
            parent = None if one.parent is None else found[one.parent]
            found[one.experiment.key] = one.experiment.identity(worlds[name], parent)
    return found


def _world_identity(one: Planned, stored: Mapping[str, Any]) -> str:
    """Return what a world was made from, empty if it is not known.

    A stored world counts as the one that is here only if its features, too, are the same but for
    rounding.
    """
    if one.job is None:
        return str(stored.get("identity", ""))
    identity = identity_of(Path(one.job.data))
    if stored.get("identity") == identity and not _is_close(
        stored["features"], _feature_moments(DataFolder(one.job.data))
    ):
        return f"{identity} with other features"
    return identity


def _feature_moments(folder: DataFolder) -> dict[str, list[float]]:
    """Return mean and standard deviation of each array over the test split."""
    test = folder.dataset("test")
    clips = [test.store.rows(name, test.clips) for name in test.store.layout]
    arrays = {
        name: test.store.gather(name, rows[rows >= 0]).astype(np.float64)
        for name, rows in zip(test.store.layout, clips, strict=True)
    }
    return {name: [float(one.mean()), float(one.std())] for name, one in arrays.items()}


def _is_close(stored: Mapping[str, Sequence[float]], here: Mapping[str, Sequence[float]]) -> bool:
    return stored.keys() == here.keys() and all(
        np.allclose(stored[name], here[name], rtol=ROUNDING, atol=0.0) for name in here
    )


def _read(profile: str, path: Path) -> dict[str, Any]:
    """Return what is stored, nothing where there is no file; a damaged one is refused."""
    stored = results.stored(profile, path, missing_ok=True)
    return {"runs": [], "provenance": [], "worlds": {}, **stored.content}


def _record(experiment: Experiment, outcome: Outcome, identity: str) -> dict[str, Any]:
    provenance = {
        name: value for name, value in outcome.provenance.items() if name not in ("seed",)
    }
    return {
        "experiment": experiment.name,
        "seed": experiment.seed,
        "world": experiment.world,
        "identity": identity,
        "trained_parameters": outcome.trained_parameters,
        "total_parameters": outcome.total_parameters,
        "steps": outcome.steps,
        "seconds": round(outcome.seconds, 1),
        "evaluation_seconds": round(outcome.evaluation_seconds, 1),
        "losses": {name: round(value, 4) for name, value in outcome.losses.items()},
        "provenance": provenance,
        "correct": {
            scenario: list(outcome.correct[scenario].values()) for scenario in experiment.scenarios
        },
        "categories": list(outcome.total),
        "total": list(outcome.total.values()),
    }


def _description(experiment: Experiment) -> dict[str, Any]:
    """Return what all seeds of an experiment have in common."""
    told = to_dict(experiment)
    for name in ("name", "seed", "scenarios"):
        del told[name]
    if told["training"] is not None:
        del told["training"]["seed"]
    return told


def _worlds(kept: Iterable[Planned], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return floors and ceilings of each world, by scenario and ``str(category)``."""
    scenarios: dict[str, list[str]] = {}
    places: dict[str, Path | None] = {}
    for one in kept:
        known = scenarios.setdefault(one.experiment.world, [])
        known += [name for name in one.experiment.scenarios if name not in known]
        places[one.experiment.world] = None if one.job is None else Path(one.job.data)
    found = {}
    for world, names in scenarios.items():
        before, place = old.get(world, {}), places[world]
        if place is None:
            found[world] = before
            continue
        identity, folder = identity_of(place), DataFolder(place)
        if (
            before.get("identity") == identity
            and _is_close(before["features"], _feature_moments(folder))
            and set(names) <= set(before["scenarios"])
            and runs.is_fresh(before)
        ):
            found[world] = before
            continue
        found[world] = {
            "identity": identity,
            "features": _feature_moments(folder),
            "clips": _num_clips(folder),
            "scenarios": names,
            "floors": bounds.floors(folder, "test"),
            "ceilings": bounds.ceilings(folder, "test", names, EVALUATION_SEED),
            **_source_of_bounds(),
        }
    return found


def _num_clips(folder: DataFolder) -> dict[str, int]:
    """Return how many clips each split asks about."""
    return {
        split: len({one.video_id for one in folder.examples(split)})
        for split in ("train", "val", "test")
    }


def _source_of_bounds() -> dict[str, Any]:
    """Return what a later look needs to tell whether the bounds are still those of the source."""
    makers = tuple(f"avqa_core.{name}" for name in ("bandstand", "bounds", "data", "rng", "types"))
    modules = [name for name in runs.source_modules() if name.startswith(makers)]
    return {"source_modules": modules, "source_hash": runs.source_hash(modules)}


def _with_shared_provenance(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put equal provenances once, and their number into each run."""
    provenances: list[Any] = []
    for run in records:
        if run["provenance"] not in provenances:
            provenances.append(run["provenance"])
    numbered = [run | {"provenance": provenances.index(run["provenance"])} for run in records]
    return {"provenance": provenances, "runs": numbered}


def _as_text(content: Mapping[str, Any]) -> str:
    """Return JSON with one run, one experiment and one provenance a line, for readable changes."""
    parts = []
    for name, value in content.items():
        if name in ("runs", "provenance"):
            lines = ",\n".join(json.dumps(one) for one in value)
            parts.append(f'"{name}": [\n{lines}\n]')
        elif name == "experiments":
            lines = ",\n".join(
                f"{json.dumps(key)}: {json.dumps(one)}" for key, one in value.items()
            )
            parts.append(f'"{name}": {{\n{lines}\n}}')
        else:
            parts.append(f'"{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"
