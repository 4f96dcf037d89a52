"""Do the stored results still come from this source? A banner if not; a stop at a release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from avqa_core.experiments import networks
from avqa_core.training import runs
from book.tools.layout import Layout


def stale(layout: Layout) -> list[str]:
    """Return what is out of date among the stored results, as one sentence each.

    Every JSON file below ``book/results`` is looked at: each provenance in it, at any depth, has to
    name source that still does what it did when the numbers were made.
    """
    found = []
    for path in sorted(layout.results.rglob("*.json")):
        name = path.relative_to(layout.results).as_posix()
        if name.split("/")[0].endswith(networks.FOLDER):
            continue  # a kept network is as fresh as the stored run whose identity it carries
        try:
            content = json.loads(path.read_text())
        except ValueError as error:
            found.append(f"{name} is no JSON ({error}): run {_maker(name, None)!r}")
            continue
        made_by = list(_provenances(content))
        if not made_by:
            fault = "does not say what it was made from"
        elif not all(runs.is_fresh(one) for one in made_by):
            fault = "was made by another version of the source"
        else:
            continue
        found.append(f"{name} {fault}: run {_maker(name, content)!r}")
    return found


def banner(layout: Layout) -> str | None:
    """Return the text of the banner on every page, None if everything is fresh."""
    found = [one.split(" ")[0] for one in stale(layout)]
    if not found:
        return None
    shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    return (
        f"Some stored results are older than the source of this book ({shown}). "
        "<code>python -m book.tools fresh</code> names the commands that make them anew."
    )


def _maker(name: str, content: Any) -> str:
    """Return the command that makes a file of results, its own where it names one."""
    if isinstance(content, dict) and isinstance(content.get("command"), str):
        return str(content["command"])
    return "make bench" if name.startswith("benchmarks/") else "make results"


def _provenances(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        if {"source_hash", "source_modules"} <= set(content):
            yield content
        for value in content.values():
            yield from _provenances(value)
    elif isinstance(content, list):
        for value in content:
            yield from _provenances(value)
