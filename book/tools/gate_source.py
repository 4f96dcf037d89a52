"""What can be said about a chapter before it runs: its shape, its sizes, its parameters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from avqa_core import profiles
from book.tools import cells, pairing, parameters
from book.tools.layout import Layout

CODE_LINES = 25
TEXT_WORDS = 120
CELLS = 40
IMPORT_LINES = 12
TITLE_LENGTH = 60

_FORBIDDEN = {
    "an absolute path": re.compile(r"""["'](~?/[a-zA-Z][\w.-]*/|[A-Z]:\\)"""),
    "an installation from within a page": re.compile(r"^\s*[!%]\s*(pip|conda|uv)\b", re.M),
    "a call to the network": re.compile(
        r"\b(urllib\.request|requests\.|urlopen|http\.client|httpx|torch\.hub|hf_hub_download|"
        r"load_dataset|wget|curl)\b"
    ),
    "the global random state": re.compile(
        r"\btorch\.manual_seed\(|(?<![\w.])random\.\w+\(|"
        r"\b(np|numpy)\.random\.(?!default_rng\b|Generator\b|SeedSequence\b)\w+\("
    ),
    "a generator without a seed": re.compile(r"\bdefault_rng\(\s*\)"),
}
# a share or a difference with a decimal point is a result; whole numbers may be anything
_TYPED_RESULT = re.compile(r"(?<![\w.])\d+\.\d+\s*(?:%|\\%|points?\b|±)")
_SIGNS_OF_MATH = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.S)


def problems(layout: Layout) -> list[str]:
    """Check every chapter's source, its pair and its profiles."""
    layout.pages()
    found = pairing.problems(layout)
    for script in layout.chapters():
        notebook = cells.from_script(script)
        found += [f"{script.stem}: {what}" for what in _shape(notebook)]
        found += [f"{script.stem}: {what}" for what in _resolution(notebook, script.stem)]
        found += [f"{script.stem}: {what}" for what in _sizes(notebook)]
        found += [f"{script.stem}: {what}" for what in _contents(notebook)]
        found += parameters.problems(pairing.convert(layout, script))
        found += _budget(notebook, script)
    return found


def _shape(notebook: NotebookNode) -> Iterator[str]:
    """Check the anatomy: title first, one parameters cell of literals, resolved right after."""
    titles = [line for cell in notebook.cells for line in _headings(cell) if line[0] == 1]
    first = notebook.cells[0] if notebook.cells else None
    if len(titles) != 1 or first is None or not first.source.startswith("# "):
        yield f"expected one level-1 heading, in the first cell, got {len(titles)}: mend it"
    elif len(titles[0][1]) > TITLE_LENGTH:
        yield f"the title has {len(titles[0][1])} characters, at most {TITLE_LENGTH}: shorten it"
    yield from _levels(notebook)
    tagged = cells.tagged(notebook, cells.PARAMETERS)
    if len(tagged) != 1:
        yield f"expected one cell tagged 'parameters', got {len(tagged)}: mend it"
        return
    if not _only_literals(tagged[0].source):
        yield "the parameters cell is more than literals: derive in the next cell"
    code = cells.code(notebook)
    after = code[code.index(tagged[0]) + 1 :]
    if not after or not _is_resolving(after[0]):
        yield "expected profiles.resolve(...) in the cell after the parameters, got none: add it"


def _levels(notebook: NotebookNode) -> Iterator[str]:
    before = 0
    for cell in notebook.cells:
        for level, title in _headings(cell):
            if level > before + 1:
                yield f"heading {title!r} jumps from level {before} to {level}: go down by one"
            before = level


def _headings(cell: NotebookNode) -> list[tuple[int, str]]:
    if cell.cell_type != "markdown":
        return []
    text = re.sub(r"^(```+|:::+).*?^\1\s*$", "", cell.source, flags=re.S | re.M)
    return [(len(sign), title) for sign, title in re.findall(r"^(#+) (.+)$", text, re.M)]


def _only_literals(source: str) -> bool:
    try:
        for statement in ast.parse(source).body:
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
                return False
            ast.literal_eval(statement.value)
    except (SyntaxError, TypeError, ValueError):
        return False
    return True


def _resolution(notebook: NotebookNode, chapter: str) -> Iterator[str]:
    """Check that the chapter resolves itself, and every value it declares under its own name.

    What is declared and not handed on could be set, would stand in the provenance, and would change
    nothing.
    """
    code = "\n".join(cell.source for cell in cells.code(notebook) if _is_resolving(cell))
    for call in ast.walk(_parsed(code)):
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != "profiles.resolve":
            continue
        named = [ast.unparse(one) for one in call.args]
        if named[:1] != [repr(chapter)]:
            yield f"profiles.resolve(...) is of {', '.join(named[:1])}: name this chapter"
        given = {"profile": "".join(named[1:2])}
        given |= {one.arg or "**": ast.unparse(one.value) for one in call.keywords}
        for name in _declared(notebook):
            if given.get(name) != name:
                yield f"profiles.resolve(...) does not get {name}={name}: setting it does nothing"


def _is_resolving(cell: NotebookNode) -> bool:
    return "profiles.resolve(" in cell.source


def _declared(notebook: NotebookNode) -> Iterator[str]:
    """Yield the names that the parameters cell assigns."""
    for cell in cells.tagged(notebook, cells.PARAMETERS):
        for one in _parsed(cell.source).body:
            if isinstance(one, ast.AnnAssign):
                yield ast.unparse(one.target)
            elif isinstance(one, ast.Assign):
                yield from map(ast.unparse, one.targets)


def _parsed(source: str) -> ast.Module:
    """Return the syntax tree; an empty one where a cell is no Python, which running it will say."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])


def _sizes(notebook: NotebookNode) -> Iterator[str]:
    if len(notebook.cells) > CELLS:
        yield f"{len(notebook.cells)} cells, at most {CELLS}: split the chapter"
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if line.strip()]
            if len(lines) > CODE_LINES:
                yield f"cell {number} has {len(lines)} lines, at most {CODE_LINES}: split it"
            imports = [line for line in lines if re.match(r"(import|from) ", line)]
            if len(imports) > IMPORT_LINES:
                yield f"cell {number} imports {len(imports)} times, at most {IMPORT_LINES}"
        else:
            words = _num_words(cell.source)
            if words > TEXT_WORDS and "```" not in cell.source:
                yield f"cell {number} has {words} words, at most {TEXT_WORDS}: split it"


def _num_words(text: str) -> int:
    """Count words, a formula as one; bars of tables and marks of lists are none."""
    parts = _SIGNS_OF_MATH.sub(" formula ", text).split()
    return sum(any(sign.isalnum() for sign in part) for part in parts)


def _contents(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(notebook.cells, start=1):
        if typed := _TYPED_RESULT.search(_prose(cell)):
            yield f"cell {number} has a typed result, {typed[0]!r}: glue what the chapter computes"
        if cell.cell_type != "code":
            continue
        for what, pattern in _FORBIDDEN.items():
            if pattern.search(cell.source):
                yield f"cell {number} has {what}: a page runs anywhere, offline, and by its seed"


def _prose(cell: NotebookNode) -> str:
    """Return what a reader reads: the text of a cell, or of the figure that it shows."""
    if cell.cell_type != "code":
        return str(cell.source)
    settings = cell.metadata.get("mystnb", {})
    parts = (settings.get("figure", {}).get("caption"), settings.get("image", {}).get("alt"))
    return "\n".join(str(one) for one in parts if one)


def _budget(notebook: NotebookNode, script: Path) -> list[str]:
    """Compare the promise in the "At a glance" box with the budget that the gate enforces."""
    seconds = profiles.budget(script.stem, "book")
    for profile in profiles.PROFILES:
        profiles.budget(script.stem, profile)
    promised = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    boxes = [cell.source for cell in notebook.cells if "At a glance" in cell.source]
    if len(boxes) != 1:
        return [f"{script.stem}: expected one box 'At a glance', got {len(boxes)}: mend it"]
    # a promise of 120 s is none of 20 s
    if not re.search(rf"(?<![\d.,]){promised}\b", boxes[0].replace("\u00a0", " ")):
        return [f"{script.stem}: 'At a glance' does not promise '{promised}', its book budget"]
    return []
