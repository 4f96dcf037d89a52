"""How bowed and plucked instruments look: drawn on a performer, played or at rest."""

from __future__ import annotations

import math

from avqa_core.bandstand.canvas import Canvas, Colour, Point
from avqa_core.bandstand.performers import LEFT_REST, RIGHT_REST, Figure

BLACK: Colour = (40, 36, 40)
WHITE: Colour = (230, 228, 220)
SILVER: Colour = (190, 196, 204)
HAIR: Colour = (220, 212, 190)


def _along(start: Point, end: Point, share: float) -> Point:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _bow(canvas: Canvas, hand: Point, tip: Point) -> None:
    """A bow: dark stick, light hair beside it."""
    canvas.capsule(hand, tip, 0.007, (96, 52, 30))
    canvas.capsule((hand[0], hand[1] - 0.016), (tip[0], tip[1] - 0.012), 0.004, HAIR, outline=False)


def _waisted(canvas: Canvas, bottom: Point, top: Point, width: float, colour: Colour) -> None:
    """A body with a waist, like a violin's or a guitar's, from its wide end to its shoulders."""
    lower, upper = _along(bottom, top, 0.3), _along(bottom, top, 0.8)
    angle = 57.29578 * _angle(bottom, top) - 90.0
    length = ((top[0] - bottom[0]) ** 2 + (top[1] - bottom[1]) ** 2) ** 0.5
    canvas.ellipse(lower, (width, 0.33 * length), colour, angle)
    canvas.ellipse(upper, (0.78 * width, 0.26 * length), colour, angle)
    canvas.ellipse(lower, (width, 0.33 * length), colour, angle, outline=False)


def _angle(start: Point, end: Point) -> float:
    return math.atan2(end[1] - start[1], end[0] - start[0])


def violin(figure: Figure) -> None:
    """Small orange body under the chin, bow across; at rest it hangs in one hand."""
    canvas, swing = figure.canvas, figure.pose.swing
    body: Colour = (206, 104, 40)
    figure.body()
    if not figure.pose.playing:
        figure.arms_at_rest()
        _waisted(canvas, (-0.155, 0.19), (-0.135, 0.42), 0.062, body)
        canvas.capsule((-0.135, 0.42), (-0.13, 0.52), 0.01, BLACK)
        _bow(canvas, RIGHT_REST, (0.15, 0.13))
        return
    _waisted(canvas, (0.0, 0.805), (0.175, 0.73), 0.06, body)
    canvas.capsule((0.07, 0.775), (0.25, 0.70), 0.013, BLACK)
    figure.arm((0.085, 0.73), (0.205, 0.70), 0.06)
    hand = (-0.10 - 0.06 * swing, 0.62 - 0.10 * swing)
    tip = (hand[0] + 0.21, hand[1] + 0.30)
    figure.arm((-0.085, 0.73), hand, 0.04)
    _bow(canvas, hand, tip)
    figure.signs(hand)


def cello(figure: Figure) -> None:
    """Large brown body between the knees of a seated player, neck beside the head."""
    canvas, swing = figure.canvas, figure.pose.swing
    body: Colour = (150, 66, 28)
    figure.body(seated=True)
    canvas.capsule((0.0, 0.10), (0.0, 0.0), 0.006, SILVER)
    _waisted(canvas, (0.0, 0.08), (0.0, 0.56), 0.125, body)
    for side in (-1, 1):
        canvas.capsule((side * 0.055, 0.26), (side * 0.045, 0.36), 0.007, BLACK, outline=False)
    canvas.capsule((0.0, 0.20), (0.01, 0.84), 0.016, BLACK)
    canvas.ellipse((0.012, 0.87), (0.022, 0.028), body)
    if not figure.pose.playing:
        figure.arms((-0.15, 0.36), (0.03, 0.60))
        _bow(canvas, (-0.15, 0.36), (-0.17, 0.05))
        return
    figure.arm((0.085, 0.73), (0.02, 0.70), 0.06)
    hand = (-0.15 + 0.07 * swing, 0.31 + 0.02 * swing)
    figure.arm((-0.085, 0.73), hand, 0.05)
    _bow(canvas, hand, (hand[0] + 0.32, hand[1] + 0.04))
    figure.signs(hand)


def erhu(figure: Figure) -> None:
    """A small dark box on the thigh, a long thin stick with two pegs, a bow held low."""
    canvas, swing = figure.canvas, figure.pose.swing
    wood: Colour = (92, 34, 34)
    figure.body(seated=True)
    canvas.capsule((-0.05, 0.40), (-0.05, 0.98), 0.010, wood)
    for height in (0.86, 0.92):
        canvas.capsule((-0.05, height), (-0.125, height), 0.010, wood)
    hexagon = [
        (-0.12, 0.36),
        (-0.09, 0.43),
        (-0.01, 0.43),
        (0.02, 0.36),
        (-0.01, 0.29),
        (-0.09, 0.29),
    ]
    canvas.polygon(hexagon, wood)
    canvas.ellipse((-0.05, 0.36), (0.042, 0.046), (198, 186, 130))
    if not figure.pose.playing:
        figure.arms((-0.07, 0.62), (0.13, 0.38))
        _bow(canvas, (0.13, 0.38), (0.16, 0.06))
        return
    figure.arm((-0.085, 0.73), (-0.065, 0.66 - 0.03 * swing), 0.05)
    hand = (0.13 + 0.06 * swing, 0.43)
    figure.arm((0.085, 0.73), hand, 0.05)
    _bow(canvas, hand, (hand[0] - 0.33, hand[1] + 0.02))
    figure.signs(hand)


def _fretted(
    figure: Figure, centre: Point, head: Point, pluck: Point, neck: tuple[float, Colour]
) -> None:
    """Neck, head stock and arms of an instrument held across the body."""
    canvas, swing = figure.canvas, figure.pose.swing
    width, colour = neck
    canvas.capsule(centre, head, width, colour)
    canvas.capsule(_along(centre, head, 0.93), head, width * 1.7, BLACK)
    if not figure.pose.playing:
        figure.arms(LEFT_REST, _along(centre, head, 0.8), 0.03)
        return
    figure.arm((0.085, 0.73), _along(centre, head, 0.75 - 0.08 * swing), 0.06)
    hand = (pluck[0] + 0.01 * swing, pluck[1] + 0.075 * swing)
    figure.arm((-0.085, 0.73), hand, 0.06)
    figure.signs((hand[0] - 0.03, hand[1]))


def acoustic_guitar(figure: Figure) -> None:
    """Wide honey-coloured body with a dark sound hole."""
    figure.body()
    tilt = 0.0 if figure.pose.playing else -0.07
    canvas = figure.canvas
    _waisted(canvas, (-0.165, 0.45 + tilt), (0.085, 0.53 + tilt), 0.115, (222, 160, 78))
    canvas.ellipse((-0.005, 0.505 + tilt), (0.036, 0.036), (70, 40, 24))
    canvas.capsule((-0.105, 0.44 + tilt), (-0.09, 0.50 + tilt), 0.010, (96, 52, 30), outline=False)
    neck = (0.015, (110, 66, 38))
    _fretted(figure, (0.03, 0.515 + tilt), (0.225, 0.60 + tilt), (-0.02, 0.47), neck)


def ukulele(figure: Figure) -> None:
    """A small bright yellow guitar held high on the chest."""
    figure.body()
    drop = 0.0 if figure.pose.playing else -0.12
    canvas = figure.canvas
    _waisted(canvas, (-0.12, 0.61 + drop), (0.055, 0.665 + drop), 0.075, (229, 210, 60))
    canvas.ellipse((-0.005, 0.648 + drop), (0.020, 0.020), (80, 60, 24))
    neck = (0.012, (196, 120, 60))
    _fretted(figure, (0.03, 0.66 + drop), (0.155, 0.705 + drop), (-0.015, 0.60), neck)


def banjo(figure: Figure) -> None:
    """A round white drum skin in a silver rim, on a long neck."""
    figure.body()
    drop = 0.0 if figure.pose.playing else -0.07
    canvas = figure.canvas
    canvas.ellipse((-0.075, 0.48 + drop), (0.115, 0.115), SILVER)
    canvas.ellipse((-0.075, 0.48 + drop), (0.092, 0.092), (230, 226, 208))
    canvas.capsule((-0.105, 0.46 + drop), (-0.09, 0.43 + drop), 0.008, (96, 52, 30), outline=False)
    neck = (0.013, (86, 44, 26))
    _fretted(figure, (-0.03, 0.50 + drop), (0.225, 0.64 + drop), (-0.06, 0.47), neck)


def electric_bass(figure: Figure) -> None:
    """A solid blue body with two horns and a very long neck, slung low."""
    figure.body()
    drop = 0.0 if figure.pose.playing else -0.06
    canvas = figure.canvas
    blue: Colour = (36, 112, 214)
    outline = [(-0.20, 0.46), (-0.19, 0.33), (-0.07, 0.32), (0.05, 0.36), (-0.01, 0.41),
               (0.02, 0.46), (0.07, 0.53), (-0.06, 0.50)]  # fmt: skip
    canvas.polygon([(x, y + drop) for x, y in outline], blue)
    canvas.box((-0.075, 0.41 + drop), (0.012, 0.045), WHITE, angle=20.0)
    canvas.capsule((0.085, 0.73), (-0.10, 0.48 + drop), 0.008, BLACK)
    neck = (0.015, (178, 128, 78))
    _fretted(figure, (-0.03, 0.43 + drop), (0.245, 0.60 + drop), (-0.08, 0.41), neck)


def pipa(figure: Figure) -> None:
    """A pear held upright on the lap, pale face, dark frets, the head bent back."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body(seated=True)
    face: Colour = (214, 176, 128)
    pear = [(-0.03, 0.80), (0.03, 0.80), (0.062, 0.62), (0.118, 0.47), (0.095, 0.36), (0.0, 0.315),
            (-0.095, 0.36), (-0.118, 0.47), (-0.062, 0.62)]  # fmt: skip
    shift = 0.03
    canvas.polygon([(x + shift, y) for x, y in pear], face)
    canvas.capsule((shift, 0.60), (shift, 0.90), 0.022, (64, 40, 30))
    canvas.capsule((shift, 0.90), (shift + 0.05, 0.97), 0.024, (150, 60, 40))
    for height in (0.52, 0.56, 0.60, 0.66, 0.72, 0.78):
        canvas.capsule(
            (shift - 0.022, height), (shift + 0.022, height), 0.006, WHITE, outline=False
        )
    canvas.capsule((shift - 0.04, 0.39), (shift + 0.04, 0.39), 0.010, (96, 52, 30), outline=False)
    if not figure.pose.playing:
        figure.arms((-0.10, 0.36), (0.09, 0.60))
        return
    figure.arm((0.085, 0.73), (shift + 0.02, 0.74 + 0.04 * swing), 0.07)
    hand = (-0.02 + 0.05 * swing, 0.46)
    figure.arm((-0.085, 0.73), hand, 0.08)
    figure.signs((hand[0] - 0.05, hand[1]))


def guzheng(figure: Figure) -> None:
    """A long pale board with slanting strings on two stands, the player behind it."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body(seated=True)
    if not figure.pose.playing:
        figure.arms_at_rest()
    for side in (-1, 1):
        canvas.capsule((side * 0.15, 0.36), (side * 0.17, 0.0), 0.016, (112, 60, 34))
    canvas.polygon([(-0.235, 0.47), (0.235, 0.47), (0.235, 0.34), (-0.235, 0.34)], (176, 112, 62))
    canvas.box((0.0, 0.35), (0.232, 0.018), (110, 54, 30))
    for height in (0.395, 0.42, 0.445):
        canvas.capsule((-0.22, height), (0.22, height), 0.0035, WHITE, outline=False)
    for bridge in range(6):
        x = -0.15 + 0.055 * bridge
        canvas.capsule((x, 0.395), (x + 0.02, 0.445), 0.009, (236, 226, 190), outline=False)
    if figure.pose.playing:
        right = (0.13 + 0.05 * swing, 0.45 + 0.02 * swing)
        figure.arms((-0.11 - 0.05 * swing, 0.45 - 0.03 * swing), right)
        figure.signs((right[0], right[1] + 0.05))
