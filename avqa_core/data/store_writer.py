"""Writing a packed feature store: append, survive a kill, finish at once.

A clip counts once its line stands in ``journal.jsonl``, which is written after its rows. Whoever
opens the writer again cuts off what no journal line vouches for and goes on. ``index.json`` appears
last, by a rename: a folder without it is not a store yet.
"""

from __future__ import annotations

import json
import os
import types
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from avqa_core.data.shards import (
    DTYPE,
    FORMAT,
    INDEX,
    INDEX_CHECKSUM,
    SHARD_BYTES,
    ClipRows,
    Layout,
    Shards,
    check_clip,
    check_layout,
    check_video_id,
    checksum,
)
from avqa_core.errors import FeatureError

try:
    import fcntl
except ImportError:  # Windows has no flock; opening for exclusive writing is the user's duty there
    fcntl = None  # type: ignore[assignment]

JOURNAL = "journal.jsonl"


class StoreWriter:
    """Append clips to a store; leaving the ``with`` block without an error finishes it.

    An error, or a kill, leaves what was added in place: open the writer again, skip the clips that
    are ``in`` it, and go on. A finished store can be extended the same way.
    """

    def __init__(
        self,
        path: Path | str,
        layout: Mapping[str, tuple[int, ...]],
        *,
        provenance: Mapping[str, Any] | None = None,
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        check_layout(layout)
        self.path = Path(path)
        self.layout: Layout = {name: tuple(shape) for name, shape in layout.items()}
        self.provenance = dict(provenance or {})
        self._shards = {
            name: Shards(self.path, name, shape, _rows_per_shard(shape, shard_bytes))
            for name, shape in self.layout.items()
        }
        self._num_rows = dict.fromkeys(self.layout, 0)
        self._clips: dict[str, ClipRows] = {}
        self._files: dict[str, BinaryIO] = {}
        self._journal: BinaryIO | None = None
        self._failed = False

    def __enter__(self) -> StoreWriter:
        try:
            self._refuse_strangers()
            self.path.mkdir(parents=True, exist_ok=True)
            self._journal = (self.path / JOURNAL).open("a+b")
            _lock(self._journal, self.path)
            self._recover(self._journal)
        except OSError as error:
            self._close()
            raise self._unwritable(error) from error
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            try:
                if error is None and not self._failed:
                    self._finish()
            finally:
                self._close()
        except OSError as failure:
            # Closing writes too; what went wrong before it says more.
            if error is None:
                raise self._unwritable(failure) from failure

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._clips

    def __len__(self) -> int:
        return len(self._clips)

    def add(self, video_id: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Append one clip; a modality that it does not have is left out of ``arrays``.

        Raises:
            FeatureError: the clip is there already, or an array has an unknown name, another
                shape than the layout, or a value that is no finite float16. Nothing is written.
        """
        assert self._journal is not None, "add() belongs inside the with block"
        assert not self._failed, "add() after a failed write"
        check_video_id(video_id)
        if video_id in self._clips:
            raise FeatureError(
                f"expected a new clip, got {video_id!r}, which is in the store {self.path} "
                "already: skip the clips that are 'in' the writer"
            )
        if not arrays:
            raise FeatureError(
                f"expected at least one of {', '.join(self.layout)} for clip {video_id!r}, "
                "got none: leave the clip out"
            )
        packed = {name: self._packed(video_id, name, value) for name, value in arrays.items()}
        try:
            clip = {
                name: (self._append(name, array), checksum(array)) for name, array in packed.items()
            }
            self._note({"video_id": video_id, "arrays": clip})
        except OSError as error:
            self._failed = True  # a part of a row may be on disk: the next start cuts it off
            raise self._unwritable(error) from error
        self._clips[video_id] = clip

    def _packed(self, video_id: str, name: str, value: Any) -> np.ndarray:
        """Return ``value`` as float16 after checking it."""
        if name not in self.layout:
            raise FeatureError(
                f"expected arrays {', '.join(self.layout)}, got {name!r} for clip {video_id!r}: "
                "correct its name or the layout"
            )
        array = np.asarray(value)
        if array.shape != self.layout[name]:
            raise FeatureError(
                f"{name} feature of clip {video_id} has shape {array.shape}, expected "
                f"{self.layout[name]}: extract it again with the settings of this store"
            )
        if array.dtype.kind not in "fiu":
            raise FeatureError(
                f"{name} feature of clip {video_id} holds {array.dtype}, expected numbers: "
                "extract it again"
            )
        with np.errstate(over="ignore"):
            half = np.ascontiguousarray(array, dtype=DTYPE)
        if not np.isfinite(half).all():
            worst = array.reshape(-1)[np.flatnonzero(~np.isfinite(half.reshape(-1)))[0]]
            raise FeatureError(
                f"{name} feature of clip {video_id} contains {worst}, expected finite numbers up "
                "to 65504 (float16): check the clip, or scale the feature"
            )
        return half

    def _append(self, name: str, array: np.ndarray) -> int:
        """Write one row behind the last; return its number."""
        shards, row = self._shards[name], self._num_rows[name]
        if row % shards.rows_per_shard == 0 and name in self._files:
            _close_durably(self._files.pop(name))
        if name not in self._files:
            self._files[name] = shards.path(row // shards.rows_per_shard).open("ab")
        self._files[name].write(array.data)
        self._files[name].flush()
        self._num_rows[name] = row + 1
        return row

    def _note(self, entry: dict[str, Any]) -> None:
        assert self._journal is not None
        self._journal.write(json.dumps(entry).encode() + b"\n")
        self._journal.flush()

    def _header(self) -> dict[str, Any]:
        """Return what must be the same when a writer is opened again."""
        return {
            "format": FORMAT,
            "layout": {
                name: {
                    "shape": list(one.shape),
                    "dtype": "float16",
                    "rows_per_shard": one.rows_per_shard,
                }
                for name, one in self._shards.items()
            },
            "provenance": self.provenance,
        }

    def _refuse_strangers(self) -> None:
        """Never touch files that no journal of ours vouches for."""
        journal = self.path / JOURNAL
        if journal.exists() and journal.stat().st_size:
            return
        found = [self.path / INDEX, *(shards.path(0) for shards in self._shards.values())]
        for path in found:
            if path.exists():
                raise FeatureError(
                    f"expected {JOURNAL} beside {path}, got none: without it nothing can be added; "
                    "write to another folder"
                )

    def _unwritable(self, error: OSError) -> FeatureError:
        return FeatureError(
            f"expected to write to the feature store {self.path}, got {error}: mend that and start "
            "again, which goes on where this stopped"
        )

    def _recover(self, journal: BinaryIO) -> None:
        """Read the journal, forget a last clip that was cut short, cut files to what counts."""
        journal.seek(0)
        content = journal.read()
        whole = content[: content.rfind(b"\n") + 1]
        journal.truncate(len(whole))
        header, *clips = whole.splitlines() or [b""]
        if whole:
            self._check_header(header)
        else:
            self._note(self._header())
        for line in clips:
            self._replay(line)
        for name, shards in self._shards.items():
            _cut(shards, self._num_rows[name])

    def _check_header(self, line: bytes) -> None:
        """Refuse to go on with a store that was begun with other facts."""
        ours = json.loads(json.dumps(self._header()))
        try:
            differing = [key for key in ours if json.loads(line)[key] != ours[key]]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise self._damaged(line) from error
        if differing:
            raise FeatureError(
                f"expected the store at {self.path} to have been begun with the same "
                f"{' and '.join(differing)}, got others: write to a new folder or remove that one"
            )

    def _replay(self, line: bytes) -> None:
        """Take over one clip of the journal."""
        try:
            entry = json.loads(line)
            video_id, arrays = entry["video_id"], entry["arrays"]
            check_clip(video_id, arrays, self.layout)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise self._damaged(line) from error
        self._clips[video_id] = {name: (row, crc) for name, (row, crc) in arrays.items()}
        for name, (row, _) in arrays.items():
            self._num_rows[name] = max(self._num_rows[name], row + 1)

    def _damaged(self, line: bytes) -> FeatureError:
        return FeatureError(
            f"expected a line of {JOURNAL} in {self.path}, got {line[:60]!r}: the store is "
            "damaged; remove the folder and extract the features again"
        )

    def _finish(self) -> None:
        """Make everything durable, then let ``index.json`` appear in one go."""
        if not self._clips:
            raise FeatureError(
                f"expected at least one clip in the store {self.path}, got none: add clips"
            )
        for name in list(self._files):
            _close_durably(self._files.pop(name))
        assert self._journal is not None
        os.fsync(self._journal.fileno())
        content = json.dumps(self._header() | {"clips": self._clips}).encode() + b"\n"
        # In this order a kill leaves an index without a checksum, never with that of another.
        (self.path / INDEX_CHECKSUM).unlink(missing_ok=True)
        self._replace(INDEX, content)
        self._replace(INDEX_CHECKSUM, f"{zlib.crc32(content):08x}\n".encode())

    def _replace(self, name: str, content: bytes) -> None:
        temporary = self.path / f"{name}.{os.getpid()}.partial"
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / name)

    def _close(self) -> None:
        with ExitStack() as stack:  # all of them, also where closing one of them fails
            if self._journal is not None:
                stack.callback(self._journal.close)
            for file in self._files.values():
                stack.callback(file.close)
            self._files.clear()
            self._journal = None


def _rows_per_shard(shape: tuple[int, ...], shard_bytes: int) -> int:
    return max(1, shard_bytes // (int(np.prod(shape)) * DTYPE.itemsize))


def _lock(journal: BinaryIO, path: Path) -> None:
    """Keep a second writer out; the lock goes with the process, however it ends."""
    if fcntl is None:
        return
    try:
        fcntl.flock(journal.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise FeatureError(
            f"expected to be the only writer of the store {path}, got another one at work: wait "
            "for it or write to another folder"
        ) from error


def _cut(shards: Shards, num_rows: int) -> None:
    """Cut the shards of one array to ``num_rows`` rows.

    Raises:
        FeatureError: a shard is shorter than the journal says.
    """
    shards.check_sizes(num_rows)
    for path, rows in shards.sizes(num_rows):
        if path.stat().st_size > rows * shards.row_bytes:
            os.truncate(path, rows * shards.row_bytes)
    kept = {path for path, _ in shards.sizes(num_rows)}
    for path in shards.folder.glob(f"{shards.name}-[0-9][0-9][0-9][0-9][0-9].bin"):
        if path not in kept:
            path.unlink()


def _close_durably(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
