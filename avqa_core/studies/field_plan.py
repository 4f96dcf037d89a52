"""Which runs of the plan the study of failing sensors takes, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avqa_core.config import unknown_key
from avqa_core.errors import ConfigError
from avqa_core.experiments import planning, schedule
from avqa_core.experiments.schedule import Planned
from avqa_core.experiments.worlds import Worlds


def planned(
    profile: str,
    out: Path,
    worlds: Path,
    names: Sequence[str],
    *,
    num_seeds: int | None = None,
    data: Path | None = None,
    keep_stale: bool = False,
) -> list[Planned]:
    """Return the runs of some experiments, finished or not; arguments as of ``Making``.

    Args:
        profile: whose plan.
        out: where run folders lie; they are in a folder of the profile in it.
        worlds: folder of all built worlds; none is built.
        names: of the experiments.
        num_seeds: how many; those of the profile if None.
        data: folder of the default world; the profile's Bandstand if None.
        keep_stale: count what was made by other source.

    Raises:
        ConfigError: no such experiment.
    """
    plan = planning.plan(profile, None if num_seeds is None else range(num_seeds))
    known = {one.name for one in plan}
    for name in names:
        if name not in known:
            raise ConfigError(unknown_key(name, sorted(known), "--experiments"))
    groups = {one.group for one in plan if one.name in names}
    # With all that they start from: a run is named after its parent too.
    found = schedule.planned(
        planning.chosen(plan, sorted(groups)),
        out / profile,
        Worlds(profile, worlds, data, builds=False),
        keep_stale=keep_stale,
    )
    return [one for one in found if one.experiment.name in names]
