"""The first page says what was found, from what is stored, and stays readable without."""

from __future__ import annotations

from pathlib import Path

from book.tools import found, stage
from book.tools.layout import Layout
from tests.book.test_stage import staged  # noqa: F401

LAYOUT = Layout(Path(__file__).resolve().parents[2])


def test_the_first_page_has_the_place_and_every_line_names_its_chapter() -> None:
    page = (LAYOUT.book / "intro.md").read_text()
    assert page.count(found.PLACE) == 1
    told = found.lines(LAYOUT)
    assert len(told) == 7
    assert all(one.startswith("- ") and "{doc}`../notebooks/" in one for one in told)
    text = found.written(page, LAYOUT)
    assert found.PLACE not in text and "\n".join(told) in text


def test_the_lines_are_those_of_the_stored_results() -> None:
    audio, visual, joint, longer, claims, avr, floor = found.lines(LAYOUT)
    assert "Audio missing" in audio and "recommended answers" in audio and "points (" in audio
    assert "Visual missing" in visual
    assert "modality dropout of equal size, the control, by -1.0 points" in joint
    assert "for as many steps" in longer and "-2.7 points" in longer
    assert "contradicted" in claims and "300 steps" in claims
    both, missing_only = avr.split("; on the missing half alone")
    assert "by -15.2 points" in both and "by +0.6 points" in missing_only
    assert "is right on 51.0 % (" in floor


def test_without_results_the_page_has_no_findings(layout: Layout) -> None:
    assert found.lines(layout) == []


def test_the_staged_page_has_them(staged: Layout, monkeypatch) -> None:  # noqa: F811
    (staged.book / "intro.md").write_text(f"# Title\n\n{found.PLACE}\n\nAfter.\n")
    monkeypatch.setattr(found, "lines", lambda layout: ["- one", "- two"])
    stage.stage(staged, "smoke")
    page = (staged.site_source / "book" / "intro.md").read_text()
    assert page == "# Title\n\n- one\n- two\n\nAfter.\n"
    assert found.PLACE in (staged.book / "intro.md").read_text()
