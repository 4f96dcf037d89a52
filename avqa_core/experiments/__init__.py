"""The experiments of the book: which runs there are, how they are run, and what came out.

``plan`` lists the runs of a profile, ``avqa results`` runs them, ``stored`` reads what came out.
Everything is imported where it is needed: a run must not depend on the code that only reads its
outcome, or each new table would make stored results look out of date.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avqa_core.experiments.experiment import Experiment
    from avqa_core.experiments.results import Stored

__all__ = ["plan", "stored"]


def plan(profile: str, seeds: Sequence[int] | None = None) -> list[Experiment]:
    """Return every run of ``profile``, parents before their children.

    Args:
        profile: ``smoke``, ``book`` or ``full``.
        seeds: one run of each experiment for each of them; those of the profile if None.
    """
    from avqa_core.experiments import planning

    return planning.plan(profile, seeds)


def stored(profile: str, path: Path | None = None, *, missing_ok: bool = False) -> Stored:
    """Return the stored results of ``profile``.

    Args:
        profile: ``smoke``, ``book`` or ``full``.
        path: of the file; ``book/results/<profile>.json`` of the checkout if None.
        missing_ok: return results without any run where there is no file.

    Raises:
        ConfigError: there is no such file, or it is damaged.
    """
    from avqa_core.experiments import results

    return results.stored(profile, path, missing_ok=missing_ok)
