from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from avqa_core.bandstand import render, stage
from avqa_core.bandstand.canvas import Canvas
from avqa_core.bandstand.instruments import DRAWINGS, performer_sprite
from avqa_core.bandstand.performers import Pose
from avqa_core.bandstand.render import render_frames
from avqa_core.bandstand.scene import INSTRUMENTS, Scene
from tests.bandstand.hand_built import TRIO, scene, section, segments, source

REST, CALM, VIGOROUS = Pose(False, 0, 0), Pose(True, 0, 0), Pose(True, 1, 0)


def changed(first: np.ndarray, second: np.ndarray, by: int = 40) -> np.ndarray:
    """Pixels that differ by more than noise can explain."""
    return (np.abs(first.astype(int) - second.astype(int)) > by).any(axis=-1)


def quiet(**facts: object) -> Scene:
    """TRIO without noise to speak of."""
    return replace(TRIO, difficulty=0.0, **facts)


def test_every_instrument_has_a_drawing():
    assert tuple(DRAWINGS) == INSTRUMENTS


def test_frames_are_one_picture_a_segment_and_always_the_same():
    frames = render_frames(TRIO)
    assert frames.shape == (10, 192, 288, 3)
    assert frames.dtype == np.uint8
    assert np.array_equal(frames, render_frames(TRIO))
    assert not np.array_equal(frames, render_frames(replace(TRIO, seed=2)))


def test_what_is_heard_changes_no_pixel():
    other = replace(TRIO, sources=(source("cello", 1, 1, (0, 9)),), ambience="indoor")
    other = replace(other, voice=segments((0, 9)))
    assert np.array_equal(render_frames(TRIO), render_frames(other))


def test_a_section_paints_its_own_third_only():
    without = replace(TRIO, sections=TRIO.sections[:1] + TRIO.sections[2:])
    differs = changed(render_frames(TRIO), render_frames(without), by=0)
    assert differs[:, :, 96:192].any()
    assert not differs[:, :, :96].any()
    assert not differs[:, :, 192:].any()


def test_players_move_and_resting_ones_stand_still():
    frames = render_frames(quiet())
    piano, flutes = frames[:, :, 96:192], frames[:, :, 192:]
    # The piano rests in segments 0 to 2 and plays from 3 on; the flutes never play.
    assert not changed(piano[0], piano[2]).any()
    assert changed(piano[2], piano[3]).sum() > 50
    assert changed(piano[4], piano[5]).sum() > 20
    assert not changed(flutes[0], flutes[9]).any()


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_playing_differs_from_resting_and_wide_from_narrow_swings(instrument):
    rest, calm, wide = (
        performer_sprite(instrument, 90, pose, 0).colour for pose in (REST, CALM, VIGOROUS)
    )
    assert changed(rest, calm).sum() > 150
    assert changed(calm, wide).sum() > 60


@pytest.mark.parametrize("pose", [REST, CALM])
def test_no_two_instruments_look_alike(pose):
    sprites = {name: performer_sprite(name, 68, pose, 0).colour for name in INSTRUMENTS}
    for first, second in combinations(INSTRUMENTS, 2):
        assert changed(sprites[first], sprites[second]).sum() > 150, (first, second)


def test_nearer_is_larger_and_more_are_more():
    def painted(count: int, closeness: int) -> int:
        one = scene(section("violin", "middle", count, (0, 9), closeness=closeness))
        empty = replace(one, sections=())
        return int(changed(render_frames(one)[0], render_frames(empty)[0], by=60).sum())

    assert painted(1, 0) * 1.3 < painted(1, 1) < painted(1, 2) / 1.3
    assert painted(1, 1) * 1.5 < painted(2, 1) < painted(3, 1) / 1.2


def test_the_caption_bar_is_there_when_there_is_a_caption():
    frames = render_frames(quiet(captions=segments((4, 6))))
    first, last = stage.CAPTION_ROWS
    dark = (frames[:, first:last] < 60).mean(axis=(1, 2, 3))
    assert (dark[4:7] > 0.6).all()
    assert (np.delete(dark, [4, 5, 6]) < 0.3).all()


def test_a_hall_and_a_meadow_differ_everywhere():
    for look in range(stage.NUM_LOOKS):
        hall, meadow = (stage.backdrop(kind, look) for kind in ("indoor", "outdoor"))
        assert changed(hall, meadow, by=20).mean() > 0.8


def test_noise_never_wraps_around(monkeypatch):
    noisy = render_frames(replace(TRIO, difficulty=1.0, captions=segments((0, 9))))
    monkeypatch.setattr(render, "NOISE_SPREAD", (0.0, 0.0))
    clean = render_frames(replace(TRIO, difficulty=1.0, captions=segments((0, 9))))
    difference = noisy.astype(int) - clean.astype(int)
    assert np.abs(difference).max() < 26
    assert difference.std() == pytest.approx(11.0, abs=0.8)


def test_a_film_shows_the_same_pictures_in_the_middle_of_each_second():
    film = render_frames(TRIO, frames_per_second=15)
    assert len(film) == 150
    assert np.array_equal(film[7::15], render_frames(TRIO))
    # Within a second the violins bow more than once.
    assert len({frame[:, :96].tobytes() for frame in film[:15]}) >= 4


def test_shapes_cover_the_area_they_should():
    sheet = Canvas(50.0, (1.0, 1.0, 1.0, 1.0))
    sheet.ellipse((0.0, 0.0), (0.5, 0.3), (200, 100, 50), angle=30.0, outline=False)
    covered = 1.0 - sheet.finish().see_through / 256.0
    assert covered.sum() / 50.0**2 == pytest.approx(np.pi * 0.5 * 0.3, rel=0.01)
    assert ((covered > 0.1) & (covered < 0.9)).any()
    sheet = Canvas(50.0, (1.0, 1.0, 1.0, 1.0))
    sheet.polygon([(-0.4, -0.4), (0.4, -0.4), (0.0, 0.4)], (200, 100, 50), outline=False)
    covered = 1.0 - sheet.finish().see_through / 256.0
    assert covered.sum() / 50.0**2 == pytest.approx(0.5 * 0.8 * 0.8, rel=0.01)


def test_a_capsule_widens_towards_its_end():
    sheet = Canvas(50.0, (1.0, 1.0, 1.0, 1.0))
    sheet.capsule((0.0, -0.5), (0.0, 0.5), 0.1, (9, 9, 9), end_radius=0.3, outline=False)
    width = (1.0 - sheet.finish().see_through[..., 0] / 256.0).sum(axis=1) / 50.0
    # Rows run downwards from y = 1; at y = 0.5 the half width is 0.3, at y = -0.5 it is 0.1.
    assert width[25] == pytest.approx(0.6, abs=0.05)
    assert width[75] == pytest.approx(0.2, abs=0.05)


def test_a_sprite_that_hangs_out_of_the_picture_is_cut():
    sprite = performer_sprite("tuba", 90, REST, 0)
    picture = np.full((60, 40, 3), 128, np.uint8)
    sprite.paste(picture, 0, 60)
    whole = np.full((200, 200, 3), 128, np.uint8)
    sprite.paste(whole, 100, 150)
    assert np.array_equal(picture, whole[90:150, 100:140])
    before = picture.copy()
    sprite.paste(picture, 500, 500)
    assert np.array_equal(picture, before)
