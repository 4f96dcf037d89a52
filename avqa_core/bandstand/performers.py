"""A performer: body, head, arms, and the signs by which a spectator sees that somebody plays."""

from __future__ import annotations

import math
from dataclasses import dataclass

from avqa_core.bandstand.canvas import Canvas, Colour, Point

# Clothes, skin and hair of the three casts that a section may have.
CASTS: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((84, 96, 140), (224, 178, 146), (72, 48, 36)),
    ((140, 84, 112), (188, 134, 100), (40, 34, 34)),
    ((98, 126, 110), (238, 198, 166), (150, 110, 60)),
)
MARK: Colour = (230, 228, 214)
HEAD: Point = (0.0, 0.88)
MOUTH: Point = (0.012, 0.85)
HEAD_RADIUS = 0.066
LEFT_SHOULDER: Point = (-0.085, 0.73)
RIGHT_SHOULDER: Point = (0.085, 0.73)
LEFT_REST: Point = (-0.13, 0.43)
RIGHT_REST: Point = (0.13, 0.43)
# Where a swing stands in the four phases of a movement: never near the middle, so that one still
# picture tells a wide swing from a narrow one.
SWINGS = (1.0, 0.6, -1.0, -0.6)
AMPLITUDES = (0.4, 1.0)


@dataclass(frozen=True, slots=True)
class Pose:
    """How somebody stands there in one picture.

    Attributes:
        playing: whether the instrument is being played.
        vigour: 0 calm, 1 vigorous; means nothing at rest.
        phase: 0..3, where in the movement the picture was taken; 0 at rest.
    """

    playing: bool
    vigour: int
    phase: int

    @property
    def swing(self) -> float:
        """Deflection of the playing hand, in [-1, 1]; 0 at rest."""
        return AMPLITUDES[self.vigour] * SWINGS[self.phase] if self.playing else 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One performer being drawn: a canvas, a pose and a cast."""

    canvas: Canvas
    pose: Pose
    cast: int

    def body(self, seated: bool = False) -> None:
        """Draw legs, trunk and head."""
        clothes, skin, hair = CASTS[self.cast]
        shade = tuple(int(0.72 * part) for part in clothes)
        dark: Colour = (shade[0], shade[1], shade[2])
        canvas = self.canvas
        for side in (-1, 1):
            if seated:
                knee = (side * 0.12, 0.30)
                canvas.capsule((side * 0.05, 0.40), knee, 0.045, dark)
                canvas.capsule(knee, (side * 0.12, 0.05), 0.036, dark)
                canvas.capsule((side * 0.12, 0.03), (side * 0.145, 0.022), 0.022, (44, 38, 38))
            else:
                canvas.capsule((side * 0.045, 0.42), (side * 0.05, 0.06), 0.042, dark)
                canvas.capsule((side * 0.05, 0.03), (side * 0.08, 0.022), 0.022, (44, 38, 38))
        trunk = [(-0.105, 0.77), (0.105, 0.77), (0.078, 0.38), (-0.078, 0.38)]
        canvas.polygon(trunk, clothes)
        canvas.capsule((-0.075, 0.75), (0.075, 0.75), 0.032, clothes)
        canvas.capsule((0.0, 0.78), (0.0, 0.84), 0.028, skin)
        canvas.ellipse((0.0, 0.905), (0.073, 0.07), hair)
        canvas.ellipse(HEAD, (HEAD_RADIUS * 0.92, HEAD_RADIUS), skin)
        for side in (-1, 1):
            canvas.ellipse((side * 0.026, 0.89), (0.009, 0.011), (40, 34, 34), outline=False)

    def arm(self, shoulder: Point, hand: Point, bend: float = 0.05) -> None:
        """Draw an arm from shoulder to hand, the elbow hanging below the straight line."""
        clothes, skin, _ = CASTS[self.cast]
        side = math.copysign(1.0, shoulder[0])
        elbow = ((shoulder[0] + hand[0]) / 2 + side * bend, (shoulder[1] + hand[1]) / 2 - bend)
        self.canvas.stroke([shoulder, elbow, hand], 0.028, clothes)
        self.canvas.ellipse(hand, (0.028, 0.028), skin)

    def arms(self, left: Point, right: Point, bend: float = 0.05) -> None:
        """Draw both arms; left and right are the spectator's."""
        self.arm(LEFT_SHOULDER, left, bend)
        self.arm(RIGHT_SHOULDER, right, bend)

    def arms_at_rest(self) -> None:
        """Draw both arms hanging down."""
        self.arms(LEFT_REST, RIGHT_REST, bend=0.015)

    def signs(self, at: Point) -> None:
        """Draw what tells that sound is being made: notes overhead, arcs about the moving part.

        One of each for calm playing; two notes and three arcs for vigorous playing.
        """
        if not self.pose.playing:
            return
        side = -1.0 if self.pose.phase % 2 else 1.0
        self._note((side * 0.125, 1.0))
        if self.pose.vigour:
            self._note((-side * 0.125, 1.03))
        for ring in range(3 if self.pose.vigour else 1):
            self._arc(at, 0.06 + 0.036 * ring)

    def _note(self, head: Point) -> None:
        """A quaver."""
        x, y = head
        self.canvas.ellipse(head, (0.028, 0.021), MARK, angle=20.0)
        self.canvas.capsule((x + 0.022, y), (x + 0.022, y + 0.085), 0.008, MARK)
        self.canvas.capsule((x + 0.022, y + 0.085), (x + 0.05, y + 0.058), 0.009, MARK)

    def _arc(self, centre: Point, radius: float) -> None:
        """A short bow of a circle on the outer side of the moving part."""
        side = 1.0 if centre[0] >= 0 else -1.0
        angles = (math.radians(degrees) for degrees in (-38.0, -13.0, 13.0, 38.0))
        points = [
            (centre[0] + side * radius * math.cos(angle), centre[1] + radius * math.sin(angle))
            for angle in angles
        ]
        self.canvas.stroke(points, 0.0075, MARK)
