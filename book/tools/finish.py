"""Make an executed notebook fit for the page: metadata stripped, tags set, provenance added."""

from __future__ import annotations

import copy
import datetime
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from avqa_core import profiles
from avqa_core.errors import AvqaError
from avqa_core.training import runs
from book.tools import cells

_RUN_TIME = ("papermill", "execution")
_FOOTER = ":::{admonition} Provenance of this page"
INJECTED_NOTE = "**Parameters of this run**, as the profile gave them:"


@dataclass(frozen=True)
class Facts:
    """What made an executed page."""

    chapter: str
    profile: str
    seeds: list[int]
    device: str
    package: str
    commit: str | None
    python: str
    torch: str
    data: str | None
    seconds: float
    cpu_seconds: float
    slowness: float
    date: str
    mark: str
    media: list[str]
    parameters: dict[str, Any]


def facts(
    script: Path,
    given: dict[str, Any],
    seconds: float,
    mark: str,
    cpu_seconds: float,
    slowness: float,
) -> Facts:
    """Gather what made the page that was just executed."""
    run = profiles.resolve(script.stem, **given)
    media = sorted(path.name for path in run.media_dir.glob("*") if path.is_file())
    return Facts(
        chapter=script.stem,
        profile=run.profile,
        seeds=list(run.seeds),
        device=runs.device_name(_torch_device(run.device)),
        package=version("avqa-core"),
        commit=runs.commit(),
        python=platform.python_version(),
        torch=version("torch"),
        data=data_hash(script, run),
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu_seconds, 1),
        slowness=round(slowness, 2),
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        mark=mark,
        media=media,
        parameters=given,
    )


def finished(notebook: NotebookNode, made_by: Facts) -> NotebookNode:
    """Return a copy of an executed notebook that is ready for the page."""
    page = copy.deepcopy(notebook)
    # its mere presence makes the page load widget scripts from a network
    page.metadata.pop("widgets", None)
    for metadata in (page.metadata, *(cell.metadata for cell in page.cells)):
        for key in _RUN_TIME:
            metadata.pop(key, None)
    page.cells = [one for cell in page.cells for one in _shown(cell)]
    page.cells.append(nbformat.v4.new_markdown_cell(footer(made_by)))
    page.metadata["avqa"] = asdict(made_by)
    cells.identify(page)
    return page


def sources(page: NotebookNode) -> list[str]:
    """Return the cells that a finished page has from its script: all but those added since."""
    return [
        cell.source
        for cell in page.cells
        if cells.INJECTED not in cells.tags(cell)
        and cell.source != INJECTED_NOTE
        and not cell.source.startswith(_FOOTER)
    ]


def mark_of(path: Path) -> str | None:
    """Return what a finished notebook was made from, None if it or its media are not there."""
    if not path.is_file():
        return None
    try:
        made_by = cells.read(path).metadata.get("avqa", {})
        run = profiles.resolve(made_by["chapter"], **made_by["parameters"])
    except (AvqaError, KeyError, TypeError):
        return None
    if any(not (run.media_dir / name).is_file() for name in made_by["media"]):
        return None
    return made_by.get("mark")


def footer(made_by: Facts) -> str:
    """Return the provenance box that ends a page."""
    seeds = ", ".join(map(str, made_by.seeds))
    rows = {
        "profile": made_by.profile,
        "seeds": seeds,
        "device": made_by.device,
        "package": f"avqa-core {made_by.package}, commit {made_by.commit or 'unknown'}",
        "versions": f"Python {made_by.python}, torch {made_by.torch}",
        "data": made_by.data or "none: this page needs no clips",
        "time": f"{made_by.seconds:.0f} s, of the processor {made_by.cpu_seconds:.0f} s",
        "machine": f"{made_by.slowness:.1f} times as slow as the one that budgets are for",
        "executed": made_by.date,
        "made from": made_by.mark,
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"{_FOOTER}\n:class: note dropdown\n\n| what | value |\n|---|---|\n{table}\n:::"


def _shown(cell: NotebookNode) -> list[NotebookNode]:
    """Fold the parameter cell of the source; show the injected one under a line of its own."""
    if cells.PARAMETERS in cells.tags(cell):
        cell.metadata["tags"] = [*cells.tags(cell), "hide-cell"]
    if cells.INJECTED in cells.tags(cell):
        return [nbformat.v4.new_markdown_cell(INJECTED_NOTE), cell]
    return [cell]


def data_hash(script: Path, run: profiles.ChapterRun) -> str | None:
    """Return the hash of the clips that a chapter reads, None if it reads none."""
    if "profiles.world(" not in script.read_text():
        return None
    return runs.data_hash(profiles.world(run.profile, run.data_dir))


def _torch_device(name: str) -> Any:
    import torch

    return torch.device(name)
