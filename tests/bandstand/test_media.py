from __future__ import annotations

import av
import numpy as np
import pytest

from avqa_core.bandstand.media import FILM_FRAMES_PER_SECOND, layout_for, media_for, write_film
from avqa_core.media.log_mel import SAMPLE_RATE
from tests.bandstand.hand_built import TRIO


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "clip.mp4"
    write_film(TRIO, path)
    assert [one.name for one in path.parent.iterdir()] == ["clip.mp4"]
    with av.open(str(path)) as container:
        frames = [one.to_ndarray(format="rgb24") for one in container.decode(video=0)]
    with av.open(str(path)) as container:
        sound = [one.to_ndarray().reshape(-1) for one in container.decode(audio=0)]
        assert container.streams.audio[0].rate == SAMPLE_RATE
    return np.stack(frames), np.concatenate(sound)


def test_the_middle_frame_of_each_second_is_the_frame_of_the_segment(film):
    frames, _ = film
    assert len(frames) == 10 * FILM_FRAMES_PER_SECOND
    middles = frames[FILM_FRAMES_PER_SECOND // 2 :: FILM_FRAMES_PER_SECOND].astype(float)
    pictures, _ = media_for(TRIO)
    error = np.abs(middles - pictures).mean(axis=(1, 2, 3))
    assert error.max() < 5.0
    # The check can tell: the frames a third of a second later show other poses.
    later = frames[FILM_FRAMES_PER_SECOND // 2 + 5 :: FILM_FRAMES_PER_SECOND].astype(float)
    assert np.abs(later - pictures).mean(axis=(1, 2, 3))[:6].mean() > error[:6].mean() + 0.1


def test_the_sound_of_the_film_is_the_sound_of_the_clip(film):
    _, sound = film
    _, waveform = media_for(TRIO)
    assert abs(len(sound) - len(waveform)) <= 2048
    common = min(len(sound), len(waveform))
    assert np.corrcoef(sound[:common], waveform[:common])[0, 1] > 0.95


def test_the_layout_is_that_of_the_store():
    assert layout_for(10) == {"audio": (10, 128), "visual": (10, 64, 4, 6)}
