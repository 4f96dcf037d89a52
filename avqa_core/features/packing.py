"""Per-clip ``.npy`` files -> the packed store: one clip at a time, and on again after a kill.

A survey of the headers comes first (``survey.py``); then each clip's kept seconds are read, checked
and appended. What is in the store already is never read again, so the same command goes on where it
stopped, and ends with the very same bytes as if nothing had stopped it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from avqa_core.data.shards import INDEX
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.errors import FeatureError
from avqa_core.features.clip_files import ClipFile, ClipFileError
from avqa_core.features.settings import PackConfig
from avqa_core.features.survey import HeadersRead, Survey, bytes_of_rows, surveying

MADE_BY = "avqa pack"


class ClipDone(NamedTuple):
    """So many of the clips are in the store or known to be unusable."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Packed:
    """What one ``pack`` has done.

    Attributes:
        out: folder of the store.
        survey: that it began with.
        video_ids: clips of the folder that are in the store now, sorted.
        num_before: of these, how many were there before.
        skipped: clip -> why it is not in the store.
        padded: clip of the store -> its length in seconds, where the end is repeated.
        absent: array -> clips of ``video_ids`` that have none.
        outgrown: clips that were packed earlier, when the folder had fewer of their arrays.
        bytes_in: size of the files of ``video_ids``.
        bytes_out: size of their rows in the store.
    """

    out: Path
    survey: Survey
    video_ids: tuple[str, ...]
    num_before: int
    skipped: dict[str, ClipFileError]
    padded: dict[str, int]
    absent: dict[str, tuple[str, ...]]
    outgrown: tuple[str, ...]
    bytes_in: int
    bytes_out: int


def pack(
    folder: Path, out: Path, config: PackConfig, wanted: set[str] | None = None
) -> Iterator[HeadersRead | Survey | ClipDone | Packed]:
    """Pack a folder into the store ``out``, yielding progress, the survey, and at last the result.

    Only the seconds that are kept are read, so only these are checked. A clip without a file for
    an array lacks that modality; a clip with a damaged file is left out whole, since what is
    damaged is not absent.

    Raises:
        ConfigError: as in ``surveying``.
        FeatureError: nothing can be packed, ``out`` cannot be written to or holds another store,
            or the first fault, if ``config`` is strict. What is in the store stays there.
    """
    survey: Survey | None = None
    for event in surveying(folder, config, wanted):
        yield event
        if isinstance(event, Survey):
            survey = event
    assert survey is not None
    skipped, num_before = dict(survey.skipped), 0
    earlier = _earlier_report(out)
    try:
        with StoreWriter(out, survey.layout, provenance=_identity(config)) as writer:
            before = {one for one in (*survey.files, *skipped) if one in writer}
            num_before = len(before)
            for done, (video_id, files) in enumerate(survey.files.items(), start=1):
                if video_id not in before:
                    _add(writer, video_id, files, survey, skipped)
                yield ClipDone(done, len(survey.files))
            skipped = {one: error for one, error in skipped.items() if one not in writer}
            if not any(one in writer for one in (*survey.files, *survey.skipped)):
                raise _nothing_usable(folder, skipped)
            # Not part of what a store is begun with: another start may find files mended.
            writer.provenance["report"] = _joined(_report(survey, skipped), earlier, survey, writer)
    except OSError as error:  # closing a shard on a full disk fails once more, after the message
        raise FeatureError(
            f"expected to write to the feature store {out}, got {error}: mend that and start "
            "again, which goes on where this stopped"
        ) from error
    yield _result(out, survey, skipped, num_before)


def _add(
    writer: StoreWriter,
    video_id: str,
    files: dict[str, ClipFile],
    survey: Survey,
    skipped: dict[str, ClipFileError],
) -> None:
    """Append one clip, or count why not."""
    try:
        arrays = {
            name: _segments(file, survey.config).reshape(survey.layout[name])
            for name, file in files.items()
        }
    except ClipFileError as error:
        if survey.config.strict:
            raise
        skipped[video_id] = error
        return
    writer.add(video_id, arrays)


def _segments(file: ClipFile, config: PackConfig) -> np.ndarray:
    """Return the kept seconds; past the end of a short file, its last one."""
    return file.read([min(second, file.shape[0] - 1) for second in config.kept])


def _identity(config: PackConfig) -> dict[str, Any]:
    """Return what has to be the same when a store is gone on with."""
    return {
        "made_by": MADE_BY,
        "arrays": dict(config.arrays),
        "segments": config.segments,
        "seconds": config.seconds,
        "short": config.short,
    }


def _report(survey: Survey, skipped: dict[str, ClipFileError]) -> dict[str, Any]:
    """Return what the index keeps of the outcome; the same after any number of kills."""
    by_reason: dict[str, list[str]] = {}
    for video_id, error in sorted(skipped.items()):
        by_reason.setdefault(error.reason, []).append(video_id)
    return {
        "skipped": dict(sorted(by_reason.items())),
        "padded": {one: s for one, s in survey.padded.items() if one not in skipped},
        "without_features": list(survey.without_features),
    }


def _earlier_report(out: Path) -> dict[str, Any]:
    """Return what an earlier call wrote down about a store, nothing where there is none."""
    if not (out / INDEX).is_file():
        return {}
    return dict(FeatureStore.open(out).provenance.get("report", {}))


def _joined(
    report: dict[str, Any],
    earlier: dict[str, Any],
    survey: Survey,
    writer: StoreWriter,
) -> dict[str, Any]:
    """Add what an earlier call told about clips that this one has not looked for.

    The questions of one split after another may be packed into one store.
    """
    looked_for = {*survey.files, *survey.skipped, *survey.without_features}

    def still(clips: Iterable[str]) -> list[str]:
        return [one for one in clips if one not in looked_for and one not in writer]

    skipped = {reason: list(clips) for reason, clips in report["skipped"].items()}
    for reason, clips in earlier.get("skipped", {}).items():
        if lost := still(clips):
            skipped[reason] = sorted({*lost, *skipped.get(reason, ())})
    padded = {one: s for one, s in earlier.get("padded", {}).items() if one not in looked_for}
    return {
        "skipped": dict(sorted(skipped.items())),
        "padded": {**padded, **report["padded"]},
        "without_features": [
            *still(earlier.get("without_features", ())),
            *report["without_features"],
        ],
    }


def _result(
    out: Path, survey: Survey, skipped: dict[str, ClipFileError], num_before: int
) -> Packed:
    """Return what is in the finished store, as the store itself tells it."""
    store = FeatureStore.open(out)
    video_ids = tuple(sorted(one for one in (*survey.files, *survey.skipped) if one in store))
    has = {name: store.rows(name, video_ids) >= 0 for name in store.layout}
    counts = {name: int(there.sum()) for name, there in has.items()}
    return Packed(
        out=out,
        survey=survey,
        video_ids=video_ids,
        num_before=num_before,
        skipped=skipped,
        padded={one: s for one, s in survey.padded.items() if one not in skipped},
        absent={
            name: tuple(one for one, there in zip(video_ids, rows, strict=True) if not there)
            for name, rows in has.items()
        },
        outgrown=tuple(
            one
            for place, one in enumerate(video_ids)
            if any(not has[name][place] for name in survey.files.get(one, ()))
        ),
        bytes_in=survey.bytes_in(video_ids),
        bytes_out=bytes_of_rows(store.layout, counts),
    )


def _nothing_usable(folder: Path, skipped: dict[str, ClipFileError]) -> FeatureError:
    first = next(iter(skipped.values()))
    return FeatureError(
        f"expected clips that can be packed in {folder}, got none: {len(skipped)} cannot, the "
        f"first one because: {first}"
    )
