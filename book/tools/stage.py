"""Put together what jupyter-book builds, build it, and place the pages where readers look."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from avqa_core import profiles
from book.tools import cells, downloads, found, freshness
from book.tools.layout import BookError, Layout

_NOT_STAGED = shutil.ignore_patterns("tools", "results", "__pycache__", ".*")


def stage(layout: Layout, profile: str) -> Path:
    """Copy configuration, prose and executed notebooks to ``build/site-src``."""
    layout.pages()
    shutil.rmtree(layout.site_source, ignore_errors=True)
    layout.site_source.mkdir(parents=True)
    shutil.copy(layout.root / "_toc.yml", layout.site_source)
    shutil.copytree(layout.book, layout.site_source / "book", ignore=_NOT_STAGED)
    first = layout.site_source / "book" / "intro.md"
    if first.is_file():
        first.write_text(found.written(first.read_text(), layout))
    _write_config(layout)
    (layout.site_source / "_beside" / layout.told_profile.name).write_text(f"{profile}\n")
    (layout.site_source / "notebooks").mkdir()
    for script in layout.chapters():
        _stage_chapter(layout, layout.executed(profile) / f"{script.stem}.ipynb")
    return layout.site_source


def build(layout: Layout) -> Path:
    """Build the pages with every warning an error and move them to ``build/html``.

    Raises:
        BookError: jupyter-book found something, or failed.
    """
    work = layout.build / "site"
    shutil.rmtree(work, ignore_errors=True)
    program = Path(sys.executable).with_name("jupyter-book")
    command = [str(program), "build", str(layout.site_source), "--path-output", str(work)]
    log = layout.build / "jupyter-book.log"
    with log.open("w") as stream:
        done = subprocess.run(
            [*command, "-W", "-n", "--keep-going"],
            stdout=stream,
            stderr=subprocess.STDOUT,
            # the folder of local extensions is looked up from here
            cwd=layout.site_source,
            env=os.environ | {"PYTHONWARNINGS": "ignore", "NO_COLOR": "1"},
            check=False,
        )
    built = work / "_build" / "html"
    if done.returncode != 0 or not (built / "index.html").is_file():
        lines = log.read_text().splitlines()
        said = [line for line in lines if "WARNING" in line or "ERROR" in line] or lines[-15:]
        cells.report(f"build (all of it in {log})", said)
    downloads.replace_sources(layout, built)
    for source_map in built.rglob("*.map"):
        # only developers of the theme ever load these, and they are a third of the pages' weight
        source_map.unlink()
    for page in built.rglob("*.html"):
        _drop_shared_ids(page)
    shutil.rmtree(layout.html, ignore_errors=True)
    shutil.move(str(built), layout.html)
    return layout.html / "index.html"


def _drop_shared_ids(page: Path) -> None:
    """Remove the ids that sphinx-exercise gives to every exercise alike; nothing refers to them."""
    text = page.read_text(encoding="utf-8")
    cleaned = re.sub(r' id="(?:exercise|solution)-content"', "", text)
    if cleaned != text:
        page.write_text(cleaned, encoding="utf-8")


def _stage_chapter(layout: Layout, executed: Path) -> None:
    if not executed.is_file():
        raise BookError(
            f"expected an executed {executed.name} at {executed.parent}, got none: "
            f"run 'python -m book.tools run {executed.stem}' first"
        )
    shutil.copy(executed, layout.site_source / "notebooks")
    made_by = cells.read(executed).metadata.get("avqa", {})
    if made_by.get("media"):
        run = profiles.resolve(executed.stem, **made_by["parameters"])
        beside = layout.site_source / "_beside" / "notebooks" / run.media_dir.name
        beside.mkdir(parents=True)
        for name in made_by["media"]:
            shutil.copy(run.media_dir / name, beside)


def _write_config(layout: Layout) -> None:
    """Copy ``_config.yml`` with the banner of stale results and the media that lie beside pages."""
    config = yaml.safe_load((layout.root / "_config.yml").read_text())
    text = freshness.banner(layout)
    if text:
        config.setdefault("html", {})["announcement"] = text
    config["sphinx"]["config"]["html_extra_path"] = ["_beside"]
    (layout.site_source / "_beside").mkdir()
    (layout.site_source / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
