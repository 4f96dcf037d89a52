"""How woodwinds and brass look: drawn on a performer, played or at rest."""

from __future__ import annotations

from avqa_core.bandstand.canvas import Canvas, Colour, Point
from avqa_core.bandstand.performers import MOUTH, Figure

BLACK: Colour = (40, 36, 40)
SILVER: Colour = (198, 204, 212)
BRASS: Colour = (226, 176, 52)
DARK_BRASS: Colour = (172, 122, 34)
IVORY: Colour = (228, 222, 200)


def _between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _tube(canvas: Canvas, start: Point, end: Point, radius: float, colour: Colour) -> None:
    """A straight tube with silver keys along it."""
    canvas.capsule(start, end, radius, colour)
    for share in (0.3, 0.42, 0.54, 0.66, 0.78):
        canvas.ellipse(_between(start, end, share), (0.010, 0.010), SILVER, outline=False)


def _bell(canvas: Canvas, neck: Point, rim: Point, width: float, colour: Colour) -> None:
    """A cone that opens from ``neck`` to ``rim``."""
    x, y = rim[0] - neck[0], rim[1] - neck[1]
    length = (x * x + y * y) ** 0.5
    across = (-y / length * width, x / length * width)
    canvas.polygon(
        [
            (neck[0] + 0.16 * across[0], neck[1] + 0.16 * across[1]),
            (rim[0] + across[0], rim[1] + across[1]),
            (rim[0] - across[0], rim[1] - across[1]),
            (neck[0] - 0.16 * across[0], neck[1] - 0.16 * across[1]),
        ],
        colour,
    )


def flute(figure: Figure) -> None:
    """A thin silver rod held sideways from the lips."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    if not figure.pose.playing:
        figure.arms((-0.06, 0.50), (0.10, 0.46))
        canvas.capsule((-0.12, 0.60), (0.16, 0.39), 0.018, SILVER)
        return
    start, end = (-0.06, 0.838), (0.24, 0.80 + 0.05 * swing)
    canvas.capsule(start, end, 0.019, SILVER)
    for share in (0.4, 0.5, 0.6, 0.7, 0.8):
        canvas.ellipse(_between(start, end, share), (0.010, 0.010), (96, 102, 118), outline=False)
    hand = _between(start, end, 0.75)
    figure.arms(_between(start, end, 0.4), (hand[0], hand[1] - 0.015), 0.07)
    figure.signs(hand)


def clarinet(figure: Figure) -> None:
    """A straight black tube with silver keys, pointing down from the mouth."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    playing = figure.pose.playing
    start = MOUTH if playing else (-0.02, 0.68)
    end = (0.10 + 0.07 * swing, 0.43) if playing else (0.12, 0.26)
    _tube(canvas, start, end, 0.023, BLACK)
    _bell(canvas, _between(start, end, 0.95), _between(start, end, 1.18), 0.058, BLACK)
    upper, lower = _between(start, end, 0.35), _between(start, end, 0.68)
    figure.arms((upper[0] - 0.02, upper[1]), (lower[0] + 0.02, lower[1]), 0.06)
    figure.signs((end[0] + 0.02, end[1]))


def bassoon(figure: Figure) -> None:
    """A long dark red tube that crosses the player from knee to above the head."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body(seated=True)
    playing = figure.pose.playing
    lean = 0.05 * swing if playing else 0.0
    bottom, top = (-0.14, 0.26), (0.155 + lean, 1.02)
    if not playing:
        bottom, top = (-0.17, 0.18), (-0.10, 0.92)
    red: Colour = (128, 34, 30)
    canvas.capsule(bottom, top, 0.032, red)
    canvas.capsule(_between(bottom, top, 0.94), top, 0.034, IVORY)
    for share in (0.2, 0.3, 0.4, 0.55, 0.65):
        canvas.ellipse(_between(bottom, top, share), (0.012, 0.012), SILVER, outline=False)
    middle = _between(bottom, top, 0.66)
    if playing:
        canvas.stroke([middle, (middle[0] - 0.005, 0.83), MOUTH], 0.007, SILVER)
        hand = _between(bottom, top, 0.28)
        figure.arms(hand, _between(bottom, top, 0.52), 0.07)
        figure.signs((top[0] + 0.01, top[1] - 0.1))
    else:
        figure.arms(_between(bottom, top, 0.35), (0.13, 0.38), 0.03)


def saxophone(figure: Figure) -> None:
    """A golden hook: down from the mouth, round the bottom, up into an open bell."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    playing = figure.pose.playing
    drop, lean = (0.0, 0.06 * swing) if playing else (-0.13, 0.0)
    bend = (0.03 + lean, 0.36 + drop)
    mouth = MOUTH if playing else (-0.03, 0.74)
    top = (-0.035 + 0.3 * lean, 0.76 + drop)
    canvas.stroke([mouth, top], 0.009, BLACK if playing else DARK_BRASS)
    canvas.stroke([top, (-0.01 + lean, 0.42 + drop), bend], 0.026, BRASS)
    canvas.stroke([bend, (0.085 + lean, 0.39 + drop), (0.11 + lean, 0.46 + drop)], 0.034, BRASS)
    _bell(canvas, (0.10 + lean, 0.42 + drop), (0.155 + lean, 0.60 + drop), 0.07, BRASS)
    canvas.ellipse((0.158 + lean, 0.61 + drop), (0.068, 0.02), DARK_BRASS, angle=-18.0)
    for height in (0.50, 0.56, 0.62, 0.68):
        canvas.ellipse((-0.022 + 0.7 * lean, height + drop), (0.012, 0.012), IVORY, outline=False)
    left = (-0.035 + lean, 0.50 + drop)
    figure.arms(left, (0.005 + 0.6 * lean, 0.64 + drop), 0.06)
    figure.signs((left[0] - 0.09, left[1]))


def bagpipe(figure: Figure) -> None:
    """A green bag under the arm, three dark drones over the shoulder, a chanter below."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    playing = figure.pose.playing
    puff = 0.012 * swing if playing else -0.03
    for x in (0.075, 0.135, 0.195):
        foot, tip = (0.05 + 0.3 * x, 0.60), (x, 0.99 if playing else 0.90)
        canvas.capsule(foot, tip, 0.013, BLACK)
        canvas.capsule(_between(foot, tip, 0.6), _between(foot, tip, 0.68), 0.017, IVORY)
        canvas.capsule(_between(foot, tip, 0.92), tip, 0.018, IVORY)
    green: Colour = (32, 150, 70)
    figure.arm((0.085, 0.73), (0.02, 0.47), 0.12)
    canvas.ellipse((0.05, 0.57), (0.14 + puff, 0.095 + puff), green, angle=12.0)
    for shift in (-0.06, 0.0, 0.06):
        canvas.capsule(
            (0.04 + shift, 0.51), (0.06 + shift, 0.63), 0.008, (220, 60, 50), outline=False
        )
    canvas.capsule((-0.05, 0.555), (0.15, 0.585), 0.007, (226, 206, 90), outline=False)
    end = (-0.09 + 0.06 * swing, 0.30)
    _tube(canvas, (-0.045, 0.51), end, 0.014, BLACK)
    if playing:
        canvas.stroke([(-0.03, 0.60), MOUTH], 0.010, BLACK)
    hand = _between((-0.045, 0.51), end, 0.55)
    figure.arm((-0.085, 0.73), hand, 0.05)
    figure.signs((end[0] - 0.02, end[1] + 0.05))


def suona(figure: Figure) -> None:
    """A short red-brown cone that ends in a wide brass funnel, blown straight ahead."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    playing = figure.pose.playing
    start = MOUTH if playing else (-0.04, 0.60)
    end = (0.12, 0.67 + 0.08 * swing) if playing else (0.06, 0.38)
    canvas.capsule(start, _between(start, end, 0.2), 0.007, BRASS)
    canvas.capsule(_between(start, end, 0.2), end, 0.020, (188, 50, 40), end_radius=0.036)
    for share in (0.4, 0.55, 0.7, 0.85):
        canvas.ellipse(_between(start, end, share), (0.008, 0.008), BLACK, outline=False)
    rim = _between(start, end, 1.52)
    _bell(canvas, end, rim, 0.095, BRASS)
    upper, lower = _between(start, end, 0.2), _between(start, end, 0.5)
    figure.arms((upper[0] - 0.02, upper[1] - 0.03), (lower[0], lower[1] - 0.045), 0.07)
    figure.signs((rim[0] - 0.04, rim[1]))


def trumpet(figure: Figure) -> None:
    """Bright brass held level, three valves on top, a bell at the far end."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body()
    playing = figure.pose.playing
    if playing:
        start, end = (0.03, 0.845), (0.155, 0.84 + 0.045 * swing)
    else:
        start, end = (-0.07, 0.52), (0.11, 0.44)
    bottom = -0.065
    loop = [
        _between(start, end, 0.25),
        (_between(start, end, 0.25)[0], _between(start, end, 0.25)[1] + bottom),
        (_between(start, end, 0.85)[0], _between(start, end, 0.85)[1] + bottom),
        _between(start, end, 0.85),
    ]
    canvas.stroke(loop, 0.010, BRASS)
    canvas.capsule(start, end, 0.010, BRASS)
    for share in (0.45, 0.55, 0.65):
        x, y = _between(start, end, share)
        canvas.capsule((x, y + bottom), (x, y + 0.03), 0.010, SILVER)
    rim = _between(start, end, 1.62)
    _bell(canvas, _between(start, end, 0.95), rim, 0.082, BRASS)
    canvas.ellipse(rim, (0.018, 0.08), DARK_BRASS, angle=57.3 * 0.36 * swing if playing else -24.0)
    left, right = _between(start, end, 0.3), _between(start, end, 0.75)
    figure.arms((left[0], left[1] - 0.085), (right[0], right[1] - 0.09), 0.07)
    figure.signs((rim[0] - 0.05, rim[1] - 0.11))


def tuba(figure: Figure) -> None:
    """A mass of brass before the whole trunk, its wide bell beside the head."""
    canvas, swing = figure.canvas, figure.pose.swing
    figure.body(seated=True)
    playing = figure.pose.playing
    lean = 0.025 * swing if playing else -0.03
    lift = 0.0 if playing else -0.07
    _bell(canvas, (-0.085, 0.52 + lift), (-0.135 + lean, 0.95 + lift), 0.105, BRASS)
    canvas.ellipse((-0.135 + lean, 0.955 + lift), (0.105, 0.026), DARK_BRASS, angle=4.0)
    canvas.ellipse((0.0, 0.48 + lift), (0.15, 0.175), BRASS)
    canvas.ellipse((0.0, 0.48 + lift), (0.095, 0.12), DARK_BRASS)
    canvas.ellipse((0.0, 0.48 + lift), (0.06, 0.085), BRASS)
    for x in (-0.02, 0.015, 0.05):
        canvas.capsule((x, 0.47 + lift), (x, 0.57 + lift), 0.011, SILVER)
    if playing:
        canvas.stroke([(0.09, 0.62), (0.07, 0.76), MOUTH], 0.009, BRASS)
    hand = (0.03, 0.57 + lift + (0.05 * swing if playing else 0.0))
    figure.arm((0.085, 0.73), hand, 0.10)
    figure.arm((-0.085, 0.73), (-0.13, 0.42 + lift), 0.05)
    figure.signs((hand[0] + 0.09, hand[1]))
