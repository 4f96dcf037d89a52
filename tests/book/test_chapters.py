"""Every chapter of this book runs in profile smoke, by papermill alone, and is fit for the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from book.tools import gate_notebook, gate_source, run
from book.tools.layout import Layout

LAYOUT = Layout(Path(__file__).resolve().parents[2])
EXPECTED = LAYOUT.expected("any", "smoke").parent


def test_the_sources_are_as_they_have_to_be() -> None:
    assert gate_source.problems(LAYOUT) == []


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.parametrize("name", [one.stem for one in LAYOUT.chapters()])
def test_a_chapter_runs_and_passes_its_gate(name: str) -> None:
    """The runner skips what is up to date, so that a later ``make book`` has less to do.

    How long it took is for ``make book`` to judge, which has the machine to itself.
    """
    (outcome,) = run.run(LAYOUT, "smoke", [name], threads=1)
    assert outcome.error is None
    assert gate_notebook.problems(LAYOUT, "smoke", [name]) == []


def test_what_some_chapters_showed_is_kept_for_the_gate_to_compare() -> None:
    known = {one.stem for one in LAYOUT.chapters()}
    kept = {path.name.removesuffix(".smoke.json"): path for path in EXPECTED.glob("*.smoke.json")}
    assert {"01_bandstand", "02_slot_addressing", "03_avr_diffusion"} <= kept.keys() <= known
    for path in kept.values():
        assert len(json.loads(path.read_text())["values"]) >= 5, path
