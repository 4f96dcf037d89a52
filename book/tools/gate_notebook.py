"""What has to hold of an executed notebook; the page builder itself would swallow a traceback."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from avqa_core import profiles
from book.tools import cells, finish
from book.tools.layout import Layout

OUTPUT_BYTES = 1_000_000
NOTEBOOK_BYTES = 5_000_000
_NO_TEXT = re.compile(r"^[\w\-./]*\.(png|svg|jpe?g|webp)$|^[0-9a-f]{16,}$")


def problems(layout: Layout, profile: str, names: list[str] | None = None) -> list[str]:
    """Check every finished notebook of ``profile``."""
    found = []
    for script, path in _pages(layout, profile, names):
        if not path.is_file():
            found.append(f"{script.stem}: not executed under {profile}: run it first")
            continue
        found += [f"{script.stem}: {what}" for what in _of_page(path, profile)]
        found += [f"{script.stem}: {what}" for what in _text_of(cells.read(path), script)]
        found += [f"{script.stem}: {what}" for what in _expectations(layout, path, profile)]
    return found


def slow(layout: Layout, profile: str, names: list[str] | None = None) -> list[str]:
    """Tell which notebooks took longer than they promise.

    Apart from ``problems``, because a reader's machine may be slower than the one we promise for,
    and a page that came late is as good as any other.
    """
    return [
        f"{script.stem}: {what}"
        for script, path in _pages(layout, profile, names)
        if path.is_file()
        for what in _seconds(cells.read(path), script, profile)
    ]


def _pages(layout: Layout, profile: str, names: list[str] | None) -> Iterator[tuple[Path, Path]]:
    """Yield every chapter's script and executed notebook."""
    for script in [layout.chapter(name) for name in names] if names else layout.chapters():
        yield script, layout.executed(profile) / f"{script.stem}.ipynb"


def _of_page(path: Path, profile: str) -> Iterator[str]:
    notebook = cells.read(path)
    yield from _execution(notebook)
    for cell in cells.code(notebook):
        for output in cell.outputs:
            yield from _output(cell, output)
    yield from _names(notebook)
    for name, value in glued(notebook).items():
        if isinstance(value, float) and not math.isfinite(value):
            yield f"glues {value} as {name!r}, which the text would show: find out why"
    if path.stat().st_size > NOTEBOOK_BYTES:
        yield f"{path.stat().st_size} bytes, at most {NOTEBOOK_BYTES}: show less"
    if "widgets" in notebook.metadata:
        yield "widget state is stored, which loads scripts from a network: run the finish step"
    yield from _provenance(notebook, profile)


def _execution(notebook: NotebookNode) -> Iterator[str]:
    for cell in cells.code(notebook):
        if cell.source.strip() and cell.execution_count is None:
            yield f"cell {_name(cell)} was never executed: run the chapter again"


def _output(cell: NotebookNode, output: NotebookNode) -> Iterator[str]:
    if output.output_type == "error":
        yield f"cell {_name(cell)} stores an error, {output.ename}: mend the cell"
    if output.output_type == "stream" and output.name == "stderr":
        first = output.text.strip().splitlines()[:1]
        yield f"cell {_name(cell)} writes to stderr, {first}: remove the cause of the warning"
    size = len(json.dumps(output))
    if size > OUTPUT_BYTES:
        yield f"cell {_name(cell)} has an output of {size} bytes, at most {OUTPUT_BYTES}"
    data = output.get("data", {})
    html = _text(data.get("text/html", ""))
    if any(kind.startswith("image/") for kind in data) and not html:
        yield from _image(cell)
    for tag in re.findall(r"<img\b[^>]*>", html):
        alt = re.search(r"""\balt=["']([^"']*)["']""", tag)
        if alt is None or (alt.group(1) and _NO_TEXT.match(alt.group(1))):
            yield f"cell {_name(cell)} shows HTML with a picture without alt text: describe it"


def _image(cell: NotebookNode) -> Iterator[str]:
    """Ask for caption, name and alt text of a picture, the last not a copy of the first."""
    settings = cell.metadata.get("mystnb", {})
    caption = settings.get("figure", {}).get("caption", "")
    alt = settings.get("image", {}).get("alt", "")
    for what, value in (
        ("caption", caption),
        ("name", settings.get("figure", {}).get("name", "")),
        ("alt text", alt),
    ):
        if not value:
            yield f"cell {_name(cell)} shows a picture without {what}: add it to mystnb={{…}}"
    if alt and (alt == caption or _NO_TEXT.match(alt)):
        yield f"cell {_name(cell)}: alt text repeats the caption or a file name: describe the plot"


def _names(notebook: NotebookNode) -> Iterator[str]:
    seen = set()
    for cell in cells.code(notebook):
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
        if name in seen:
            yield f"figure name {name!r} is used twice: give each figure its own"
        seen.add(name or cell.id)


def _text_of(notebook: NotebookNode, script: Path) -> Iterator[str]:
    """Compare what the page says with the script as it is now, which may have changed since."""
    wanted = [cell.source for cell in cells.from_script(script).cells]
    if finish.sources(notebook) != wanted:
        yield "was executed from another version of its script: run it again"


def _provenance(notebook: NotebookNode, profile: str) -> Iterator[str]:
    made_by = notebook.metadata.get("avqa")
    if not made_by:
        yield "no provenance: run the finish step"
        return
    if made_by["profile"] != profile:
        yield f"made under profile {made_by['profile']!r} instead of {profile!r}: run it again"
    injected = cells.tagged(notebook, cells.INJECTED)
    wanted = made_by["parameters"]
    if len(injected) != 1 or _assigned(injected[0].source) != wanted:
        yield f"injected parameters are not {wanted}: run it again"


def _seconds(notebook: NotebookNode, script: Path, profile: str) -> Iterator[str]:
    made_by = notebook.metadata.get("avqa")
    if not made_by:
        return
    budget = profiles.budget(script.stem, profile)
    # the smaller of the two: other work on the machine is not the page's fault, nor are threads
    took = min(made_by["seconds"], made_by["cpu_seconds"])
    # a faster machine than that of the budgets earns a page nothing: a promise is no worse kept
    slowness = max(1.0, made_by["slowness"])
    if took > budget * slowness:
        here = f", on this slower machine {budget * slowness:.0f} s" if slowness > 1 else ""
        yield f"took {took:.0f} s, promised at most {budget:.0f} s{here}: make it cheaper"


def _assigned(source: str) -> dict[str, Any]:
    """Return what the cell that papermill wrote assigns; it holds literals only."""
    return {
        one.targets[0].id: ast.literal_eval(one.value)
        for one in ast.parse(source).body
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
    }


def glued(notebook: NotebookNode) -> dict[str, Any]:
    """Return the plain numbers that a chapter glued, by name."""
    values: dict[str, Any] = {}
    for cell in cells.code(notebook):
        for output in cell.outputs:
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            shown = [text for text in output.get("data", {}).values() if isinstance(text, str)]
            if name is None or not shown:
                continue
            try:
                values[name] = float(shown[0])
            except ValueError:
                values[name] = shown[0]
    return values


def _expectations(layout: Layout, path: Path, profile: str) -> Iterator[str]:
    """Compare glued numbers with those stored for this chapter and profile, if there are any."""
    stored = layout.expected(path.stem, profile)
    if not stored.is_file():
        return
    values = glued(cells.read(path))
    for name, wanted in json.loads(stored.read_text())["values"].items():
        value = values.get(name)
        # Not "differs by more than": nothing is more than the distance of a number that is none.
        is_met = isinstance(value, float) and (abs(value - wanted["value"]) <= wanted["tolerance"])
        if not is_met:
            yield (
                f"{name} is {value}, expected {wanted['value']} ± {wanted['tolerance']}: find out "
                f"why, then 'python -m book.tools expect {path.stem} --profile {profile}'"
            )


def _name(cell: NotebookNode) -> str:
    first = (cell.source.strip().splitlines() or [""])[0]
    return f"{cell.get('execution_count') or '?'} ({first[:50]!r})"


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)
