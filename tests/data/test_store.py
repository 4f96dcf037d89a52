from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.errors import FeatureError
from tests.data.samples import LAYOUT, make_clip, write_store


def assert_same(got, expected):
    assert set(got) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array)


def test_what_was_written_is_read(tmp_path):
    store = FeatureStore.open(write_store(tmp_path))
    assert store.video_ids == ["c0", "c1", "c2", "c3", "c4"]
    assert store.layout == LAYOUT
    assert len(store) == 5
    assert "c4" in store
    assert "c5" not in store
    for number in range(5):
        assert_same(store[f"c{number}"], make_clip(number))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "audio-00000.bin",
        "audio-00001.bin",
        "index.crc32",
        "index.json",
        "journal.jsonl",
        "visual-00000.bin",
        "visual-00001.bin",
        "visual-00002.bin",
    ]
    assert (tmp_path / "visual-00002.bin").stat().st_size == 48  # 24 float16 values: c4 alone


def test_reading_is_a_view_on_the_file_that_nobody_can_write_to(tmp_path):
    store = FeatureStore.open(write_store(tmp_path))
    first, again = store["c3"]["visual"], store["c3"]["visual"]
    assert np.shares_memory(first, again)
    assert first.dtype == np.float16
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


@pytest.mark.parametrize("rows_per_shard", [1, 2, 5, 100])
def test_gathering_crosses_shards_and_gives_zeros_for_row_minus_one(tmp_path, rows_per_shard):
    store = FeatureStore.open(write_store(tmp_path, rows_per_shard=rows_per_shard))
    clips = ["c4", "c0", "c3", "c0"]
    rows = store.rows("visual", clips)
    np.testing.assert_array_equal(
        store.gather("visual", rows), [make_clip(int(clip[1]))["visual"] for clip in clips]
    )
    rows[2] = -1
    frames = store.gather("visual", rows, np.array([2, 0, 1, 1]))
    expected = np.stack(
        [
            make_clip(4)["visual"][2],
            make_clip(0)["visual"][0],
            np.zeros((2, 2, 2)),
            make_clip(0)["visual"][1],
        ]
    )
    np.testing.assert_array_equal(frames, expected)
    assert not store.gather("visual", np.array([-1, -1])).any()


def test_a_store_travels_to_another_process_as_its_path(tmp_path):
    store = pickle.loads(pickle.dumps(FeatureStore.open(write_store(tmp_path))))
    assert_same(store["c2"], make_clip(2))
    assert len(pickle.dumps(store)) < 1000


def test_a_clip_may_lack_a_modality(tmp_path):
    with StoreWriter(tmp_path, LAYOUT) as writer:
        writer.add("silent", {"visual": make_clip(1)["visual"]})
        writer.add("both", make_clip(2))
        writer.add("dark", {"audio": make_clip(3)["audio"]})
    store = FeatureStore.open(tmp_path)
    assert_same(store["silent"], {"visual": make_clip(1)["visual"]})
    assert_same(store["both"], make_clip(2))
    assert_same(store["dark"], {"audio": make_clip(3)["audio"]})
    assert store.rows("audio", ["silent", "both", "dark"]).tolist() == [-1, 0, 1]


def test_a_missing_clip_is_an_error_that_names_it(tmp_path):
    store = FeatureStore.open(write_store(tmp_path))
    with pytest.raises(FeatureError, match=r"'\.\./x'.*no such clip"):
        store["../x"]
    with pytest.raises(FeatureError, match=r"'c9'.*no such clip"):
        store.rows("audio", ["c0", "c9"])


def test_provenance_is_kept(tmp_path):
    with StoreWriter(tmp_path, LAYOUT, provenance={"seed": 3, "by": "a test"}) as writer:
        writer.add("c0", make_clip(0))
    assert FeatureStore.open(tmp_path).provenance == {"seed": 3, "by": "a test"}


def test_a_flipped_byte_is_found_and_the_clip_named(tmp_path):
    store = FeatureStore.open(write_store(tmp_path))
    assert store.verify() == []
    with (tmp_path / "visual-00001.bin").open("r+b") as file:
        file.seek(48 + 7)  # the second row of the second shard is clip c3
        file.write(b"\x55")
    assert FeatureStore.open(tmp_path).verify() == ["c3"]


@pytest.mark.parametrize("damage", ["truncate", "remove"])
def test_a_damaged_shard_is_an_error_when_the_store_is_opened(tmp_path, damage):
    shard = write_store(tmp_path) / "visual-00001.bin"
    if damage == "truncate":
        os.truncate(shard, 95)
    else:
        shard.unlink()
    with pytest.raises(FeatureError, match=r"visual-00001\.bin has (95|0) bytes, expected 96"):
        FeatureStore.open(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("layout", {}),
        ("layout", {"audio": {"shape": [3, -4], "dtype": "float16", "rows_per_shard": 1}}),
        ("layout", {"audio": {"shape": [3, 4], "dtype": "float32", "rows_per_shard": 1}}),
        ("layout", {"audio": {"shape": [3, 4], "dtype": "float16", "rows_per_shard": 0}}),
        ("layout", {"../audio": {"shape": [3, 4], "dtype": "float16", "rows_per_shard": 1}}),
        ("layout", [1]),
        ("clips", {"c0": {"audio": [0]}}),
        ("clips", {"c0": {"audio": ["0", 1]}}),
        ("clips", {"c0": {"audio": [-1, 1]}}),
        ("clips", {"c0": {"smell": [0, 1]}}),
        ("clips", {"../c0": {"audio": [0, 1]}}),
        ("clips", []),
        ("provenance", None),
    ],
)
def test_a_damaged_index_is_one_error(tmp_path, key, value):
    path = write_store(tmp_path) / "index.json"
    (tmp_path / "index.crc32").unlink()  # it would find any of these, and hide what is tested
    index = json.loads(path.read_text())
    path.write_text(json.dumps(index | {key: value}))
    with pytest.raises(FeatureError, match="expected"):
        FeatureStore.open(tmp_path)
    del index[key]
    path.write_text(json.dumps(index))
    with pytest.raises(FeatureError, match="undamaged"):
        FeatureStore.open(tmp_path)


def test_one_flipped_byte_of_an_index_is_an_error(tmp_path):
    path = write_store(tmp_path) / "index.json"
    index = path.read_text()
    path.write_text(index.replace('"c1"', '"c0"'))
    with pytest.raises(FeatureError, match="got other bytes"):
        FeatureStore.open(tmp_path)
    path.write_text(index)
    assert len(FeatureStore.open(tmp_path)) == 5


def test_a_store_that_grows_has_the_checksum_of_its_new_index(tmp_path):
    write_store(tmp_path)
    before = (tmp_path / "index.crc32").read_text()
    with StoreWriter(tmp_path, LAYOUT, shard_bytes=2 * 48) as writer:
        writer.add("c9", make_clip(9))
    assert (tmp_path / "index.crc32").read_text() != before
    assert "c9" in FeatureStore.open(tmp_path)


def test_an_index_without_a_checksum_counts(tmp_path):
    (write_store(tmp_path) / "index.crc32").unlink()
    assert len(FeatureStore.open(tmp_path)) == 5


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"3", b"\xff"])
def test_no_index_no_store(tmp_path, content):
    if content is not None:
        (tmp_path / "index.json").write_bytes(content)
    with pytest.raises(FeatureError, match="expected"):
        FeatureStore.open(tmp_path)


@pytest.mark.parametrize(
    ("video_id", "arrays", "says"),
    [
        ("../x", make_clip(0), "clip id"),
        ("a/b", make_clip(0), "clip id"),
        ("", make_clip(0), "clip id"),
        (".hidden", make_clip(0), "clip id"),
        ("x" * 300, make_clip(0), "clip id"),
        ("c0", make_clip(0), "already"),
        ("c9", {}, "at least one"),
        ("c9", make_clip(0) | {"smell": np.zeros(3)}, "'smell'"),
        ("c9", make_clip(0) | {"audio": np.zeros((4, 4))}, r"clip c9 has shape \(4, 4\)"),
        ("c9", make_clip(0) | {"audio": np.full((3, 4), np.nan)}, "clip c9 contains nan"),
        ("c9", make_clip(0) | {"visual": np.full((3, 2, 2, 2), 7e4)}, "contains 70000.0"),
        ("c9", make_clip(0) | {"audio": np.full((3, 4), "x")}, "expected numbers"),
    ],
)
def test_a_bad_clip_is_refused_and_nothing_is_written(tmp_path, video_id, arrays, says):
    with StoreWriter(tmp_path, LAYOUT) as writer:
        writer.add("c0", make_clip(0))
        sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
        with pytest.raises(FeatureError, match=says):
            writer.add(video_id, arrays)
        assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == sizes
        writer.add("c1", make_clip(1))
    store = FeatureStore.open(tmp_path)
    assert_same(store["c1"], make_clip(1))
    assert len(store) == 2


def test_an_error_inside_the_block_leaves_no_index_and_loses_nothing(tmp_path):
    with pytest.raises(RuntimeError), StoreWriter(tmp_path, LAYOUT) as writer:
        writer.add("c0", make_clip(0))
        raise RuntimeError
    with pytest.raises(FeatureError, match="finish the extraction"):
        FeatureStore.open(tmp_path)
    with StoreWriter(tmp_path, LAYOUT) as writer:
        assert "c0" in writer
        writer.add("c1", make_clip(1))
    store = FeatureStore.open(tmp_path)
    assert_same(store["c0"], make_clip(0))
    assert_same(store["c1"], make_clip(1))


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_torn_end_is_cut_off(tmp_path, cut):
    path = write_store(tmp_path, num_clips=3)
    (path / "index.json").unlink()
    os.truncate(path / "journal.jsonl", (path / "journal.jsonl").stat().st_size - cut)
    with (path / "visual-00001.bin").open("ab") as file:
        file.write(b"half a row")
    with StoreWriter(path, LAYOUT, shard_bytes=96) as writer:
        assert len(writer) == 2
        assert "c2" not in writer
        writer.add("c2", make_clip(7))
    store = FeatureStore.open(path)
    assert store.verify() == []
    assert_same(store["c2"], make_clip(7))
    with StoreWriter(path, LAYOUT, shard_bytes=96) as writer:
        assert len(writer) == 3  # the journal is whole again


KILLED = """
import os, sys
import numpy as np
from avqa_core.data.store import StoreWriter
with StoreWriter(sys.argv[1], {"audio": (3, 4)}, shard_bytes=96) as writer:
    start = len(writer)
    for number in range(start, 9):
        if number == start + 3:
            writer._append("audio", np.zeros((3, 4), np.float16))  # a clip half written
            os.kill(os.getpid(), 9)
        writer.add(f"c{number}", {"audio": np.full((3, 4), number)})
"""


def test_a_killed_writer_goes_on_where_it_stopped(tmp_path):
    codes = []
    while not codes or codes[-1]:
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        codes.append(subprocess.run(command, check=False, timeout=60).returncode)
        assert len(codes) < 9
    assert codes == [-9, -9, 0]
    store = FeatureStore.open(tmp_path)
    assert store.video_ids == [f"c{number}" for number in range(9)]
    assert store.verify() == []
    for number in range(9):
        assert_same(store[f"c{number}"], {"audio": np.full((3, 4), number)})


def test_a_finished_store_can_be_extended_while_it_is_read(tmp_path):
    before = FeatureStore.open(write_store(tmp_path, num_clips=3))
    with StoreWriter(tmp_path, LAYOUT, shard_bytes=96) as writer:
        writer.add("c3", make_clip(3))
        assert_same(FeatureStore.open(tmp_path)["c2"], make_clip(2))
    assert_same(before["c2"], make_clip(2))
    assert FeatureStore.open(tmp_path).video_ids == ["c0", "c1", "c2", "c3"]


def test_going_on_with_other_facts_is_refused(tmp_path):
    write_store(tmp_path, num_clips=2)
    untouched = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for layout, options in (
        (LAYOUT | {"audio": (3, 5)}, {"shard_bytes": 96}),
        (LAYOUT, {"shard_bytes": 200}),
        (LAYOUT, {"shard_bytes": 96, "provenance": {"seed": 1}}),
    ):
        with (
            pytest.raises(FeatureError, match="begun with the same"),
            StoreWriter(tmp_path, layout, **options),
        ):
            pass
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == untouched


def test_files_that_no_journal_vouches_for_are_left_alone(tmp_path):
    write_store(tmp_path, num_clips=2)
    (tmp_path / "journal.jsonl").unlink()
    untouched = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(2):
        with pytest.raises(FeatureError, match="another folder"), StoreWriter(tmp_path, LAYOUT):
            pass
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == untouched
        (tmp_path / "index.json").unlink(missing_ok=True)
        untouched.pop("index.json", None)


@pytest.mark.parametrize("line", [b"{}", b"7", b'"format"', b'{"video_id": "c1", "arrays": 3}'])
def test_a_damaged_journal_is_one_error(tmp_path, line):
    write_store(tmp_path, num_clips=2)
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with (
        pytest.raises(FeatureError, match="damaged"),
        StoreWriter(tmp_path, LAYOUT, shard_bytes=96),
    ):
        pass


def test_there_is_one_writer_at_a_time(tmp_path):
    pytest.importorskip("fcntl", reason="this system has no file locks")
    with StoreWriter(tmp_path, LAYOUT) as writer:
        writer.add("c0", make_clip(0))
        with pytest.raises(FeatureError, match="only writer"), StoreWriter(tmp_path, LAYOUT):
            pass


def test_a_place_that_cannot_be_written_to_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(FeatureError, match="expected to write"),
        StoreWriter(tmp_path / "file" / "store", LAYOUT),
    ):
        pass


def test_a_full_disk_is_one_error_and_loses_nothing(tmp_path, monkeypatch):
    def full(array):
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(FeatureError, match="No space left"),
        StoreWriter(tmp_path, LAYOUT) as writer,
    ):
        writer.add("c0", make_clip(0))
        monkeypatch.setattr(writer, "_note", full)
        writer.add("c1", make_clip(1))
    with StoreWriter(tmp_path, LAYOUT) as writer:
        assert len(writer) == 1
        writer.add("c1", make_clip(1))
    assert FeatureStore.open(tmp_path).verify() == []


@pytest.mark.parametrize(
    "layout", [{}, {"audio": ()}, {"audio": (0, 3)}, {"a/b": (3,)}, {"Audio": (3,)}]
)
def test_an_impossible_layout_is_refused(tmp_path, layout):
    with pytest.raises(FeatureError, match="expected"):
        StoreWriter(tmp_path, layout)


def test_an_empty_store_is_refused(tmp_path):
    with pytest.raises(FeatureError, match="at least one clip"), StoreWriter(tmp_path, LAYOUT):
        pass
