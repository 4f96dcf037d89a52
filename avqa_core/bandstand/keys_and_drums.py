"""How keyboards and percussion look: drawn on a performer, played or at rest."""

from __future__ import annotations

from avqa_core.bandstand.canvas import Canvas, Colour, Point
from avqa_core.bandstand.performers import LEFT_REST, RIGHT_REST, Figure

BLACK: Colour = (38, 36, 42)
WHITE: Colour = (231, 229, 222)
SILVER: Colour = (190, 196, 204)
WOOD: Colour = (196, 140, 84)


def accordion(figure: Figure) -> None:
    """A red box with white keys, pleated bellows, and a second red box that moves away from it."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    playing = figure.pose.playing
    reach = 0.155 + 0.055 * swing if playing else 0.075
    drop = 0.0 if playing else -0.05
    red: Colour = (206, 36, 44)
    left, right = -0.095, -0.05 + reach
    canvas.polygon(
        [(left, 0.44 + drop), (right, 0.44 + drop), (right, 0.68 + drop), (left, 0.68 + drop)],
        (226, 214, 190),
    )
    for pleat in range(1, 6):
        x = left + 0.04 + (right - left - 0.04) * pleat / 6
        canvas.capsule((x, 0.45 + drop), (x, 0.67 + drop), 0.006, (90, 70, 70), outline=False)
    canvas.box((left - 0.035, 0.56 + drop), (0.055, 0.14), red)
    canvas.box((right + 0.025, 0.56 + drop), (0.035, 0.14), red)
    for key in range(7):
        y = 0.46 + 0.033 * key + drop
        canvas.capsule((left - 0.075, y), (left - 0.04, y), 0.011, WHITE, outline=False)
    hand = (right + 0.05, 0.56 + drop)
    figure.arms((left - 0.055, 0.53 + drop - 0.03 * swing), hand, 0.05)
    figure.signs((hand[0] - 0.02, hand[1]))


def piano(figure: Figure) -> None:
    """A black grand piano with raised lid and a row of white keys, the player behind it."""
    canvas, swing = figure.canvas, figure.pose.swing
    canvas.polygon([(-0.23, 0.50), (0.215, 0.50), (0.235, 0.86), (0.02, 0.80)], BLACK)
    canvas.polygon(
        [(-0.19, 0.51), (0.20, 0.51), (0.215, 0.82), (0.02, 0.76)], (92, 64, 44), outline=False
    )
    figure.body(seated=True)
    if not figure.pose.playing:
        figure.arms_at_rest()
    for x in (-0.2, 0.2):
        canvas.capsule((x, 0.28), (x, 0.0), 0.017, BLACK)
    canvas.polygon([(-0.24, 0.44), (0.24, 0.44), (0.24, 0.23), (-0.24, 0.23)], BLACK)
    canvas.polygon(
        [(-0.22, 0.425), (0.22, 0.425), (0.22, 0.335), (-0.22, 0.335)], WHITE, outline=False
    )
    for key in range(13):
        x = -0.205 + 0.034 * key
        if key % 7 not in (2, 6):
            canvas.capsule((x + 0.012, 0.42), (x + 0.012, 0.385), 0.009, BLACK, outline=False)
        canvas.capsule((x, 0.42), (x, 0.338), 0.002, (120, 116, 116), outline=False)
    if figure.pose.playing:
        lift = 0.055 * swing
        right: Point = (0.11, 0.42 + max(lift, 0.0) + 0.02)
        figure.arms((-0.11, 0.42 + max(-lift, 0.0) + 0.02), right, 0.05)
        figure.signs((right[0], right[1] + 0.02))


def xylophone(figure: Figure) -> None:
    """A rack of bars in the colours of the rainbow, from long to short, and two mallets."""
    canvas = figure.canvas
    figure.body()
    for x in (-0.19, 0.19):
        canvas.capsule((x, 0.40), (x, 0.0), 0.013, SILVER)
    canvas.capsule((-0.2, 0.05), (0.2, 0.05), 0.010, SILVER)
    rainbow: tuple[Colour, ...] = (
        (214, 48, 48), (226, 124, 40), (228, 200, 52), (92, 180, 70), (52, 150, 200), (76, 84, 200),
        (150, 72, 176),
    )  # fmt: skip
    for index, colour in enumerate(rainbow):
        x, half = -0.186 + 0.062 * index, 0.085 - 0.0065 * index
        canvas.box((x, 0.40), (0.025, half), colour)
    _sticks(figure, 0.46, head=(0.021, (226, 222, 210)))


def congas(figure: Figure) -> None:
    """Two tall barrels with pale skins, struck by the bare hands."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    if not figure.pose.playing:
        figure.arms_at_rest()
    for x, colour in ((-0.11, (188, 64, 40)), (0.11, (218, 120, 48))):
        barrel = [(x - 0.078, 0.46), (x + 0.078, 0.46), (x + 0.10, 0.30), (x + 0.06, 0.02),
                  (x - 0.06, 0.02), (x - 0.10, 0.30)]  # fmt: skip
        canvas.polygon(barrel, colour)
        canvas.capsule((x - 0.085, 0.20), (x + 0.085, 0.20), 0.010, SILVER, outline=False)
        canvas.capsule((x - 0.085, 0.40), (x + 0.085, 0.40), 0.010, SILVER, outline=False)
        canvas.ellipse((x, 0.47), (0.082, 0.028), (234, 222, 190))
    if figure.pose.playing:
        left: Point = (-0.11, 0.50 + 0.13 * max(swing, 0.0))
        right: Point = (0.11, 0.50 + 0.13 * max(-swing, 0.0))
        figure.arms(left, right, 0.06)
        figure.signs(right if swing < 0 else left)


def drum(figure: Figure) -> None:
    """A drum kit: big white bass drum in front, two toms, golden cymbals, two sticks."""
    canvas = figure.canvas
    gold: Colour = (214, 176, 70)
    figure.body(seated=True)
    for x, height in ((-0.185, 0.66), (0.185, 0.66)):
        canvas.capsule((x, 0.0), (x, height), 0.008, SILVER)
        canvas.ellipse((x, height), (0.072, 0.017), gold, angle=-12.0 if x > 0 else 12.0)
    for x in (-0.085, 0.085):
        canvas.box((x, 0.42), (0.066, 0.042), (44, 84, 150))
        canvas.ellipse((x, 0.465), (0.066, 0.02), WHITE)
    canvas.ellipse((0.0, 0.185), (0.18, 0.18), (44, 84, 150))
    canvas.ellipse((0.0, 0.185), (0.148, 0.148), WHITE)
    canvas.ellipse((0.0, 0.185), (0.05, 0.05), (44, 84, 150), outline=False)
    _sticks(figure, 0.50, head=(0.008, (226, 200, 150)))


def _sticks(figure: Figure, height: float, head: tuple[float, Colour]) -> None:
    """Two sticks or mallets that strike in turn at ``height``, or hang down at rest."""
    canvas, swing = figure.canvas, figure.pose.swing
    if not figure.pose.playing:
        figure.arms_at_rest()
        for hand in (LEFT_REST, RIGHT_REST):
            _stick(canvas, hand, (hand[0] * 1.15, hand[1] - 0.15), head)
        return
    raised = {-1: 0.15 * max(swing, 0.0), 1: 0.15 * max(-swing, 0.0)}
    hands = {side: (side * 0.14, height + 0.07 + 0.6 * lift) for side, lift in raised.items()}
    figure.arms(hands[-1], hands[1], 0.05)
    for side, lift in raised.items():
        _stick(canvas, hands[side], (side * 0.05, height + 0.01 + 1.5 * lift), head)
    figure.signs(hands[1] if swing < 0 else hands[-1])


def _stick(canvas: Canvas, hand: Point, tip: Point, head: tuple[float, Colour]) -> None:
    canvas.capsule(hand, tip, 0.007, (222, 190, 140))
    canvas.ellipse(tip, (head[0], head[0]), head[1])
