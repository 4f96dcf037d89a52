"""Hashes of source and data: what decides whether something computed earlier still stands.

Python counts by its syntax tree without docstrings, so that an edit of a comment or of a docstring
makes nothing stale; every other file counts by its bytes.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def of_text(*parts: str) -> str:
    """Return a hash of ``parts`` in their order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def of_python(source: str) -> str:
    """Return a hash of what ``source`` does: its syntax tree without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return of_text(_dump(tree))


def _dump(node: object) -> str:
    """Write a syntax tree without empty fields, which ``ast.dump`` shows or not by version."""
    if isinstance(node, ast.AST):
        if isinstance(node, ast.JoinedStr):
            node.values = [one for one in node.values if not _is_empty_text(one)]
        shown = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
        inside = ",".join(f"{name}={_dump(value)}" for name, value in shown)
        return f"{type(node).__name__}({inside})"
    if isinstance(node, list):
        return "[" + ",".join(map(_dump, node)) + "]"
    return repr(node)


def _is_empty_text(node: ast.expr) -> bool:
    """Tell the empty piece that some versions of Python add to an f-string."""
    return isinstance(node, ast.Constant) and node.value == ""


def of_files(paths: Iterable[Path], root: Path) -> str:
    """Return a hash of files and of where they lie below ``root``, whatever their order."""
    parts: list[str] = []
    for path in sorted(paths):
        parts.append(path.relative_to(root).as_posix())
        parts.append(of_python(path.read_text()) if path.suffix == ".py" else _of_bytes(path))
    return of_text(*parts)


@cache
def of_package(*folders: str) -> str:
    """Return a hash of the whole package, or of its ``folders`` and modules named.

    Found once a process: what was imported does not change with the files.
    """
    roots = [PACKAGE / folder for folder in folders] or [PACKAGE]
    files: set[Path] = set()
    for root in roots:
        found = [root] if root.is_file() else root.rglob("*")
        files |= {one for one in found if one.is_file() and "__pycache__" not in one.parts}
    return of_files(files, PACKAGE)


def _of_bytes(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
