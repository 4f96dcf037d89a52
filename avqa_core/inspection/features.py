"""Feature stores and folders of per-clip files in lines for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avqa_core.data.annotations import read_annotations
from avqa_core.data.shards import INDEX, check_clip
from avqa_core.data.store import FeatureStore
from avqa_core.data.store_writer import JOURNAL
from avqa_core.errors import FeatureError
from avqa_core.features.clip_files import ClipFileError, read_header
from avqa_core.features.folders import listed, npy_folders
from avqa_core.features.settings import ARRAYS, PackConfig
from avqa_core.features.summary import layout_lines, named, number, size, survey_lines
from avqa_core.features.survey import survey, wanted_clips
from avqa_core.printable import printable

MOST_SHOWN = 2_000  # characters of a value: far more than any recipe of ours has
_NOT_A_CLIP = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
_Rows = dict[str, Any]  # clip -> array name -> [row, checksum], as JSON has it


def store_lines(store: FeatureStore) -> Iterator[str]:
    """Yield what a feature store holds.

    Raises:
        FeatureError: the report of its packing is damaged.
    """
    segments = " or ".join(str(one) for one in sorted({s[0] for s in store.layout.values()}))
    on_disk = sum(one.stat().st_size for one in store.path.iterdir() if one.is_file())
    yield f"features of {number(len(store), 'clip')}, {segments} segments each, {size(on_disk)}"
    yield from layout_lines(store.layout)
    yield from _unfinished_lines(store)
    yield from lacking_lines(store, store.video_ids)
    yield from _packing_lines(store)


def lacking_lines(store: FeatureStore, video_ids: Sequence[str]) -> Iterator[str]:
    """Yield which of the clips lack which array."""
    for name in store.layout:
        rows = store.rows(name, video_ids)
        if without := [one for one, row in zip(video_ids, rows, strict=True) if row < 0]:
            yield f"no {name}: {named(without)}"


def coverage_lines(store: FeatureStore, questions: Sequence[Path]) -> Iterator[str]:
    """Yield which clips of question files the store has no features of."""
    for path in questions:
        yield from covered_lines(store, {one.video_id for one in read_annotations(path)}, path.name)


def covered_lines(store: FeatureStore, video_ids: set[str], name: str) -> Iterator[str]:
    """Yield which of these clips the store has no features of, and which lack an array."""
    there = sorted(one for one in video_ids if one in store)
    if gone := sorted(video_ids.difference(there)):
        yield f"{name}: no features of {named(gone)} of {len(video_ids):,}"
    else:
        yield f"{name}: features of {'all ' if there else ''}{number(len(there), 'clip')}"
    for line in lacking_lines(store, there):
        yield f"  {line}"


def verified_lines(store: FeatureStore) -> Iterator[str]:
    """Read a store whole and yield what is damaged.

    The checksums stand in the index, so they cannot tell that the index itself was damaged: the
    journal is the second witness of which rows are whose. Clips that only wait in the journal are
    not looked at: whoever finishes the store does that.

    Raises:
        FeatureError: something is damaged.
    """
    damaged = store.verify()
    yield f"clips with other bytes than were written: {named(damaged) if damaged else 'none'}"
    differing = _differing(store)
    if differing is None:
        yield f"no {JOURNAL}: whether {INDEX} itself was damaged cannot be told"
    else:
        told = named(differing) if differing else "none"
        yield f"clips that {INDEX} and {JOURNAL} tell differently: {told}"
    if damaged or differing:
        raise FeatureError(
            f"expected an undamaged store at {store.path}, got "
            f"{number(len({*damaged, *(differing or ())}), 'damaged clip')}: copy the store again "
            "or pack the features again"
        )


def npy_lines(folder: Path, questions: Sequence[Path]) -> Iterator[str]:
    """Yield what folders of per-clip files hold and what ``avqa pack`` would do with them.

    Raises:
        AvqaError: nothing could be packed.
    """
    wanted = wanted_clips(questions) if questions else None
    yield from _npy_folder_lines(folder)
    if missing := [place for place in ARRAYS.values() if not (folder / place).is_dir()]:
        yield f"no {' and no '.join(missing)}: say what is what with avqa pack --audio, --visual"
        return
    yield "avqa pack, by the headers of the files:"
    for line in survey_lines(survey(folder, PackConfig(arrays=ARRAYS), wanted)):
        yield f"  {line}"


def _npy_folder_lines(folder: Path) -> Iterator[str]:
    """Yield for each folder how many files it has and what the first readable one holds."""
    for name in npy_folders(folder):
        files = listed(folder, name)
        yield f"{printable(name)}: {number(len(files), 'file')}, {_first(files.values())}"


def _first(paths: Any) -> str:
    for path in sorted(paths)[:20]:
        try:
            header = read_header(path)
        except ClipFileError:
            continue
        shape = " x ".join(map(str, header.shape))
        return f"{path.name} is {shape} {header.dtype}, {size(header.num_bytes)}"
    return "none of the first ones can be read"


def _packing_lines(store: FeatureStore) -> Iterator[str]:
    """Yield where the features come from, and what ``avqa pack`` had to report."""
    yield from _recipe_lines(store.recipe)
    if (report := store.provenance.get("report")) is None:
        return
    try:
        for reason, clips in report["skipped"].items():
            yield f"skipped, {printable(reason)}: {named(list(map(str, clips)))}"
        if report["padded"]:
            yield f"end repeated: {named(list(report['padded']))}"
        if report["without_features"]:
            yield f"without any file: {named(list(map(str, report['without_features'])))}"
    except (KeyError, TypeError, AttributeError) as error:
        raise FeatureError(
            f"expected a report of avqa pack in {INDEX} of {store.path}, got a damaged one "
            f"({error!r}): copy the store again"
        ) from error


def _recipe_lines(recipe: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the features are made by, one field a line."""
    for key, value in recipe.items():
        if not isinstance(value, dict) or not value:
            yield f"{printable(key)[:40]}: {_compact(value)}"
            continue
        yield f"{printable(key)[:40]}:"
        yield from (f"  {printable(name)[:40]}: {_compact(one)}" for name, one in value.items())


def _compact(value: Any) -> str:
    """Return a value in one line, fields of an object without braces."""
    if isinstance(value, dict) and value:
        told = ", ".join(f"{name} {json.dumps(one)}" for name, one in value.items())
    else:
        told = json.dumps(value)
    return printable(told if len(told) <= MOST_SHOWN else told[:MOST_SHOWN] + " ...")


def _unfinished_lines(store: FeatureStore) -> Iterator[str]:
    """Yield how many clips wait for whoever extends the store to finish."""
    try:
        noted = _noted(store)
    except FeatureError:  # the clips of the index can be read all the same
        yield f"{JOURNAL} is damaged: 'avqa inspect {store.path} --verify' says where"
        return
    if waiting := _waiting(_indexed(store.path), noted or {}):
        yield (
            f"{number(len(waiting), 'clip')} more, not counted yet: the last extraction or packing "
            "did not finish (or is still at work); repeating the same command finishes it"
        )


def _differing(store: FeatureStore) -> list[str] | None:
    """Return the clips whose rows differ between index and journal; None without a journal."""
    noted = _noted(store)
    if noted is None:
        return None
    indexed = _indexed(store.path)
    clips = {*indexed, *noted}.difference(_waiting(indexed, noted))
    return sorted(one for one in clips if indexed.get(one) != noted.get(one))


def _waiting(indexed: _Rows, noted: _Rows) -> list[str]:
    """Return the clips that were added since the index was written.

    They stand at the end of the journal and have rows behind all those of the index. Whatever else
    is in the journal alone has lost its name in the index.
    """
    last: dict[str, int] = {}
    for arrays in indexed.values():
        for name, (row, _) in arrays.items():
            last[name] = max(row, last.get(name, -1))
    waiting: list[str] = []
    for video_id, arrays in reversed(noted.items()):
        is_behind = all(row > last.get(name, -1) for name, (row, _) in arrays.items())
        if video_id in indexed or not is_behind:
            break
        waiting.append(video_id)
    return waiting


def _indexed(path: Path) -> _Rows:
    clips: _Rows = json.loads((path / INDEX).read_text(encoding="utf-8"))["clips"]
    return clips


def _noted(store: FeatureStore) -> _Rows | None:
    """Return the rows that the journal tells of each clip; None without a journal.

    A last line without its end is one that a kill cut short: it counts for nobody.

    Raises:
        FeatureError: a line is no clip.
    """
    path = store.path / JOURNAL
    if not path.is_file():
        return None
    noted: _Rows = {}
    try:
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        _, *lines = whole.split(b"\n")
        for line in lines:
            entry = json.loads(line)
            check_clip(entry["video_id"], entry["arrays"], store.layout)
            noted[entry["video_id"]] = entry["arrays"]
    except (*_NOT_A_CLIP, FeatureError) as error:
        raise FeatureError(
            f"expected a clip on every line of {path}, got {error!r}: copy the store again or pack "
            "the features again"
        ) from error
    return noted
