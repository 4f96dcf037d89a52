"""Whatever bytes a clip's file holds: packed as NumPy reads them, or skipped and told."""

from __future__ import annotations

import ast
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from avqa_core.data.store import FeatureStore
from avqa_core.features.clip_files import ClipFileError, read_header
from avqa_core.features.packing import Packed
from tests.data.bits import flipped, flips
from tests.data.npy_folders import packed, picture, sound, sound_path, write_folder

seldom = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def packs_as_numpy_reads(folder: Path, out: Path) -> Packed:
    """Pack c0 and c2, whole, and c1, whatever it is; the store has what NumPy reads."""
    shutil.rmtree(out, ignore_errors=True)
    done = packed(folder, out)
    store = FeatureStore.open(out)
    for number in (0, 2):
        np.testing.assert_array_equal(store[f"c{number}"]["audio"], sound(number)[::6])
    if "c1" in store:
        array = np.load(sound_path(folder, "c1"), allow_pickle=False)
        np.testing.assert_array_equal(store["c1"]["audio"], array[:60:6].astype("<f2"))
        np.testing.assert_array_equal(store["c1"]["visual"], picture(1)[::6])
    else:
        assert "expected" in str(done.skipped["c1"])
    return done


@pytest.fixture(scope="module")
def folder(place) -> Path:
    return write_folder(place / "npy", 3)


@seldom
@given(content=st.binary(max_size=200), has_magic=st.booleans())
def test_any_bytes_as_a_clip_file_are_skipped(place, folder, content, has_magic):
    magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", 100) if has_magic else b""
    sound_path(folder, "c1").write_bytes(magic + content)
    assert list(packs_as_numpy_reads(folder, place / "packed").skipped) == ["c1"]


@seldom
@given(flip=flips)
def test_a_flipped_bit_in_the_header_of_a_clip_file(place, folder, flip):
    np.save(sound_path(folder, "c1"), sound(1))
    content = sound_path(folder, "c1").read_bytes()
    head, _ = flipped(content[:128], flip)
    sound_path(folder, "c1").write_bytes(head + content[128:])
    packs_as_numpy_reads(folder, place / "packed")


headers = st.fixed_dictionaries(
    {},
    optional={
        "descr": st.sampled_from(["<f4", "<f2", "|O", "<U4", "<i8", ">f8", "x", "", "<f4,<f4"])
        | st.integers()
        | st.lists(st.tuples(st.just("a"), st.just("<f4")), max_size=2),
        "fortran_order": st.booleans() | st.none() | st.integers(),
        "shape": st.lists(st.integers(-3, 2**70), max_size=4).map(tuple)
        | st.just((60, 4))
        | st.integers(),
        "more": st.integers(),
    },
)


@seldom
@given(header=headers | st.text(max_size=30), version=st.integers(0, 4), tail=st.binary())
def test_any_header_of_a_clip_file(place, folder, header, version, tail):
    text = (repr(header) if isinstance(header, dict) else header).encode("utf-8", "replace")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    content = b"\x93NUMPY" + bytes([version, 0]) + length + text + sound(1).tobytes() + tail
    sound_path(folder, "c1").write_bytes(content)
    packs_as_numpy_reads(folder, place / "packed")


@seldom
@given(
    array=arrays_of.arrays(
        dtype=st.sampled_from(["<f2", "<f4", ">f4", "<f8", "<i4", "?", "<c8", "<U3", "<M8[s]"]),
        shape=st.sampled_from([(60, 4), (59, 4), (54, 4), (61, 4), (60, 3), (60,), (), (60, 4, 1)]),
    ),
    is_fortran=st.booleans(),
)
def test_any_array_is_packed_as_numpy_reads_it_or_skipped(place, folder, array, is_fortran):
    np.save(sound_path(folder, "c1"), np.asfortranarray(array) if is_fortran else array)
    done = packs_as_numpy_reads(folder, place / "packed")
    with np.errstate(over="ignore", invalid="ignore"):
        fits = (
            array.dtype.kind == "f"
            and array.shape in [(60, 4), (59, 4)]
            and bool(np.isfinite(array[::6].astype("<f2")).all())
        )
    assert ("c1" in done.video_ids) == fits


@seldom
@given(text=st.text(max_size=40))
def test_header_texts_that_python_could_run_are_never_run(place, text):
    # A header is read as a literal: a call in it is an error, not an action.
    marker = place / "ran"
    code = f"__import__('pathlib').Path({str(marker)!r}).touch() or {text!r}"
    ast.parse(code)
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(code.encode())) + code.encode()
    (place / "code.npy").write_bytes(content)
    with pytest.raises(ClipFileError, match="expected"):
        read_header(place / "code.npy")
    assert not marker.exists()
