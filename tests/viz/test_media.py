"""Pictures and sound of pages: small, complete, decodable."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from avqa_core.errors import FeatureError
from avqa_core.viz.media import (
    LARGEST_SOUND,
    ClipMedia,
    encode_picture,
    encode_png,
    encode_sound,
    frame_sheet,
    loudness,
    write_media,
)
from tests.viz.fakes import made_up_clip


def decoded_picture(content: bytes) -> np.ndarray:
    with av.open(io.BytesIO(content)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def decoded_sound(content: bytes) -> np.ndarray:
    with av.open(io.BytesIO(content)) as container:
        return np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])


def test_a_sheet_has_the_frames_row_by_row_and_white_in_the_rest():
    frames = np.stack([np.full((2, 3, 3), value, dtype=np.uint8) for value in range(7)])
    sheet = frame_sheet(frames, columns=5)
    assert sheet.shape == (4, 15, 3)
    assert [int(sheet[0, 3 * column, 0]) for column in range(5)] == [0, 1, 2, 3, 4]
    assert [int(sheet[2, 3 * column, 0]) for column in range(5)] == [5, 6, 255, 255, 255]


def test_a_lossless_picture_comes_back_exactly():
    picture = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    assert np.array_equal(decoded_picture(encode_picture(picture, lossless=True)), picture)


def test_a_lossy_picture_comes_back_nearly():
    picture = frame_sheet(made_up_clip().frames)
    back = decoded_picture(encode_picture(picture))
    assert back.shape == picture.shape
    assert np.abs(back.astype(int) - picture).mean() < 6


def test_a_png_comes_back_exactly():
    picture = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(decoded_picture(encode_png(picture)), picture)


def test_ten_seconds_of_sound_fit_a_page_and_sound_like_themselves():
    clip = made_up_clip()
    content = encode_sound(clip.waveform)
    assert len(content) <= LARGEST_SOUND
    sound = decoded_sound(content)
    assert abs(len(sound) / 16_000 - 10) < 0.2
    before, after = loudness(clip.waveform, 10), loudness(sound[-160_000:], 10)
    assert np.corrcoef(before, after)[0, 1] > 0.9


def test_a_clip_too_long_for_a_page_is_refused():
    with pytest.raises(FeatureError, match="at most 40,000 bytes"):
        encode_sound(np.zeros(16_000 * 20, dtype=np.float32))


def test_loudness_is_the_root_mean_square_of_each_stretch():
    waveform = np.array([3.0, -3.0, 0.0, 4.0, 1.0], dtype=np.float32)
    assert loudness(waveform, 2).tolist() == pytest.approx([3.0, np.sqrt(8)])


def test_media_lie_beside_the_page_and_leave_no_halves(tmp_path):
    clips = [made_up_clip(number) for number in range(2)]
    files = write_media(tmp_path / "media", clips, url="media/")
    assert files["00000001"].sheet == "media/00000001.webp"
    names = sorted(path.name for path in (tmp_path / "media").iterdir())
    assert names == ["00000000.mp3", "00000000.webp", "00000001.mp3", "00000001.webp"]
    content = (tmp_path / files["00000001"].sheet).read_bytes()
    assert decoded_picture(content).shape == (128, 480, 3)


def test_frames_of_the_wrong_kind_are_refused_by_name():
    with pytest.raises(FeatureError, match="clip 00000007"):
        ClipMedia("00000007", np.zeros((2, 4, 4, 1), dtype=np.uint8), np.zeros(8, np.float32))
    with pytest.raises(FeatureError, match="finite mono"):
        ClipMedia("00000007", np.zeros((2, 4, 4, 3), np.uint8), np.full(8, np.nan, np.float32))
