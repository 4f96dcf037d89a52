"""The toggles of a page with everything they need beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avqa_core.viz.notices import notice
from avqa_core.viz.page_toggles import page_toggles
from avqa_core.viz.session import ToggleSession
from tests.viz.fakes import make_session


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> ToggleSession:
    return make_session(tmp_path_factory.mktemp("page"))


def test_media_lie_beside_the_page_and_are_addressed_by_name(session, tmp_path):
    folder = tmp_path / "04_media"
    shown = page_toggles(
        session, folder, completer="rmm", provenance="Made up.", num_clips=2, num_questions=2
    )
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["00000000.mp3", "00000000.webp", "00000001.mp3", "00000001.webp"]
    assert all(f"04_media/{name}" in shown.html for name in files)
    assert "Made up." in shown.html and shown.png is not None
    assert "16 states" in shown.text  # 2 clips x 2 questions x 4 scenarios


def test_clips_without_scenes_are_told(session, tmp_path):
    bare = ToggleSession(session.models, replace(session.world, scenes={}))
    shown = page_toggles(bare, tmp_path / "media", completer="rmm", provenance="Made up.")
    assert "make lab" in shown.html and not (tmp_path / "media").exists()


def test_a_notice_escapes_what_it_is_given():
    box = notice("a < b", "because", "run <this>")
    assert "a &lt; b" in box.html and "run &lt;this&gt;" in box.html
    assert box.text == "a < b: because Type: run <this>"
