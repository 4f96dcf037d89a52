"""The empty stage: a hall with curtain and floor, or a meadow under the sky; the subtitle bar."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from avqa_core import rng
from avqa_core.bandstand.canvas import BRIGHTEST, DARKEST

HEIGHT = 192
WIDTH = 288
PLACE_WIDTH = WIDTH // 3
NUM_LOOKS = 3
HORIZON = 128
CAPTION_ROWS = (177, 190)
_NOISE_SIDE = 64
_CURTAINS = ((128, 36, 44), (44, 62, 116), (46, 92, 66))
_FLOORS = ((156, 114, 76), (134, 104, 84), (116, 92, 74))
_SKIES = (((96, 156, 222), (186, 212, 226)), ((150, 160, 174), (204, 206, 206)),
          ((136, 120, 178), (226, 176, 140)))  # fmt: skip
_MEADOWS = ((92, 146, 70), (110, 136, 72), (84, 122, 66))

Picture = NDArray[np.uint8]


@cache
def backdrop(kind: str, look: int) -> Picture:
    """Return the stage without anybody on it, ``[HEIGHT, WIDTH, 3]``.

    Args:
        kind: ``indoor`` or ``outdoor``.
        look: 0..2, the colour of the curtain or the weather.
    """
    picture = _hall(look) if kind == "indoor" else _meadow(look)
    return np.clip(np.rint(picture), DARKEST, BRIGHTEST).astype(np.uint8)


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    return rows[..., None], columns[..., None]


def _hall(look: int) -> NDArray[np.float64]:
    """Curtain in folds above, floor boards that run towards the spectator below."""
    row, column = _grid()
    folds = 0.82 + 0.22 * np.sin(column / 5.5 + 0.6 * np.sin(column / 31.0 + look))
    picture = np.array(_CURTAINS[look]) * folds * (1.05 - 0.25 * row / HORIZON)
    spread = (column - WIDTH / 2) / (row - 60.0).clip(min=1.0)
    boards = np.where((spread * 9.0) % 1.0 < 0.08, 0.8, 1.0) * (0.8 + 0.3 * row / HEIGHT)
    picture = np.where(row >= HORIZON, np.array(_FLOORS[look]) * boards, picture)
    valance = 15.0 + 5.0 * np.abs(np.sin(column / 15.3))
    return np.where(row < valance, np.array([186.0, 150.0, 66.0]), picture)


def _meadow(look: int) -> NDArray[np.float64]:
    """Sky with clouds or a sun, hills, grass."""
    row, column = _grid()
    top, bottom = (np.array(colour) for colour in _SKIES[look])
    picture = top + (bottom - top) * (row / HORIZON)
    generator = np.random.default_rng(rng.derive(look, "clouds"))
    for _ in range(7):
        x, y = generator.uniform(0, WIDTH), generator.uniform(8, 55)
        width, height = generator.uniform(14, 34), generator.uniform(4, 8)
        inside = ((column - x) / width) ** 2 + ((row - y) / height) ** 2 < 1.0
        picture = np.where(inside, 0.35 * picture + 0.65 * 228.0, picture)
    ridge = 108.0 + 9.0 * np.sin(column / 37.0 + 2 * look) + 5.0 * np.sin(column / 17.0)
    meadow = np.array(_MEADOWS[look])
    picture = np.where(row > ridge, 0.62 * meadow + np.array([20.0, 34.0, 44.0]), picture)
    blades = 0.94 + 0.09 * np.sin(column * 1.7 + row * 2.3) * np.sin(row / 3.0 + column / 7.0)
    return np.where(row >= HORIZON, meadow * blades * (0.85 + 0.25 * row / HEIGHT), picture)


@cache
def caption_bar(text: int) -> Picture:
    """Return the subtitle bar, ``[rows, WIDTH, 3]``: words are light blocks on a dark ground."""
    first, last = CAPTION_ROWS
    bar = np.full((last - first, WIDTH, 3), 32, np.uint8)
    generator = np.random.default_rng(rng.derive(text, "caption"))
    column = 34
    while column < WIDTH - 60:
        width = int(generator.integers(8, 27))
        for letter in range(column, column + width, 4):
            tall = int(generator.integers(0, 2))
            bar[4 - tall : 10, letter : letter + 3] = 222
        column += width + 6
    return bar


@cache
def noise_bank(spread: float) -> NDArray[np.uint8]:
    """Return pixel noise to be added modulo 256, larger than a frame so that it can be shifted.

    Args:
        spread: standard deviation in grey levels.
    """
    generator = np.random.default_rng(rng.derive(0, "pixel noise"))
    size = (HEIGHT + _NOISE_SIDE, WIDTH + _NOISE_SIDE, 3)
    noise = spread * generator.standard_normal(size, np.float32)
    # Laying a sprite over a picture rounds by one grey level.
    limit = min(DARKEST, 255 - BRIGHTEST) - 1
    return np.rint(noise).clip(-limit, limit).astype(np.int8).view(np.uint8)


def noise_window(spread: float, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return one frame's noise: the bank seen through a window at a random place."""
    bank = noise_bank(spread)
    row, column = (int(start) for start in generator.integers(0, _NOISE_SIDE, 2))
    return bank[row : row + HEIGHT, column : column + WIDTH]
