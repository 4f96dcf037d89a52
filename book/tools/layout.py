"""Where everything of the book lies, relative to one root, so that tests can use a small one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from avqa_core.errors import AvqaError


class BookError(AvqaError):
    """Something about the pages, their sources or the build is not as it has to be."""


@dataclass(frozen=True)
class Layout:
    """Folders of one checkout; what is generated lies under ``build``."""

    root: Path

    @property
    def notebooks(self) -> Path:
        """Return the folder of scripts and their pairs."""
        return self.root / "notebooks"

    @property
    def book(self) -> Path:
        """Return the folder of prose pages."""
        return self.root / "book"

    @property
    def results(self) -> Path:
        """Return the folder of stored results."""
        return self.book / "results"

    @property
    def build(self) -> Path:
        """Return the folder of everything generated."""
        return self.root / "build"

    @property
    def converted(self) -> Path:
        """Return the folder of the notebooks that papermill runs."""
        return self.build / "notebooks"

    @property
    def site_source(self) -> Path:
        """Return the folder that jupyter-book builds."""
        return self.build / "site-src"

    @property
    def html(self) -> Path:
        """Return the folder of the finished pages."""
        return self.build / "html"

    @property
    def told_profile(self) -> Path:
        """Return the file beside the finished pages that says under which profile they ran."""
        return self.html / "profile.txt"

    def require_pages(self, profile: str) -> None:
        """Stop where there are no finished pages of ``profile``.

        Raises:
            BookError: there are none, or they are of another profile.
        """
        found = self.told_profile.read_text().strip() if self.told_profile.is_file() else "none"
        if found != profile:
            raise BookError(
                f"expected pages of profile {profile} at {self.html}, got {found}: "
                f"run 'make book PROFILE={profile}' first"
            )

    def executed(self, profile: str) -> Path:
        """Return the folder of the finished notebooks of ``profile``."""
        return self.build / "executed" / profile

    def expected(self, chapter: str, profile: str) -> Path:
        """Return the file of the numbers that a run of ``chapter`` has to meet."""
        return self.notebooks / "expected" / f"{chapter}.{profile}.json"

    def chapters(self) -> list[Path]:
        """Return the scripts of all chapters in their order."""
        return sorted(self.notebooks.glob("[0-9][0-9]_*.py"))

    def chapter(self, name: str) -> Path:
        """Return the script of one chapter, given with or without its number.

        Raises:
            BookError: no such chapter, or more than one.
        """
        found = [one for one in self.chapters() if name in (one.stem, one.stem[:2], one.stem[3:])]
        if len(found) != 1:
            known = ", ".join(one.stem for one in self.chapters())
            raise BookError(f"expected a chapter, one of {known}; got {name!r}: correct the name")
        return found[0]

    def pages(self) -> list[str]:
        """Return every page of ``_toc.yml``, as paths without an ending.

        Raises:
            BookError: the table of contents is no YAML, or the chapters on disk are others.
        """
        try:
            contents = yaml.safe_load((self.root / "_toc.yml").read_text())
        except yaml.YAMLError as error:
            raise BookError(f"_toc.yml: expected YAML, got {error}: mend it") from error
        pages = list(_files(contents))
        listed = {page for page in pages if page.startswith("notebooks/")}
        present = {f"notebooks/{one.stem}" for one in self.chapters()}
        if listed != present:
            odd = ", ".join(sorted(listed ^ present))
            raise BookError(
                f"_toc.yml and notebooks/ differ in {odd}: make both name every chapter"
            )
        return pages


def _files(node: Any) -> Any:
    if isinstance(node, list):
        for item in node:
            yield from _files(item)
    elif isinstance(node, dict):
        for key in ("root", "file"):
            if key in node:
                yield str(node[key])
        for key in ("parts", "chapters", "sections"):
            yield from _files(node.get(key, []))
