"""Every chapter of this book runs in profile smoke, by papermill alone, and is fit for the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from book.tools import gate_notebook, gate_source, run
from book.tools.layout import Layout

LAYOUT = Layout(Path(__file__).resolve().parents[2])


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
