"""Packing that stops, for any reason, goes on and ends with the same bytes."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from avqa_core import cli
from avqa_core.data.store import FeatureStore
from avqa_core.data.store_writer import StoreWriter
from avqa_core.errors import FeatureError
from avqa_core.features.settings import ARRAYS
from tests.data.npy_folders import (
    content,
    packed,
    picture,
    picture_path,
    sound,
    sound_path,
    write_folder,
)

PATIENCE = 120.0


def test_packing_again_changes_nothing_and_other_settings_are_refused(tmp_path):
    folder = write_folder(tmp_path / "npy")
    packed(folder, tmp_path / "store")
    before = content(tmp_path / "store")
    again = packed(folder, tmp_path / "store")
    assert (again.num_before, len(again.video_ids)) == (3, 3)
    assert content(tmp_path / "store") == before
    for settings in ({"segments": 5}, {"short": "pad"}, {"arrays": ARRAYS | {"more": "vggish"}}):
        with pytest.raises(FeatureError, match="begun with the same"):
            packed(folder, tmp_path / "store", **settings)
    assert content(tmp_path / "store") == before


def test_a_store_is_not_gone_on_with_at_another_pace(tmp_path):
    folder = write_folder(tmp_path / "npy")
    packed(folder, tmp_path / "store", short="pad")
    with pytest.raises(FeatureError, match="begun with the same provenance"):
        packed(folder, tmp_path / "store", short="pad", seconds=120)


def test_a_mended_file_is_taken_along_the_next_time(tmp_path):
    folder = write_folder(tmp_path / "npy")
    np.save(sound_path(folder, "c1"), np.full((60, 4), np.nan, np.float32))
    assert list(packed(folder, tmp_path / "store").skipped) == ["c1"]
    np.save(sound_path(folder, "c1"), sound(1))
    done = packed(folder, tmp_path / "store")
    assert (done.num_before, done.skipped) == (2, {})
    store = FeatureStore.open(tmp_path / "store")
    assert store.provenance["report"]["skipped"] == {}
    np.testing.assert_array_equal(store["c1"]["audio"], sound(1)[::6])


def test_a_store_grows_by_other_questions_and_each_time_counts_its_own(tmp_path):
    folder = write_folder(tmp_path / "npy")
    packed(folder, tmp_path / "store", {"c0", "c1"})
    done = packed(folder, tmp_path / "store", {"c1", "c2"})
    assert (done.video_ids, done.num_before) == (("c1", "c2"), 1)
    assert done.bytes_in == 2 * (1088 + 2048) and done.bytes_out == 2 * (80 + 160)
    assert FeatureStore.open(tmp_path / "store").video_ids == ["c0", "c1", "c2"]
    np.save(sound_path(folder, "c9"), np.full((60, 4), np.nan, np.float32))
    before = content(tmp_path / "store")
    np.save(picture_path(folder, "c9"), picture(9))
    with pytest.raises(FeatureError, match="1 cannot"):
        packed(folder, tmp_path / "store", {"c9"})
    assert content(tmp_path / "store") == before


def test_a_clip_that_was_packed_before_its_picture_came_is_told(tmp_path):
    folder = write_folder(tmp_path / "npy")
    picture_path(folder, "c1").unlink()
    assert packed(folder, tmp_path / "store").outgrown == ()
    np.save(picture_path(folder, "c1"), picture(1))
    done = packed(folder, tmp_path / "store")
    assert done.outgrown == ("c1",)
    assert done.absent["visual"] == ("c1",)


def test_a_file_that_goes_bad_after_it_was_packed_stays_in_the_store(tmp_path):
    folder = write_folder(tmp_path / "npy")
    packed(folder, tmp_path / "store")
    os.truncate(sound_path(folder, "c1"), 300)
    done = packed(folder, tmp_path / "store")
    assert done.video_ids == ("c0", "c1", "c2")
    assert not done.skipped


@pytest.mark.parametrize("where", ["rows", "journal", "index"])
def test_a_full_disk_is_one_error_and_the_same_command_goes_on(tmp_path, monkeypatch, where):
    folder = write_folder(tmp_path / "npy")
    packed(folder, tmp_path / "whole")
    calls = 0

    def full(*_):
        nonlocal calls
        calls += 1
        if calls == 4 or where == "index":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*_)

    name = {"rows": "_append", "journal": "_note", "index": "_finish"}[where]
    real = getattr(StoreWriter, name)
    with monkeypatch.context() as patched:
        patched.setattr(StoreWriter, name, full)
        with pytest.raises(FeatureError, match="No space left"):
            packed(folder, tmp_path / "store")
    with pytest.raises(FeatureError):
        FeatureStore.open(tmp_path / "store")
    packed(folder, tmp_path / "store")
    assert content(tmp_path / "store") == content(tmp_path / "whole")


LIMITED = """
import resource, signal, sys
from avqa_core import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1501, resource.RLIM_INFINITY))
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_write_that_the_system_cuts_short_is_one_line_and_loses_nothing(tmp_path):
    pytest.importorskip("resource", reason="this system has no limits on files")
    folder = write_folder(tmp_path / "npy", 60)
    packed(folder, tmp_path / "whole")
    arguments = ["pack", str(folder), "--out", str(tmp_path / "store")]
    # -B: the limit would cut compiled modules short too, and Python would keep them as they are.
    command = [sys.executable, "-B", "-c", LIMITED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "File too large" in errors[0]
    assert "Traceback" not in done.stderr
    assert (tmp_path / "store" / "visual-00000.bin").stat().st_size > 0
    assert cli.main(arguments) == 0
    assert content(tmp_path / "store") == content(tmp_path / "whole")


def _start(folder: Path, out: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "avqa_core.cli", "pack", str(folder), "--out", str(out)]
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _kill_somewhere(process: subprocess.Popen, journal: Path, chance: random.Random) -> None:
    """Let the process pack some more clips, then kill it in the middle of whatever it does."""

    def size() -> int:
        return journal.stat().st_size if journal.exists() else 0

    deadline = time.monotonic() + PATIENCE
    target = size() + chance.randrange(1, 30_000)
    while size() < target and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_killed_packings_end_with_the_same_bytes(tmp_path):
    folder, stream = write_folder(tmp_path / "npy", 0), np.random.default_rng(0)
    num_clips = 1500
    for number in range(num_clips):
        np.save(sound_path(folder, f"{number:05d}"), stream.random((60, 128), dtype=np.float32))
        shape = (60, 16, 2, 2)
        np.save(picture_path(folder, f"{number:05d}"), stream.random(shape, dtype=np.float32))
    sound_path(folder, "00700").unlink()
    os.truncate(picture_path(folder, "00900"), 999)
    np.save(sound_path(folder, "01100"), np.full((60, 128), np.nan, np.float32))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _, said = (process := _start(folder, whole)).communicate(timeout=PATIENCE)
    assert process.returncode == 0, said.decode()
    chance, reached = random.Random(0), []
    for _ in range(4):
        _kill_somewhere(_start(folder, killed), killed / "journal.jsonl", chance)
        with pytest.raises(FeatureError, match="finished"):
            FeatureStore.open(killed)
        reached.append((killed / "journal.jsonl").read_bytes().count(b"\n") - 1)
    # Kills in the middle, and progress between them: the test is about something.
    assert len({count for count in reached if 0 < count < num_clips - 2}) >= 2, reached
    assert reached == sorted(reached)
    _, said = (process := _start(folder, killed)).communicate(timeout=PATIENCE)
    assert process.returncode == 0, said.decode()
    assert content(killed) == content(whole)
    store = FeatureStore.open(killed)
    assert len(store) == num_clips - 2 and store.verify() == []
