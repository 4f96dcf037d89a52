"""Surveys and packings in words: counts, names and sizes."""

from __future__ import annotations

import numpy as np
import pytest

from avqa_core.features.settings import ARRAYS, PackConfig
from avqa_core.features.summary import named, size, survey_lines
from avqa_core.features.survey import survey
from tests.data.npy_folders import sound, sound_path, write_folder


@pytest.mark.parametrize(
    ("num_bytes", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_996, "10.0 kB"),
        (99_940, "99.9 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (2 * 10**15, "2000 TB"),
    ],
)
def test_a_size_has_three_digits(num_bytes, told):
    assert size(num_bytes) == told


def test_three_clips_are_named_and_of_more_the_first_three():
    assert named(["a"]) == "1 clip (a)"
    assert named(["a", "b", "c"]) == "3 clips (a, b, c)"
    assert named(["a", "b", "c", "d"]) == "4 clips (a, b, c, ...)"


def test_clips_that_end_early_are_told_apart_from_those_that_are_padded(tmp_path):
    folder = write_folder(tmp_path / "npy")
    for number, seconds in ((0, 55), (1, 54), (2, 40)):
        np.save(sound_path(folder, f"c{number}"), sound(number, seconds))
    lines = list(survey_lines(survey(folder, PackConfig(arrays=ARRAYS, short="pad"))))
    assert "shorter than 60 seconds, but with every second that is kept: 1 clip" in lines
    assert "end repeated to 60 seconds: 2 clips (c1, c2)" in lines
