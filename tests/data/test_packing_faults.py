"""Files that cannot be packed: each is told by name and reason, and none of them is packed."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from avqa_core.data.store import FeatureStore
from avqa_core.errors import FeatureError
from avqa_core.features.clip_files import ClipFileError, _fill
from avqa_core.features.packing import pack
from avqa_core.features.settings import ARRAYS, PackConfig
from avqa_core.features.survey import Survey
from tests.data.npy_folders import packed, sound, sound_path, write_folder


def _with(place: tuple[int, ...], value: float) -> np.ndarray:
    array = sound(1)
    array[place] = value
    return array


def _npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, sound=sound(1))


def _append(path: Path, more: bytes) -> None:
    path.write_bytes(path.read_bytes() + more)


def _replace(path: Path, make) -> None:
    path.unlink()
    make(path)


FAULTS = {
    "text": (lambda p: p.write_text("0.1 0.2\n"), "no .npy file"),
    "empty": (lambda p: p.write_bytes(b""), "no .npy file"),
    "magic alone": (lambda p: p.write_bytes(b"\x93NUMPY\x01\x00"), "no .npy file"),
    "version 9": (lambda p: p.write_bytes(b"\x93NUMPY\x09\x00" + bytes(200)), "no .npy file"),
    "zip": (_npz, "no .npy file"),
    "pipe": (lambda p: _replace(p, os.mkfifo), "no .npy file"),
    "folder": (lambda p: _replace(p, Path.mkdir), "no .npy file"),
    "link in a circle": (lambda p: _replace(p, lambda q: q.symlink_to(q)), "unreadable"),
    "dangling link": (lambda p: _replace(p, lambda q: q.symlink_to("no.npy")), "unreadable"),
    "link out": (
        lambda p: _replace(p, lambda q: q.symlink_to("../../outside.npy")),
        "link out of the folder",
    ),
    "objects": (
        lambda p: np.save(p, np.array([{}] * 60, dtype=object), allow_pickle=True),
        "not floating point",
    ),
    "whole numbers": (lambda p: np.save(p, np.zeros((60, 4), np.int64)), "not floating point"),
    "complex": (lambda p: np.save(p, np.zeros((60, 4), np.complex64)), "not floating point"),
    "names": (lambda p: np.save(p, np.zeros(60, [("a", "f4")])), "not floating point"),
    "longdouble": (lambda p: np.save(p, np.zeros((60, 4), np.longdouble)), "not floating point"),
    "truncated": (lambda p: os.truncate(p, p.stat().st_size - 1), "truncated"),
    "trailing": (lambda p: _append(p, b"\0"), "longer than its header says"),
    "one number": (lambda p: np.save(p, np.float32(3)), "other shape"),
    "no rows": (lambda p: np.save(p, np.zeros((0, 4), np.float32)), "other shape"),
    "wider": (lambda p: np.save(p, np.zeros((60, 5), np.float32)), "other shape"),
    "transposed": (lambda p: np.save(p, np.zeros((4, 60), np.float32)), "other shape"),
    "deeper": (lambda p: np.save(p, np.zeros((1, 60, 4), np.float32)), "other shape"),
    "two rows a second": (lambda p: np.save(p, np.zeros((120, 4), np.float32)), "too long"),
    "54 seconds": (lambda p: np.save(p, sound(1, 54)), "too short"),
    "nan": (lambda p: np.save(p, _with((54, 3), np.nan)), "not finite"),
    "infinite": (lambda p: np.save(p, _with((0, 0), -np.inf)), "not finite"),
    # Half way between 65504, the largest float16, and 65536, the next one if there were one.
    "65520": (lambda p: np.save(p, _with((6, 1), 65520.0)), "too large for float16"),
    "1e300": (lambda p: np.save(p, _with((6, 1), 1.0).astype("f8") * 1e300), "too large"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_counted_by_its_reason_or_stops_a_strict_packing(tmp_path, fault):
    folder, (damage, reason) = write_folder(tmp_path / "npy"), FAULTS[fault]
    np.save(tmp_path / "outside.npy", sound(1))
    damage(sound_path(folder, "c1"))
    with pytest.raises(ClipFileError, match="expected") as caught:
        packed(folder, tmp_path / "strict", strict=True)
    assert caught.value.reason.startswith(reason)
    assert "c1.npy" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(FeatureError):
        FeatureStore.open(tmp_path / "strict")
    done = packed(folder, tmp_path / "store")
    # A damaged file is not an absent modality: the clip's sound picture is left out as well.
    assert done.video_ids == ("c0", "c2")
    assert list(done.skipped) == ["c1"]
    index = json.loads((tmp_path / "store" / "index.json").read_text())
    assert index["provenance"]["report"]["skipped"] == {caught.value.reason: ["c1"]}
    assert FeatureStore.open(tmp_path / "store").verify() == []


def test_only_the_seconds_that_are_kept_are_judged(tmp_path):
    folder = write_folder(tmp_path / "npy")
    np.save(sound_path(folder, "c1"), _with((55, 0), np.nan))
    # The largest number that rounds to the largest float16.
    np.save(sound_path(folder, "c2"), _with((6, 1), 65519.0))
    assert not packed(folder, tmp_path / "store").skipped
    assert FeatureStore.open(tmp_path / "store")["c2"]["audio"][1, 1] == 65504


@pytest.mark.parametrize("name", ["..x", ".hidden", "a b", "a\\b", "..\\c", "x" * 201, "a\nb"])
def test_a_name_that_is_no_clip_id_is_told_in_one_line(tmp_path, name):
    folder = write_folder(tmp_path / "npy")
    np.save(sound_path(folder, name), sound(0))
    done = packed(folder, tmp_path / "store")
    assert done.skipped[name].reason == "no clip id"
    assert "\n" not in str(done.skipped[name])
    assert done.video_ids == ("c0", "c1", "c2")


def test_links_within_the_folder_and_the_folder_as_a_link_are_fine(tmp_path):
    folder = write_folder(tmp_path / "npy")
    sound_path(folder, "c1").rename(folder / "vggish" / "elsewhere")
    sound_path(folder, "c1").symlink_to("elsewhere")
    (folder / "res18_14x14").rename(tmp_path / "other disk")
    (folder / "res18_14x14").symlink_to(tmp_path / "other disk")
    assert len(packed(folder, tmp_path / "store").video_ids) == 3


def test_a_header_that_python_2_wrote_is_read_without_a_word(tmp_path, recwarn):
    folder = write_folder(tmp_path / "npy")
    path = sound_path(folder, "c1")
    path.write_bytes(path.read_bytes().replace(b"(60, 4), }  ", b"(60L, 4L), }"))
    assert b"60L" in path.read_bytes()
    assert packed(folder, tmp_path / "store").skipped == {}
    assert not recwarn.list


def test_a_long_header_is_read_like_a_short_one(tmp_path):
    folder = write_folder(tmp_path / "npy")
    with sound_path(folder, "c1").open("wb") as file:
        npy.write_array(file, sound(1), version=(2, 0))
    assert packed(folder, tmp_path / "store").skipped == {}


class Slow(io.BytesIO):
    """Hands out three bytes at a time, as a disk behind a network may."""

    def readinto(self, buffer):
        return super().readinto(buffer[:3])


def test_a_file_that_hands_out_a_little_at_a_time_is_read_to_its_end():
    rows = np.empty((60, 4), np.float32)
    _fill(Slow(sound(1).tobytes()), rows)
    np.testing.assert_array_equal(rows, sound(1))
    with pytest.raises(EOFError):
        _fill(Slow(sound(1).tobytes()[:-1]), rows)


def test_a_short_clip_that_is_not_finite_is_skipped_and_not_padded(tmp_path):
    folder = write_folder(tmp_path / "npy")
    np.save(sound_path(folder, "c1"), np.full((40, 4), np.nan, np.float32))
    done = packed(folder, tmp_path / "store", short="pad")
    assert (list(done.skipped), done.padded) == (["c1"], {})
    report = FeatureStore.open(tmp_path / "store").provenance["report"]
    assert report == {"skipped": {"not finite": ["c1"]}, "padded": {}, "without_features": []}


def test_what_stops_at_short_clips_still_skips_damaged_ones(tmp_path):
    folder = write_folder(tmp_path / "npy")
    os.truncate(sound_path(folder, "c1"), 300)
    assert list(packed(folder, tmp_path / "store", short="error").skipped) == ["c1"]


def test_the_commonest_reason_is_told_first_where_nothing_can_be_packed(tmp_path):
    folder = write_folder(tmp_path / "npy")
    np.save(sound_path(folder, "c0"), np.zeros((60, 4), np.int64))
    for video_id in ("c1", "c2"):
        os.truncate(sound_path(folder, video_id), 300)
    # A header of 128 bytes and 60 x 4 numbers of four.
    told = r"got none \(2 truncated, 1 not floating point: expected 1088 bytes in \S+c1\.npy"
    with pytest.raises(FeatureError, match=told):
        packed(folder, tmp_path / "store")


@pytest.mark.parametrize("empty", ["vggish", "both", "all damaged", "all not finite"])
def test_nothing_to_pack_is_one_error(tmp_path, empty):
    folder = write_folder(tmp_path / "npy")
    for path in folder.rglob("*.npy"):
        if empty == "both" or empty == "vggish" == path.parent.name:
            path.unlink()
        elif empty == "all damaged":
            os.truncate(path, 200)
        elif empty == "all not finite":
            np.save(path, np.full_like(np.load(path), np.nan))
    with pytest.raises(FeatureError, match="expected"):
        packed(folder, tmp_path / "store")
    with pytest.raises(FeatureError):
        FeatureStore.open(tmp_path / "store")


@pytest.mark.parametrize("change", ["another shape", "shrunk", "gone"])
def test_a_file_that_changes_after_the_survey_is_skipped(tmp_path, change):
    folder = write_folder(tmp_path / "npy")
    path, last = sound_path(folder, "c2"), None
    for event in pack(folder, tmp_path / "store", PackConfig(arrays=ARRAYS)):
        if isinstance(event, Survey):
            if change == "another shape":
                np.save(path, np.zeros((30, 8), np.float32))  # of the same size on disk
            elif change == "shrunk":
                os.truncate(path, 500)
            else:
                path.unlink()
        last = event
    reasons = {
        "another shape": "changed while packing",
        "shrunk": "truncated",
        "gone": "unreadable",
    }
    assert last.skipped["c2"].reason == reasons[change]
    assert last.video_ids == ("c0", "c1")
