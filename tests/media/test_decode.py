"""Decoding: the right instants, the right numbers, and a typed error for whatever is broken."""

from __future__ import annotations

import struct
import tracemalloc
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import given
from hypothesis import strategies as st

from avqa_core.errors import ConfigError, FeatureError
from avqa_core.media.decode import _on_screen, _timed, decode
from avqa_core.media.segments import MUSIC_AVQA, SegmentPolicy
from tests.media.films import steps, write_film

H264 = ("libx264", "yuv420p", "aac")


def policy(**changes) -> SegmentPolicy:
    return SegmentPolicy(**{"num_segments": 3, "seconds": 1.0, "place": "middle", **changes})


@pytest.mark.parametrize(
    ("place", "seconds", "frames"),
    [
        # 15 frames a second: 0.5 s lies inside frame 7 (7/15 = 0.467 to 8/15 = 0.533).
        ("middle", 1.0, [7, 22, 37]),
        ("start", 1.0, [0, 15, 30]),
        # The middle of the first two seconds is the instant at which frame 15 appears.
        ("middle", 2.0, [15, 45]),
        ("start", 2.0, [0, 30]),
        # 1.5 / 2 = 0.75 s lies inside frame 11 (0.733 to 0.8), 2.25 s inside frame 33.
        ("middle", 1.5, [11, 33]),
        # Frame 40 is due at 2.6667 s, for which Matroska writes 2.667 s.
        ("start", 4 / 3, [0, 20, 40]),
    ],
)
def test_the_picture_of_a_segment_is_the_one_on_the_screen(tmp_path, place, seconds, frames):
    film = write_film(tmp_path / "film.mkv", seconds=4.0)
    clip = decode(film, policy(num_segments=len(frames), seconds=seconds, place=place))
    assert clip.frames[:, 0, 0, 0].tolist() == [5 * frame % 256 for frame in frames]
    assert (clip.frames == clip.frames[:, :1, :1, :1]).all()
    assert clip.waveform is None and not clip.padding


def test_music_avqa_looks_at_every_sixth_second():
    assert MUSIC_AVQA.picture_times == [0, 6, 12, 18, 24, 30, 36, 42, 48, 54]
    assert MUSIC_AVQA.sound_starts == [96_000 * segment for segment in range(10)]
    assert MUSIC_AVQA.num_samples == 55 * 16_000


def test_the_sound_of_a_segment_is_one_second(tmp_path):
    film = write_film(tmp_path / "film.mkv", seconds=6, sound=steps(0, 0.1, 0.2, 0.3, 0.4, 0.5))
    start = policy(seconds=2.0, place="start")
    sounds = start.sounds(decode(film, start).waveform)
    np.testing.assert_allclose(sounds, np.outer([0, 0.2, 0.4], np.ones(16_000)), atol=1e-4)
    # From half a second in: half of one level and half of the next.
    middle = policy(seconds=2.0)
    sounds = middle.sounds(decode(film, middle).waveform)
    np.testing.assert_allclose(sounds[:, 7_990], [0, 0.2, 0.4], atol=1e-4)
    np.testing.assert_allclose(sounds[:, 8_010], [0.1, 0.3, 0.5], atol=1e-4)


def test_sixteen_bits_become_numbers_up_to_one(tmp_path):
    sound = np.array([[-32_768, -16_384, 0, 8_192]], np.int16).repeat(12_000, axis=1)
    waveform = decode(write_film(tmp_path / "film.wav", seconds=0, sound=sound), policy()).waveform
    assert waveform.dtype == np.float32
    assert waveform[[100, 12_100, 24_100, 36_100]].tolist() == [-1.0, -0.5, 0.0, 0.25]


def test_channels_are_averaged(tmp_path):
    sound = np.concatenate([steps(0.5, 0.5, 0.75), steps(-0.25, 0.5, 0.75)])
    waveform = decode(write_film(tmp_path / "film.mkv", sound=sound), policy()).waveform
    # (0.5 - 0.25) / 2 = 0.125; twice 0.75 stays 0.75 and is not added up.
    np.testing.assert_allclose(waveform[[8_000, 24_000, 40_000]], [0.125, 0.5, 0.75], atol=1e-4)


def test_other_sample_rates_are_resampled(tmp_path):
    times = np.arange(3 * 44_100) / 44_100
    sound = (0.5 * 32_768 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)[None]
    film = write_film(tmp_path / "film.mkv", sound=sound, sample_rate=44_100)
    waveform = decode(film, policy()).waveform
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000)
    assert np.abs(waveform - wanted)[100:-100].max() < 0.01


def test_sound_that_begins_late_stays_late(tmp_path):
    film = write_film(tmp_path / "film.mkv", sound=steps(0.5, 0.5), sound_starts=1.0)
    waveform = decode(film, policy()).waveform
    assert np.abs(waveform[:15_900]).max() == 0.0
    np.testing.assert_allclose(waveform[16_100:47_900], 0.5, atol=1e-4)


def test_a_hole_in_the_sound_is_silent_and_moves_nothing(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        track = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        for begins, level in ((0, 0.25), (2, 0.5)):
            frame = av.AudioFrame.from_ndarray(steps(level), format="s16", layout="mono")
            frame.sample_rate, frame.time_base = 16_000, Fraction(1, 16_000)
            frame.pts = begins * 16_000
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    waveform = decode(path, policy()).waveform
    np.testing.assert_allclose(waveform[[8_000, 24_000, 40_000]], [0.25, 0.0, 0.5], atol=1e-4)


def test_sound_beyond_one_is_cut_off_at_one(tmp_path):
    samples = np.array([2.0, -3.0, 0.5], "<f4").repeat(16_000).tobytes()
    # Floating point, one channel, samples and bytes a second, bytes and bits a sample.
    layout = struct.pack("<HHIIHH", 3, 1, 16_000, 64_000, 4, 32)
    content = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    content += b"data" + struct.pack("<I", len(samples)) + samples
    path = tmp_path / "loud.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(content)) + content)
    waveform = decode(path, policy()).waveform
    assert waveform[[8_000, 24_000, 40_000]].tolist() == [1.0, -1.0, 0.5]


def test_a_film_begins_with_its_first_picture_whatever_its_clock_says(tmp_path):
    """The clock of a transport stream begins at 1.4 s."""
    clip = decode(write_film(tmp_path / "film.ts", codecs=H264), policy())
    np.testing.assert_allclose(clip.frames[:, 8, 8, 0], [35, 110, 185], atol=2)
    assert not clip.padding


def test_frames_without_a_time_follow_each_other_at_the_usual_rate():
    frame = SimpleNamespace(time=None, duration=None)
    container = SimpleNamespace(start_time=None, decode=lambda track: [frame] * 3)
    timed = _timed(container, SimpleNamespace(average_rate=Fraction(2)))
    assert [one[:2] for one in timed] == [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)]


def test_sound_that_begins_after_everything_costs_no_memory(tmp_path):
    film = write_film(tmp_path / "film.mkv", sound=steps(0.5), sound_starts=2_000.0)
    tracemalloc.start()
    try:
        waveform = decode(film, policy()).waveform
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.abs(waveform).max() == 0.0
    assert most < 10e6, "the silence before it would be 128 MB"


def test_a_title_in_latin_1_is_no_damage(tmp_path):
    path = write_film(tmp_path / "song.wav", seconds=0, sound=steps(0, 0.5, 0))
    title = "F\u00fcr Elise.".encode("latin-1")
    told = b"INFOINAM" + len(title).to_bytes(4, "little") + title
    content = bytearray(path.read_bytes() + b"LIST" + len(told).to_bytes(4, "little") + told)
    content[4:8] = (len(content) - 8).to_bytes(4, "little")
    path.write_bytes(content)
    assert decode(path, policy()).waveform[24_000] == 0.5


@pytest.mark.skipif(
    not hasattr(av.video.stream.VideoStream, "set_display_rotation"),
    reason="this PyAV reads rotations but cannot write one",
)
def test_a_telephone_film_is_turned_upright(tmp_path):
    pictures = np.zeros((45, 16, 24, 3), np.uint8)
    pictures[:, :, :12] = 200  # bright on the left
    film = write_film(tmp_path / "film.mp4", pictures=pictures, codecs=H264, rotation=90)
    frames = decode(film, policy()).frames
    # A quarter turn counterclockwise brings the left side to the bottom.
    assert frames.shape[1:3] == (24, 16)
    assert frames[0, 20].mean() > 150 > 50 > frames[0, 4].mean()


def test_pictures_are_prepared_one_by_one(tmp_path):
    seen = []

    def corner(frames):
        seen.append(len(frames))
        return frames[:, :2, :2]

    assert decode(write_film(tmp_path / "film.mkv"), policy(), corner).frames.shape == (3, 2, 2, 3)
    assert seen == [1, 1, 1]


def test_a_track_that_is_not_there_is_absent(tmp_path):
    silent = decode(write_film(tmp_path / "silent.mkv"), policy())
    assert silent.waveform is None and silent.frames is not None
    dark = decode(write_film(tmp_path / "dark.wav", seconds=0, sound=steps(0, 0.5, 0)), policy())
    assert dark.frames is None and dark.waveform is not None


def test_the_cover_of_a_record_is_no_film(tmp_path):
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libmp3lame", rate=16_000, layout="mono")
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
        cover.disposition = Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(image))
        container.mux(cover.encode(None))
        samples = np.zeros((1, 48_000), np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    clip = decode(path, policy())
    assert clip.frames is None and clip.waveform.shape == (48_000,)


def test_a_short_film_stands_still_and_falls_silent(tmp_path):
    film = write_film(tmp_path / "film.mkv", seconds=2, sound=steps(0.5, 0.25))
    clip = decode(film, policy(num_segments=5))
    # The middles of segments 2, 3 and 4 come after the last frame, number 29.
    assert clip.frames[:, 0, 0, 0].tolist() == [35, 110, 145, 145, 145]
    assert clip.num_still == 3 and clip.silent_seconds == pytest.approx(3.0, abs=0.01)
    assert np.abs(clip.waveform[32_100:]).max() == 0.0
    assert clip.padding == "last picture held for 3 segments, 3.0 s of silence added"
    with pytest.raises(FeatureError, match="use fewer segments, or --short pad"):
        decode(film, policy(num_segments=5, short="skip"))


@pytest.mark.parametrize(
    ("seconds", "levels", "num_still", "silent_seconds"), [(6, 2, 0, 4.0), (2, 6, 4, 0.0)]
)
def test_one_track_of_a_whole_film_may_end_before_the_other(
    tmp_path, seconds, levels, num_still, silent_seconds
):
    """Matroska tells only the length of the longer one."""
    film = write_film(tmp_path / "film.mkv", seconds=seconds, sound=steps(*[0.5] * levels))
    clip = decode(film, policy(num_segments=6))
    assert clip.num_still == num_still
    assert clip.silent_seconds == pytest.approx(silent_seconds, abs=0.01)


def test_a_picture_that_begins_late_is_shown_early_and_told(tmp_path):
    film = write_film(
        tmp_path / "film.mkv", seconds=1.8, picture_starts=1.2, sound=steps(0.5, 0.5, 0.5)
    )
    clip = decode(film, policy())
    # The middles of the segments are 0.7 s before frame 0, and inside frames 4 and 19.
    assert clip.frames[:, 0, 0, 0].tolist() == [0, 20, 95]
    assert clip.num_early == 1 and clip.padding == "first picture shown early for 1 segments"
    with pytest.raises(FeatureError, match="--short pad"):
        decode(film, policy(short="skip"))


def test_a_picture_that_begins_a_frame_late_is_not_told(tmp_path):
    film = write_film(tmp_path / "film.mkv", picture_starts=1 / 15, sound=steps(0.5, 0.5, 0.5, 0.5))
    assert not decode(film, policy(place="start")).padding


def test_a_track_that_ends_a_frame_early_is_not_short(tmp_path):
    sound = steps(0.5, 0.5, 0.5)[:, :-1_000]
    clip = decode(write_film(tmp_path / "film.mkv", sound=sound), policy(short="skip"))
    assert not clip.padding and clip.waveform.shape == (48_000,)


@pytest.mark.parametrize("place", ["start", "middle"])
def test_decoding_stops_after_the_last_picture(place):
    times = policy(place=place).picture_times

    def endless():
        for number in range(10**9):
            assert number <= 15 * (times[-1] + 1), "decoded far beyond what was needed"
            yield number / 15, (number + 1) / 15, number

    chosen, *_ = _on_screen(endless(), times, lambda frame: np.array(frame))
    assert len(chosen) == 3


@given(
    begins=st.lists(st.integers(0, 300), min_size=1, max_size=30, unique=True).map(sorted),
    times=st.lists(st.integers(0, 400), min_size=1, max_size=8).map(sorted),
)
def test_on_screen_is_the_last_frame_that_has_begun(begins, times):
    # Times in tenths of a second, far apart compared with the tolerance of a millisecond.
    timed = [(begin / 10, begin / 10 + 0.1, begin) for begin in begins]
    chosen, first, _ = _on_screen(
        iter(timed), [time / 10 for time in times], lambda one: np.array(one)
    )
    wanted = [max([one for one in begins if one <= time], default=begins[0]) for time in times]
    assert [int(one) for one in chosen] == wanted and first == begins[0] / 10


def _cut(path, keep):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    return path


def _with_sound(path):
    return write_film(path, sound=steps(0.5, 0.5, 0.5), codecs=("ffv1", "bgr0", "aac"))


def _hiss(path):
    sound = np.random.default_rng(0).integers(-3_000, 3_000, (1, 48_000)).astype(np.int16)
    return write_film(path, seconds=0, sound=sound, codecs=("ffv1", "bgr0", "flac"))


def _header_first(path):
    pictures = np.random.default_rng(0).integers(0, 256, (45, 16, 24, 3))
    codecs = ("mpeg4", "yuv420p", "aac")
    return write_film(path, pictures=pictures, codecs=codecs, options={"movflags": "faststart"})


def _text(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_text("this is not a film\n" * 50)
    return path


def _empty(tmp_path):
    path = tmp_path / "film.mp4"
    path.touch()
    return path


def _playlist(tmp_path):
    """A list that names another file, which a player would go and open."""
    write_film(tmp_path / "other.mkv")
    path = tmp_path / "film.mp4"
    path.write_text(f"ffconcat version 1.0\nfile {tmp_path / 'other.mkv'}\n")
    return path


def _stream_address(tmp_path):
    path = tmp_path / "film.mp4"
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:3", "#EXTINF:3,", "http://127.0.0.1:9/a.ts"]
    path.write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
    return path


def _unknown_codec(tmp_path):
    path = write_film(tmp_path / "film.mp4", codecs=H264)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    return path


def _no_pixels(tmp_path):
    codecs = ("rawvideo", "bgr24", "pcm_s16le")
    content = bytearray(write_film(tmp_path / "film.avi", codecs=codecs).read_bytes())
    # Width and height stand behind four bytes of size in the stream's format and at 32 in the
    # main header, each of which begins with its name and eight bytes.
    for where in (content.index(b"strf") + 12, content.index(b"avih") + 40):
        content[where : where + 8] = bytes(8)
    path = tmp_path / "broken.avi"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda tmp: tmp / "nowhere.mp4", "no such file"),
        (lambda tmp: tmp, "got a folder"),
        (_text, "cannot be decoded"),
        (_empty, "cannot be decoded"),
        (_playlist, "cannot be decoded"),
        (_stream_address, "cannot be decoded"),
        (_unknown_codec, "unknown codec"),
        (_no_pixels, "0 x 0 pixels"),
        (lambda tmp: _cut(write_film(tmp / "f.mp4", codecs=H264), 0.5), "cannot be decoded"),
        (lambda tmp: _cut(write_film(tmp / "f.mkv", seconds=3), 0.5), "it was cut off"),
        (lambda tmp: _cut(_with_sound(tmp / "f.mkv"), 0.5), "it was cut off"),
        (lambda tmp: _cut(_hiss(tmp / "f.mkv"), 0.5), "it was cut off"),
        (lambda tmp: _cut(_header_first(tmp / "f.mp4"), 0.6), "it was cut off"),
        (lambda tmp: write_film(tmp / "f.mkv", has_sound_track=True), "zero length"),
    ],
)
def test_what_is_broken_is_a_feature_error(tmp_path, make, message):
    with pytest.raises(FeatureError, match=message) as caught:
        decode(make(tmp_path), policy())
    assert str(tmp_path) in str(caught.value), "the message names the file"


@pytest.mark.parametrize(
    "changes",
    [{"num_segments": 0}, {"seconds": 0.5}, {"seconds": float("nan")}, {"seconds": float("inf")}],
)
def test_a_policy_that_nobody_can_follow_is_refused(changes):
    with pytest.raises(ConfigError, match="segments: expected"):
        policy(**changes)
