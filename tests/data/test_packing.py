"""Folders of per-clip files become a store: the right seconds of the right clips."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from avqa_core.data.store import FeatureStore
from avqa_core.errors import AnnotationError, ConfigError, FeatureError
from avqa_core.features.clip_files import ClipFileError
from avqa_core.features.packing import ClipDone, pack
from avqa_core.features.settings import ARRAYS, PackConfig, named_folders
from avqa_core.features.survey import HeadersRead, survey, wanted_clips
from tests.data.npy_folders import (
    LAYOUT,
    content,
    packed,
    picture,
    picture_path,
    sound,
    sound_path,
    write_folder,
)
from tests.data.samples import make_row, write_rows


def test_the_first_of_every_six_seconds_is_kept(tmp_path):
    done = packed(write_folder(tmp_path / "npy"), tmp_path / "store")
    store = FeatureStore.open(tmp_path / "store")
    assert store.layout == LAYOUT
    assert store.video_ids == ["c0", "c1", "c2"] == list(done.video_ids)
    # Segment t is second 6 t, so sound of clip n is 300 n + 4 * 6 t + d and so on.
    t, d, cell = np.arange(10), np.arange(4), np.arange(8).reshape(2, 2, 2)
    for n in range(3):
        np.testing.assert_array_equal(store[f"c{n}"]["audio"], 300 * n + 24 * t[:, None] + d)
        pictures = -(300 * n + 48 * t[:, None, None, None] + cell)
        np.testing.assert_array_equal(store[f"c{n}"]["visual"], pictures)
    assert store.verify() == []


def test_the_sizes_are_those_of_the_files(tmp_path):
    done = packed(write_folder(tmp_path / "npy"), tmp_path / "store")
    # A header of 128 bytes, then 60 x 4 and 60 x 8 numbers of four bytes.
    assert done.bytes_in == 3 * ((128 + 60 * 4 * 4) + (128 + 60 * 8 * 4))
    # Ten segments of 4 and 8 numbers of two bytes, all of it in shards.
    assert done.bytes_out == done.survey.bytes_out == 3 * 2 * (10 * 4 + 10 * 8)
    shards = [size for name, size in content(tmp_path / "store").items() if name.endswith(".bin")]
    assert sum(map(len, shards)) == done.bytes_out


def test_a_clip_without_a_file_lacks_that_modality(tmp_path):
    folder = write_folder(tmp_path / "npy")
    sound_path(folder, "c0").unlink()
    picture_path(folder, "c2").unlink()
    done = packed(folder, tmp_path / "store")
    assert done.absent == {"audio": ("c0",), "visual": ("c2",)}
    assert not done.skipped
    store = FeatureStore.open(tmp_path / "store")
    assert [set(store[one]) for one in store] == [{"visual"}, {"audio", "visual"}, {"audio"}]


def test_short_clips_are_skipped_padded_or_an_error_as_told(tmp_path):
    folder = write_folder(tmp_path / "npy")
    np.save(sound_path(folder, "c0"), sound(0, 55))  # second 54 is its last one
    np.save(sound_path(folder, "c1"), sound(1, 40))
    np.save(picture_path(folder, "c1"), picture(1, 43))
    done = packed(folder, tmp_path / "skip")
    assert done.video_ids == ("c0", "c2")
    assert done.skipped["c1"].reason == "too short"
    assert done.survey.num_shorter == 1
    with pytest.raises(ClipFileError, match=r"at least 55 of 60 seconds.*got 40"):
        packed(folder, tmp_path / "error", short="error")
    done = packed(folder, tmp_path / "pad", short="pad")
    assert done.padded == {"c1": 40}
    store = FeatureStore.open(tmp_path / "pad")
    assert store.provenance["report"]["padded"] == {"c1": 40}
    # Of sound there are the seconds 0, 6, ..., 36, then 39 for 42, 48 and 54.
    seconds = [0, 6, 12, 18, 24, 30, 36, 39, 39, 39]
    np.testing.assert_array_equal(store["c1"]["audio"], sound(1)[seconds])
    # The picture goes on to second 42.
    seconds = [0, 6, 12, 18, 24, 30, 36, 42, 42, 42]
    np.testing.assert_array_equal(store["c1"]["visual"], picture(1)[seconds])


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_floating_type_and_order_gives_the_same_store(tmp_path, dtype, order):
    plain, other = write_folder(tmp_path / "plain", 1), write_folder(tmp_path / "other", 1)
    for path in other.rglob("*.npy"):
        np.save(path, np.asarray(np.load(path), dtype=dtype, order=order))
    packed(plain, tmp_path / "a")
    packed(other, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_pooled_pictures_become_a_grid_of_one_cell_and_extras_stay_as_they_are(tmp_path):
    folder = write_folder(tmp_path / "npy")
    for name, shape in (("res18", (60, 3)), ("clip_patch", (60, 5, 2)), ("level", (60,))):
        (folder / name).mkdir()
        for number in range(3):
            array = number + np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
            np.save(folder / name / f"c{number}.npy", array)
    arrays = named_folders("vggish", "res18", ["patches=clip_patch", "level=level"])
    packed(folder, tmp_path / "store", arrays=arrays, segments=5)
    store = FeatureStore.open(tmp_path / "store")
    assert store.layout == {
        "audio": (5, 4),
        "visual": (5, 3, 1, 1),
        "patches": (5, 5, 2),
        "level": (5,),
    }
    # Five of sixty seconds are 0, 12, 24, 36, 48; second s of "level" says n + s.
    np.testing.assert_array_equal(store["c1"]["level"], [1, 13, 25, 37, 49])
    np.testing.assert_array_equal(
        store["c2"]["visual"][:, :, 0, 0], 2 + np.arange(180).reshape(60, 3)[::12]
    )


def test_tokens_of_a_picture_are_no_grid_of_it(tmp_path):
    folder = write_folder(tmp_path / "npy", 1)
    (folder / "tokens").mkdir()
    np.save(folder / "tokens" / "c0.npy", np.zeros((60, 50, 3), np.float32))
    with pytest.raises(ConfigError, match=r"got visual with \(50, 3\) a second"):
        packed(folder, tmp_path / "store", arrays=named_folders("vggish", "tokens", []))


def test_the_shape_is_that_of_most_files(tmp_path):
    folder = write_folder(tmp_path / "npy", 3)
    np.save(sound_path(folder, "a"), np.zeros((60, 7), np.float32))  # the first by name
    assert list(packed(folder, tmp_path / "store").skipped) == ["a"]
    np.save(sound_path(folder, "b"), np.zeros((60, 7), np.float32))
    np.save(sound_path(folder, "d"), np.zeros((60, 7), np.float32))
    # Three against three: the smaller shape, whatever the order.
    assert survey(folder, PackConfig(arrays=ARRAYS)).layout["audio"] == (10, 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"segments": 7}, "segments divide"),
        ({"segments": 0}, "segments divide"),
        ({"segments": 120}, "segments divide"),
        ({"arrays": {"audio": "vggish"}}, "audio and visual"),
        ({"arrays": {"audio": "pann", "visual": "res18_14x14"}}, "there are res18_14x14, vggish"),
        ({"arrays": {"audio": "res18_14x14", "visual": "vggish"}}, "got audio with"),
        ({"arrays": ARRAYS | {"Words": "vggish"}}, "'Words'"),
        ({"seconds": 10}, "3 too long"),
        ({"seconds": 120}, "3 too short"),
    ],
)
def test_settings_that_fit_no_folder_are_one_error(tmp_path, settings, message):
    folder = write_folder(tmp_path / "npy")
    with pytest.raises((ConfigError, FeatureError), match=message):
        packed(folder, tmp_path / "store", **settings)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("text", ["patches", "=clip", "patches=", "audio=clip"])
def test_an_extra_without_a_name_or_folder_is_refused(text):
    with pytest.raises(ConfigError, match="NAME=FOLDER"):
        named_folders("vggish", "res18", [text])


def test_an_array_twice_is_refused():
    with pytest.raises(ConfigError, match="NAME=FOLDER"):
        named_folders("vggish", "res18", ["patches=a", "patches=b"])


def test_only_the_clips_of_questions_are_packed_and_missing_ones_told(tmp_path):
    folder = write_folder(tmp_path / "npy")
    np.save(tmp_path / "secret.npy", sound(0))
    rows = [make_row(video_id=one) for one in ("c2", "c0", "c9", "../../secret", "c2")]
    asked = wanted_clips([write_rows(tmp_path / "val.json", rows)])
    done = packed(folder, tmp_path / "store", asked)
    assert done.video_ids == ("c0", "c2")
    assert done.survey.without_features == ("../../secret", "c9")
    report = FeatureStore.open(tmp_path / "store").provenance["report"]
    assert report["without_features"] == ["../../secret", "c9"]
    with pytest.raises(FeatureError, match=r"none for 2.*\.\./\.\./secret"):
        packed(folder, tmp_path / "strict", asked, strict=True)
    with pytest.raises(AnnotationError):
        wanted_clips([tmp_path / "nowhere.json"])


def test_a_second_file_of_questions_forgets_nothing_of_the_first(tmp_path):
    folder, store = write_folder(tmp_path / "npy"), tmp_path / "store"
    sound_path(folder, "c1").write_bytes(b"damaged")
    packed(folder, store, {"c0", "c1", "lost"})
    told = FeatureStore.open(store).provenance["report"]
    (reason,) = told["skipped"]
    assert told["skipped"][reason] == ["c1"] and told["without_features"] == ["lost"]
    packed(folder, store, {"c2", "gone"})
    told = FeatureStore.open(store).provenance["report"]
    assert told["skipped"] == {reason: ["c1"]}
    assert told["without_features"] == ["lost", "gone"]
    write_folder(tmp_path / "npy")  # whole again, and now there
    packed(folder, store, {"c1"})
    assert FeatureStore.open(store).provenance["report"]["skipped"] == {}


def test_progress_counts_the_clips_that_are_done(tmp_path):
    events = pack(write_folder(tmp_path / "npy"), tmp_path / "store", PackConfig(arrays=ARRAYS))
    told = [one for one in events if isinstance(one, HeadersRead | ClipDone)]
    wanted = [kind(done, 3) for kind in (HeadersRead, ClipDone) for done in (1, 2, 3)]
    assert told == wanted and [*map(type, told)] == [*map(type, wanted)]


def test_no_more_than_a_clip_is_in_memory(tmp_path):
    folder, shape = tmp_path / "npy", (60, 64, 14, 14)
    write_folder(folder, 0)
    for number in range(4):
        np.save(sound_path(folder, f"c{number}"), sound(number))
        np.save(picture_path(folder, f"c{number}"), np.zeros(shape, np.float32))
    clip = np.prod(shape) * 4
    tracemalloc.start()
    try:
        packed(folder, tmp_path / "store")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < clip
