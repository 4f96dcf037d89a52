"""Resizing, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avqa_core.media import resize
from avqa_core.media.resize import centre_square, stretched


def rows(*levels: int, width: int = 1) -> np.ndarray:
    """Return one picture whose rows have the given gray levels."""
    column = np.array(levels, np.uint8)[None, :, None, None]
    return np.ascontiguousarray(np.broadcast_to(column, (1, len(levels), width, 3)))


def test_growing_interpolates_between_the_centres():
    # Two pixels become four: centres at -0.25, 0.25, 0.75 and 1.25 of the old ones, so the ends
    # stay and the middle ones are 3/4 and 1/4: 0, 25, 75, 100.
    assert stretched(rows(0, 100), 4, 1)[0, :, 0, 0].tolist() == [0, 25, 75, 100]


def test_shrinking_averages_all_it_covers():
    # Four pixels become two: a triangle of radius 2 around 1.0 and 3.0 weighs the centres 0.5, 1.5
    # and 2.5 by 3/4, 3/4 and 1/4, of 7/4 in all: (0 * 3 + 80 * 3 + 160) / 7 = 57.1, and mirrored
    # (80 + 160 * 3 + 240 * 3) / 7 = 182.9.
    assert stretched(rows(0, 80, 160, 240), 2, 1)[0, :, 0, 0].tolist() == [57, 183]


def test_nothing_is_cropped():
    picture = np.zeros((1, 100, 400, 3), np.uint8)
    picture[:, :, :200] = 255
    small = stretched(picture, 8, 8)[0, :, :, 0]
    assert (small[:, :3] == 255).all() and (small[:, 5:] == 0).all()


def test_the_right_size_comes_back_untouched():
    picture = np.random.default_rng(0).integers(0, 256, (2, 6, 4, 3)).astype(np.uint8)
    assert stretched(picture, 6, 4) is picture


def test_the_longer_side_is_a_whole_share_of_the_shorter_one(monkeypatch):
    asked = []

    def resized(pictures, height, width, mode):
        asked.append((height, width, mode))
        return np.zeros((len(pictures), height, width, 3), np.uint8)

    monkeypatch.setattr(resize, "_resized", resized)
    # 224 x 360 / 320 is 252 exactly, and 0.7 x 360 is 251.99… in binary
    centre_square(np.zeros((1, 320, 360, 3), np.uint8), 224)
    centre_square(np.zeros((1, 360, 320, 3), np.uint8), 224)
    assert asked == [(224, 252, "bicubic"), (252, 224, "bicubic")]


def test_the_middle_square_loses_the_sides():
    picture = np.zeros((1, 100, 300, 3), np.uint8)
    picture[:, :, 100:200] = 90
    square = centre_square(picture, 100)
    assert square.shape == (1, 100, 100, 3)
    assert (square == 90).all()
    tall = centre_square(np.ascontiguousarray(picture.transpose(0, 2, 1, 3)), 50)
    assert tall.shape == (1, 50, 50, 3) and (tall[0, 5:-5] == 90).all()


def test_what_bicubic_overshoots_does_not_wrap_around():
    """A step from black to white: beside it bicubic goes below 0 and above 255."""
    row = centre_square(np.ascontiguousarray(rows(*[0] * 8, *[255] * 8, width=16)), 40)[0, :, 20, 0]
    assert (row[0], row[-1]) == (0, 255)
    assert (np.diff(row.astype(int)) >= 0).all()


@given(
    level=st.integers(0, 255),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    side=st.integers(1, 40),
)
def test_a_gray_picture_stays_gray(level, size, side):
    picture = np.full((1, *size, 3), level, np.uint8)
    for resized in (stretched(picture, side, side), centre_square(picture, side)):
        assert resized.shape == (1, side, side, 3) and (resized == level).all()


def test_the_filter_is_that_of_pillow():
    image = pytest.importorskip("PIL.Image")
    picture = np.random.default_rng(0).integers(0, 256, (1, 90, 130, 3)).astype(np.uint8)
    wanted = np.asarray(image.fromarray(picture[0]).resize((56, 56), image.Resampling.BILINEAR))
    difference = np.abs(stretched(picture, 56, 56)[0].astype(int) - wanted)
    assert difference.max() <= 1


def test_the_middle_square_is_that_of_pillow_bicubic():
    image = pytest.importorskip("PIL.Image")
    picture = np.random.default_rng(0).integers(0, 256, (1, 90, 130, 3)).astype(np.uint8)
    # 45 / 90 of 130 is 65, of which 10 go on either side.
    whole = np.asarray(image.fromarray(picture[0]).resize((65, 45), image.Resampling.BICUBIC))
    difference = np.abs(centre_square(picture, 45)[0].astype(int) - whole[:, 10:55])
    assert difference.max() <= 1
