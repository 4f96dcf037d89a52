"""Packed features: float16 shards, memory-mapped, and one ``index.json``.

Each named array has its own shards (``visual-00000.bin``: raw little-endian float16, one row a
clip), so a clip without sound simply has no audio row, and reading one frame of a clip reads one
frame. Rows are only ever appended; ``index.json`` is what makes them count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from avqa_core.data.shards import (
    DTYPE,
    INDEX,
    ClipRows,
    Layout,
    Shards,
    check_index,
    check_index_bytes,
    checksum,
)
from avqa_core.data.store_writer import StoreWriter
from avqa_core.errors import FeatureError

__all__ = ["FeatureStore", "StoreWriter"]


class FeatureStore:
    """Features of many clips; ``store[video_id]`` gives views on the file, not copies."""

    def __init__(self, path: Path | str, shards: Mapping[str, Shards], index: dict[str, Any]):
        self.path = Path(path)
        self.layout: Layout = {name: one.shape for name, one in shards.items()}
        self.provenance: dict[str, Any] = index["provenance"]
        self._clips: dict[str, ClipRows] = {
            video_id: {name: (row, crc) for name, (row, crc) in arrays.items()}
            for video_id, arrays in index["clips"].items()
        }
        self._shards = dict(shards)
        self._maps = {name: one.map(self._num_rows(name)) for name, one in shards.items()}

    @classmethod
    def open(cls, path: Path | str) -> FeatureStore:
        """Open a finished store.

        Raises:
            FeatureError: no finished store there, or its index or a shard is damaged.
        """
        path = Path(path)
        try:
            content = (path / INDEX).read_bytes()
            check_index_bytes(content, path)
            index = json.loads(content)
        except (OSError, ValueError, RecursionError) as error:
            raise FeatureError(
                f"expected a finished feature store at {path}, got {error}: check the path, or "
                "finish the extraction, which goes on where it stopped"
            ) from error
        check_index(index, path)
        layout = {name: tuple(one["shape"]) for name, one in index["layout"].items()}
        shards = {
            name: Shards(path, name, shape, index["layout"][name]["rows_per_shard"])
            for name, shape in layout.items()
        }
        return cls(path, shards, index)

    @property
    def video_ids(self) -> list[str]:
        """The clips of the store, in the order in which they were added."""
        return list(self._clips)

    @property
    def recipe(self) -> dict[str, Any]:
        """What features of any clip are made by: the provenance without a making's report."""
        return {name: value for name, value in self.provenance.items() if name != "report"}

    def __getitem__(self, video_id: str) -> dict[str, np.ndarray]:
        """Return read-only views of a clip's arrays; an absent modality has no array.

        Raises:
            FeatureError: the store has no such clip.
        """
        return {name: self._row(name, row) for name, (row, _) in self._clip(video_id).items()}

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._clips

    def __iter__(self) -> Iterator[str]:
        return iter(self._clips)

    def __len__(self) -> int:
        return len(self._clips)

    def __reduce__(self) -> tuple[Any, ...]:
        # A store sent to another process is opened there; its maps would travel as copies.
        return FeatureStore.open, (self.path,)

    def rows(self, name: str, video_ids: Sequence[str]) -> Int[np.ndarray, " clips"]:
        """Return the row of each clip in the array ``name``, -1 where the clip has none.

        Raises:
            FeatureError: the store has no such clip.
        """
        found = [self._clip(video_id).get(name, (-1, 0))[0] for video_id in video_ids]
        return np.array(found, dtype=np.int64)

    def gather(
        self,
        name: str,
        rows: Int[np.ndarray, " n"],
        segments: Int[np.ndarray, " n"] | None = None,
    ) -> np.ndarray:
        """Copy rows of the array ``name`` into one float16 array ``[n, ...]``; row -1 gives zeros.

        Args:
            name: of the array.
            rows: as ``rows`` returns them.
            segments: read this one segment (index on the first axis) of each row instead of all.
        """
        shard_of, row_of = np.divmod(rows, self._shards[name].rows_per_shard)
        used = np.unique(shard_of)
        if len(used) == 1 and used[0] >= 0:  # the common case takes one copy less
            return self._maps[name][used[0]][row_of if segments is None else (row_of, segments)]
        shape = self.layout[name] if segments is None else self.layout[name][1:]
        gathered = np.zeros((len(rows), *shape), dtype=DTYPE)
        for shard in used[used >= 0]:
            here = np.flatnonzero(shard_of == shard)
            key = row_of[here] if segments is None else (row_of[here], segments[here])
            gathered[here] = self._maps[name][shard][key]
        return gathered

    def verify(self) -> list[str]:
        """Return the clips whose bytes on disk are no longer those that were written.

        Reads the whole store; opening one only compares sizes.
        """
        return [
            video_id
            for video_id, arrays in self._clips.items()
            if any(checksum(self._row(name, row)) != crc for name, (row, crc) in arrays.items())
        ]

    def _clip(self, video_id: str) -> ClipRows:
        if video_id not in self._clips:
            raise FeatureError(
                f"expected clip {video_id[:80]!r} in the feature store {self.path} of "
                f"{len(self)} clips, got no such clip: extract its features"
            )
        return self._clips[video_id]

    def _row(self, name: str, row: int) -> np.ndarray:
        shard, place = divmod(row, self._shards[name].rows_per_shard)
        return self._maps[name][shard][place]

    def _num_rows(self, name: str) -> int:
        return 1 + max((clip[name][0] for clip in self._clips.values() if name in clip), default=-1)
