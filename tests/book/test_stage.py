"""What is built is what was run last, and nothing is put in the place of pages that failed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from book.tools import cells, finish, stage
from book.tools.layout import BookError, Layout
from tests.book.test_finish_and_gate import GIVEN, executed


@pytest.fixture
def staged(layout: Layout, chapter: Path) -> Layout:
    """A checkout whose chapter was executed, with one sound that the page plays."""
    given = GIVEN | {"out_dir": str(layout.root / "out")}
    media = layout.root / "out" / "01_tiny_media"
    media.mkdir(parents=True)
    (media / "a.mp3").write_bytes(b"sound")
    page = finish.finished(executed(chapter), finish.facts(chapter, given, 1.0, "abc", 1.0, 1.0))
    cells.write(page, layout.executed("smoke") / "01_tiny.ipynb")
    stage.stage(layout, "smoke")
    return layout


def test_pages_media_and_profile_are_staged_and_what_lay_there_is_gone(staged: Layout) -> None:
    old = staged.site_source / "notebooks" / "02_gone.ipynb"
    old.write_text("of a chapter that is no more")
    stage.stage(staged, "smoke")
    beside = staged.site_source / "_beside"
    assert not old.exists()
    assert (beside / "notebooks" / "01_tiny_media" / "a.mp3").read_bytes() == b"sound"
    assert (beside / staged.told_profile.name).read_text() == "smoke\n"
    assert (staged.site_source / "notebooks" / "01_tiny.ipynb").is_file()


@pytest.mark.parametrize("code", [0, 1])
def test_pages_of_a_builder_that_found_something_are_not_shown(
    staged: Layout, monkeypatch, code: int
) -> None:
    staged.html.mkdir(parents=True)
    (staged.html / "index.html").write_text("of the last build")

    def builder(command: list[str], **options) -> subprocess.CompletedProcess:
        built = Path(command[command.index("--path-output") + 1]) / "_build" / "html"
        built.mkdir(parents=True)
        (built / "index.html").write_text("of this build")
        options["stdout"].write("1.md:1: WARNING: unknown term\n" if code else "fine\n")
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(stage.subprocess, "run", builder)
    if code:
        with pytest.raises(BookError, match="unknown term"):
            stage.build(staged)
    else:
        stage.build(staged)
    shown = "of the last build" if code else "of this build"
    assert (staged.html / "index.html").read_text() == shown
