"""The format of a packed feature store: raw float16 shards and what counts as an index.

Reading (``store.py``) and writing (``store_writer.py``) agree here and nowhere else.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avqa_core.errors import FeatureError

FORMAT = 1
DTYPE = np.dtype("<f2")
SHARD_BYTES = 256 * 2**20
INDEX = "index.json"
# Checksum of the index, written after it: an index without one was cut off from it by a kill, or is
# older than this file, and counts.
INDEX_CHECKSUM = "index.crc32"
MOST_AXES, MOST_BYTES, MOST_ROWS = 8, 2**40, 2**40

Layout = dict[str, tuple[int, ...]]
ClipRows = dict[str, tuple[int, int]]  # array name -> (row, checksum)


@dataclass(frozen=True, slots=True)
class Shards:
    """Where the rows of one named array lie.

    Attributes:
        folder: of the store.
        name: of the array.
        shape: of one clip's array.
        rows_per_shard: how many rows a full shard holds.
    """

    folder: Path
    name: str
    shape: tuple[int, ...]
    rows_per_shard: int

    @property
    def row_bytes(self) -> int:
        """Size of one clip's array on disk."""
        return math.prod(self.shape) * DTYPE.itemsize

    def path(self, shard: int) -> Path:
        """Return the file of a shard."""
        return self.folder / f"{self.name}-{shard:05d}.bin"

    def sizes(self, num_rows: int) -> Iterator[tuple[Path, int]]:
        """Yield each file that ``num_rows`` rows need, with the rows in it."""
        for shard in range(math.ceil(num_rows / self.rows_per_shard)):
            rows = min(self.rows_per_shard, num_rows - shard * self.rows_per_shard)
            yield self.path(shard), rows

    def check_sizes(self, num_rows: int) -> None:
        """Refuse shards that are gone or shorter than ``num_rows`` rows need.

        Raises:
            FeatureError: names the file.
        """
        for path, rows in self.sizes(num_rows):
            found = path.stat().st_size if path.is_file() else 0
            if found < rows * self.row_bytes:
                raise FeatureError(
                    f"shard {path} has {found} bytes, expected {rows * self.row_bytes}: it was "
                    "truncated or lost; copy the store again or extract the features again"
                )

    def map(self, num_rows: int) -> list[np.ndarray]:
        """Memory-map the shards read-only, after ``check_sizes``."""
        self.check_sizes(num_rows)
        return [
            np.memmap(path, dtype=DTYPE, mode="r", shape=(rows, *self.shape)).view(np.ndarray)
            for path, rows in self.sizes(num_rows)
        ]


def check_index_bytes(content: bytes, path: Path) -> None:
    """Compare the bytes of an index with the checksum beside it, if there is one.

    Raises:
        FeatureError: they are others than those that were written.
    """
    try:
        expected = (path / INDEX_CHECKSUM).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return
    if expected != f"{zlib.crc32(content):08x}":
        raise FeatureError(
            f"expected the {INDEX} at {path} that was written, got other bytes: copy the store "
            f"again, with its {INDEX_CHECKSUM}, or extract the features again"
        )


def checksum(array: np.ndarray) -> int:
    """Return the CRC-32 of an array's bytes."""
    return zlib.crc32(np.ascontiguousarray(array).data)


def check_video_id(video_id: Any) -> None:
    """Refuse a clip name that could not be a file name everywhere, such as ``../x``.

    Raises:
        FeatureError: says what a name may contain.
    """
    if not isinstance(video_id, str) or not re.fullmatch(r"[A-Za-z0-9_-][\w.-]{0,199}", video_id):
        raise FeatureError(
            f"expected a clip id of letters, digits, '_', '-' and '.', got {repr(video_id)[:80]}: "
            "rename the clip"
        )


def check_clip(video_id: Any, arrays: Mapping[str, Any], layout: Mapping[str, Any]) -> None:
    """Refuse what cannot be the place of a clip in the shards.

    Raises:
        FeatureError: the clip's id cannot be one.
        ValueError: its rows cannot be such; also TypeError and AttributeError.
    """
    check_video_id(video_id)
    for name, (row, crc) in arrays.items():
        is_place = type(row) is int and 0 <= row < MOST_ROWS
        if name not in layout or not is_place or type(crc) is not int:
            raise ValueError(f"clip {video_id!r} with {arrays}")


def check_layout(layout: Mapping[str, Sequence[int]]) -> None:
    """Refuse a layout that is empty or names arrays or sizes that no file could have.

    Raises:
        FeatureError: names the array.
    """
    if not layout:
        raise FeatureError("expected at least one named array in the layout, got none: name one")
    for name, shape in layout.items():
        sizes_fit = (
            0 < len(shape) <= MOST_AXES
            and all(type(size) is int and 0 < size < 2**31 for size in shape)
            and math.prod(shape) * DTYPE.itemsize <= MOST_BYTES
        )
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name) or not sizes_fit:
            raise FeatureError(
                f"expected arrays like 'audio' with positive sizes, got {name[:80]!r} with "
                f"{tuple(shape)}: correct the layout"
            )


def check_index(index: Any, path: Path) -> None:
    """Refuse an index that this program did not write.

    Raises:
        FeatureError: the format is another, or a part of it is damaged.
    """
    try:
        if index["format"] != FORMAT:
            raise FeatureError(
                f"expected a feature store of format {FORMAT} at {path}, got format "
                f"{index['format']!r}: extract the features again with this version"
            )
        layout = index["layout"]
        check_layout({name: one["shape"] for name, one in layout.items()})
        for one in layout.values():
            if one["dtype"] != "float16" or type(one["rows_per_shard"]) is not int:
                raise ValueError(f"an array of {one['dtype']!r}")
            if not 1 <= one["rows_per_shard"] <= MOST_ROWS:
                raise ValueError(f"rows_per_shard {one['rows_per_shard']}")
        dict.items(index["provenance"])
        for video_id, arrays in index["clips"].items():
            check_clip(video_id, arrays, layout)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FeatureError(
            f"expected an undamaged {INDEX} at {path}, got a bad part ({error}): copy the store "
            "again or extract the features again"
        ) from error
