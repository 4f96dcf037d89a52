"""From run folders to one small file that the pages read, with what made every number in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from avqa_core import bounds
from avqa_core.config import to_dict
from avqa_core.data.folder import DataFolder
from avqa_core.experiments.experiment import Experiment, Outcome
from avqa_core.experiments.schedule import Planned
from avqa_core.experiments.worker import EVALUATION_SEED
from avqa_core.training import runs

FORMAT = 1


def collect(planned: Sequence[Planned], profile: str, path: Path) -> int:
    """Write what is finished to ``path`` and return the number of runs in it.

    Runs that the file has and that were not made here stay in it, as long as the plan still has
    the very same run: one group after the other can be run, on one machine or on several.

    Args:
        planned: every run of the plan, as far as it has come.
        profile: whose plan.
        path: of the JSON file.
    """
    identities = {one.job.identity: one for one in planned if one.job is not None}
    old = _read(path)
    records = {
        run["identity"]: run | {"provenance": old["provenance"][run["provenance"]]}
        for run in old["runs"]
        if run["identity"] in identities
    }
    for identity, one in identities.items():
        if one.outcome is not None:
            records[identity] = _record(one.experiment, one.outcome)
    ordered = [records[identity] for identity in identities if identity in records]
    kept = [identities[run["identity"]] for run in ordered]
    content = {
        "format": FORMAT,
        "profile": profile,
        "date": datetime.now(UTC).date().isoformat(),
        "worlds": _worlds(kept, old["worlds"]),
        "experiments": {one.experiment.name: _description(one.experiment) for one in kept},
        **_with_shared_provenance(ordered),
    }
    runs.replace_text(path, _as_text(content))
    return len(ordered)


def stored_identities(path: Path, wanted: Sequence[Planned]) -> frozenset[str]:
    """Return the identities of the runs in a file that are fresh and answer all that is wanted."""
    old = _read(path)
    fresh = [runs.is_fresh(one) for one in old["provenance"]]
    answered = {
        run["identity"]: set(run["correct"]) for run in old["runs"] if fresh[run["provenance"]]
    }
    return frozenset(
        one.job.identity
        for one in wanted
        if one.job is not None
        and set(one.experiment.scenarios) <= answered.get(one.job.identity, set())
    )


def _read(path: Path) -> dict[str, Any]:
    empty: dict[str, Any] = {"runs": [], "provenance": [], "worlds": {}}
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return empty
    return content if content.get("format") == FORMAT else empty


def _record(experiment: Experiment, outcome: Outcome) -> dict[str, Any]:
    provenance = {
        name: value for name, value in outcome.provenance.items() if name not in ("seed",)
    }
    return {
        "experiment": experiment.name,
        "seed": experiment.seed,
        "world": experiment.world,
        "identity": outcome.identity,
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
    places: dict[str, tuple[str, str]] = {}
    for one in kept:
        assert one.job is not None
        known = scenarios.setdefault(one.experiment.world, [])
        known += [name for name in one.experiment.scenarios if name not in known]
        places[one.experiment.world] = (one.job.data, one.job.data_hash)
    found = {}
    for world, names in scenarios.items():
        data, data_hash = places[world]
        before = old.get(world, {})
        if (
            before.get("data_hash") == data_hash
            and "clips" in before
            and set(names) <= set(before["scenarios"])
            and runs.is_fresh(before)
        ):
            found[world] = before
            continue
        folder = DataFolder(data)
        found[world] = {
            "data_hash": data_hash,
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
