"""The question files of MUSIC-AVQA themselves, where ``AVQA_MUSIC_ANNOTATIONS`` names them.

``test_annotations.py`` counts their categories; here is how the files hang together, and that the
stored floors were made from these very bytes.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

import pytest

from avqa_core.data.annotations import count_categories, read_annotations
from avqa_core.studies import floor_results, question_floors

REAL = os.environ.get("AVQA_MUSIC_ANNOTATIONS")
pytestmark = pytest.mark.skipif(
    not REAL, reason="AVQA_MUSIC_ANNOTATIONS names no folder of MUSIC-AVQA question files"
)
VAL, TEST, FIRST = "avqa-val.json", "avqa-test.json", "avqa-test.original.json"
SYNTHETIC = "avqa-train.synthetic-videos.json"


@functools.cache
def read(name: str):
    return read_annotations(Path(str(REAL)) / name)


def videos(*names: str) -> set[str]:
    return {one.video_id for name in names for one in read(name)}


def test_all_rows_load():
    """4,568 + 9,129 corrected ones, and 9,185 of the first release."""
    assert len(read(VAL)) + len(read(TEST)) == 13_697
    assert len(read(FIRST)) == 9_185


def test_the_files_share_videos_because_questions_were_split_and_not_videos():
    assert len(videos(VAL)) == 3_815 and len(videos(TEST)) == 6_399
    assert videos(TEST) == videos(FIRST)
    assert len(videos(VAL) & videos(TEST)) == 2_296
    assert len(videos(SYNTHETIC) & videos(TEST)) == 1_269
    assert len(videos(VAL) | videos(SYNTHETIC)) > 3_815
    shared_questions = {one.question_id for one in read(VAL)} & {
        one.question_id for one in read(TEST)
    }
    assert not shared_questions


def test_the_stored_floors_were_made_from_these_files():
    known = {one.name: one for one in floor_results.stored().files}
    for name in (VAL, TEST, FIRST, SYNTHETIC):
        content = (Path(str(REAL)) / name).read_bytes()
        assert known[name].sha256 == hashlib.sha256(content).hexdigest()
        assert (known[name].rows, known[name].videos) == (len(read(name)), len(videos(name)))


def test_the_floor_by_template_is_what_was_counted_by_hand():
    """Per cent by category, counted without this package, to the digit that was noted."""
    noted = dict(
        zip(
            count_categories([]),
            (65.6, 54.5, 56.8, 27.3, 79.0, 32.4, 56.0, 57.8, 28.2),
            strict=True,
        )
    )
    right = question_floors.right_tables(read(VAL), read(TEST))
    for category, value in noted.items():
        rows = [one.category == category for one in read(TEST)]
        # One template of audio-visual location has a tie: violin (noted) or piano (here).
        tolerance = 0.25 if str(category) == "Audio-Visual Location" else 0.06
        assert 100 * right["template"][0, rows].mean() == pytest.approx(value, abs=tolerance)
    assert 100 * right["constant"].mean() == pytest.approx(26.15, abs=0.005)
    assert 100 * right["template"].mean() == pytest.approx(51.05, abs=0.03)


def test_the_tables_give_the_stored_counts():
    stored = floor_results.stored().of([VAL], TEST)
    right = question_floors.right_tables(read(VAL), read(TEST))
    for floor, of in right.items():
        assert stored.row(floor).correct == (int(of.sum()),)
