"""A small vector canvas: ellipses, capsules and polygons by signed distance, smoothed at edges.

Coordinates are in heights of a performer: x to the right, y *upwards*, the origin between the
feet. A drawing is therefore the same picture at every size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Point = tuple[float, float]
Window = tuple[slice, slice]

# Nothing is drawn darker or brighter, so that noise can be added to pixels as they are, without a
# check for overflow.
DARKEST, BRIGHTEST = 26, 229

OUTLINE: Colour = (34, 30, 34)
OUTLINE_WIDTH = 0.009


@dataclass(frozen=True, slots=True)
class Sprite:
    """A finished picture with transparency; colours are premultiplied by coverage.

    Attributes:
        colour: uint8 ``[h, w, 3]``.
        see_through: uint16 ``[h, w, 1]``, 256 where nothing was drawn, 0 where it is solid.
        left: pixels from the origin to the left edge.
        up: pixels from the origin to the top edge.
    """

    colour: NDArray[np.uint8]
    see_through: NDArray[np.uint16]
    left: int
    up: int

    def paste(self, picture: NDArray[np.uint8], x: int, y: int) -> None:
        """Lay the sprite over ``picture``, in place, its origin at (x, y); parts may hang out."""
        top, left = y - self.up, x - self.left
        height, width = self.colour.shape[:2]
        rows = slice(max(top, 0), min(top + height, picture.shape[0]))
        columns = slice(max(left, 0), min(left + width, picture.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        inner = (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )
        under = picture[rows, columns].astype(np.uint16) * self.see_through[inner] >> 8
        picture[rows, columns] = under + self.colour[inner]


@dataclass(slots=True)
class Canvas:
    """A transparent sheet ``[h, w]`` on which shapes are laid over one another.

    Args:
        scale: pixels for one unit.
        reach: how far the sheet extends to the (left, right, bottom, top) of the origin.
    """

    scale: float
    reach: tuple[float, float, float, float]
    _x: NDArray[np.float32] = field(init=False)
    _y: NDArray[np.float32] = field(init=False)
    _paint: NDArray[np.float32] = field(init=False)
    _left: int = field(init=False)
    _up: int = field(init=False)

    def __post_init__(self) -> None:
        left, right, bottom, top = (int(np.ceil(side * self.scale)) for side in self.reach)
        columns = (np.arange(-left, right, dtype=np.float32) + 0.5) / self.scale
        rows = (np.arange(top, -bottom, -1, dtype=np.float32) - 0.5) / self.scale
        self._x, self._y = np.meshgrid(columns, rows)
        self._paint = np.zeros((*self._x.shape, 4), np.float32)
        self._left, self._up = left, top

    def ellipse(
        self, centre: Point, radii: Point, colour: Colour, angle: float = 0.0, outline: bool = True
    ) -> None:
        """Fill an ellipse, turned counter-clockwise by ``angle`` degrees."""
        window = self._window([centre], max(radii))
        x, y = self._x[window] - centre[0], self._y[window] - centre[1]
        turn = math.radians(angle)
        across = (x * math.cos(turn) + y * math.sin(turn)) / radii[0]
        along = (y * math.cos(turn) - x * math.sin(turn)) / radii[1]
        inner = np.hypot(across, along)
        slope = np.hypot(across / radii[0], along / radii[1])
        self._fill(window, inner * (inner - 1.0) / np.maximum(slope, 1e-6), colour, outline)

    def capsule(
        self,
        start: Point,
        end: Point,
        radius: float,
        colour: Colour,
        end_radius: float | None = None,
        outline: bool = True,
    ) -> None:
        """Fill a line with round ends; with ``end_radius`` it widens or narrows towards its end."""
        last = radius if end_radius is None else end_radius
        window = self._window([start, end], max(radius, last))
        distance, along = self._to_line(window, start, end)
        self._fill(window, distance - (radius + (last - radius) * along), colour, outline)

    def polygon(self, points: list[Point], colour: Colour, outline: bool = True) -> None:
        """Fill a simple polygon."""
        window = self._window(points, 0.0)
        x, y = self._x[window], self._y[window]
        distance = np.full(x.shape, np.inf, np.float32)
        inside = np.zeros(x.shape, bool)
        for start, end in zip(points, points[1:] + points[:1], strict=True):
            distance = np.minimum(distance, self._to_line(window, start, end)[0])
            if start[1] != end[1]:
                crosses = (start[1] > y) != (end[1] > y)
                share = (y - start[1]) / (end[1] - start[1])
                inside ^= crosses & (x < start[0] + share * (end[0] - start[0]))
        self._fill(window, np.where(inside, -distance, distance), colour, outline)

    def box(self, centre: Point, half: Point, colour: Colour, angle: float = 0.0) -> None:
        """Fill a rectangle, turned counter-clockwise by ``angle`` degrees."""
        turn = math.radians(angle)
        corners = [(-half[0], -half[1]), (half[0], -half[1]), half, (-half[0], half[1])]
        turned = [
            (
                centre[0] + x * math.cos(turn) - y * math.sin(turn),
                centre[1] + x * math.sin(turn) + y * math.cos(turn),
            )
            for x, y in corners
        ]
        self.polygon(turned, colour)

    def stroke(self, points: list[Point], radius: float, colour: Colour) -> None:
        """Draw a line through ``points``, its outline under all of its pieces."""
        pieces = list(pairwise(points))
        for start, end in pieces:
            self.capsule(start, end, radius, colour)
        for start, end in pieces:
            self.capsule(start, end, radius, colour, outline=False)

    def finish(self) -> Sprite:
        """Return what was drawn."""
        alpha = self._paint[..., 3:]
        colour = np.rint(self._paint[..., :3]).astype(np.uint8)
        return Sprite(
            colour, np.rint(256.0 * (1.0 - alpha)).astype(np.uint16), self._left, self._up
        )

    def _window(self, points: list[Point], radius: float) -> Window:
        """The part of the sheet that a shape about ``points`` can touch."""
        margin = radius + OUTLINE_WIDTH + 1.5 / self.scale
        across, upwards = [x for x, _ in points], [y for _, y in points]
        left = self._left + math.floor((min(across) - margin) * self.scale)
        right = self._left + math.ceil((max(across) + margin) * self.scale)
        top = self._up - math.ceil((max(upwards) + margin) * self.scale)
        bottom = self._up - math.floor((min(upwards) - margin) * self.scale)
        return slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))

    def _to_line(
        self, window: Window, start: Point, end: Point
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Distance of each pixel to a line, and the share of the way at which it is closest."""
        length_x, length_y = end[0] - start[0], end[1] - start[1]
        squared = max(length_x**2 + length_y**2, 1e-12)
        x, y = self._x[window] - start[0], self._y[window] - start[1]
        along = ((x * length_x + y * length_y) / squared).clip(0.0, 1.0)
        return np.hypot(x - along * length_x, y - along * length_y), along

    def _fill(
        self, window: Window, distance: NDArray[np.floating], colour: Colour, outline: bool
    ) -> None:
        """Lay a shape over the sheet, given each pixel's distance to its edge (inside < 0)."""
        if outline:
            self._lay(window, distance - OUTLINE_WIDTH, OUTLINE)
        self._lay(window, distance, colour)

    def _lay(self, window: Window, distance: NDArray[np.floating], colour: Colour) -> None:
        coverage = (0.5 - distance * self.scale).clip(0.0, 1.0).astype(np.float32)[..., None]
        shades = [min(max(part, DARKEST), BRIGHTEST) for part in colour]
        paint = self._paint[window]
        paint += coverage * (np.array([*shades, 1.0], np.float32) - paint)
