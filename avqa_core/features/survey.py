"""What a folder of per-clip ``.npy`` files holds, told from headers alone: minutes for 200 GB.

The survey decides everything that does not depend on the numbers themselves: the layout of the
store, which clips are packed and which are passed over, and why. ``avqa pack`` starts with one, and
``avqa inspect`` shows one as a dry run.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from avqa_core.data.annotations import read_annotations
from avqa_core.data.shards import DTYPE, Layout, check_layout, check_video_id
from avqa_core.errors import ConfigError, FeatureError
from avqa_core.features.clip_files import ClipFile, ClipFileError, read_header
from avqa_core.features.folders import listed
from avqa_core.features.settings import TOO_SHORT, PackConfig
from avqa_core.printable import printable


class HeadersRead(NamedTuple):
    """So many of the clips have been looked at."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What can be packed, and what not.

    Attributes:
        folder: that was looked at.
        config: it was looked at with.
        layout: array -> shape of one clip in the store.
        files: clip -> array -> its file, for every clip whose headers are in order, sorted.
        skipped: clip -> why it cannot be packed.
        padded: clip -> its shortest length in seconds, where the end is repeated.
        num_shorter: clips with fewer than all seconds, but with every second that is kept.
        without_features: clips that were asked for and have no file at all.
    """

    folder: Path
    config: PackConfig
    layout: Layout
    files: dict[str, dict[str, ClipFile]]
    skipped: dict[str, ClipFileError]
    padded: dict[str, int]
    num_shorter: int
    without_features: tuple[str, ...]

    def bytes_in(self, video_ids: Iterable[str]) -> int:
        """Size of the files of these clips."""
        return sum(file.num_bytes for one in video_ids for file in self.files.get(one, {}).values())

    @property
    def bytes_out(self) -> int:
        """Size of the shards that all packable clips fill."""
        counts = Counter(name for files in self.files.values() for name in files)
        return bytes_of_rows(self.layout, counts)


def bytes_of_rows(layout: Layout, counts: Mapping[str, int]) -> int:
    """Return the size of so many rows of each array of a store."""
    return DTYPE.itemsize * sum(math.prod(layout[name]) * count for name, count in counts.items())


def wanted_clips(questions: Iterable[Path]) -> set[str]:
    """Return the clips that question files ask about.

    Raises:
        AnnotationError: a file is unreadable or malformed.
    """
    return {example.video_id for path in questions for example in read_annotations(path)}


def survey(folder: Path, config: PackConfig, wanted: set[str] | None = None) -> Survey:
    """Look at the headers of all files at once; see ``surveying``."""
    *_, last = surveying(folder, config, wanted)
    assert isinstance(last, Survey)
    return last


def surveying(
    folder: Path, config: PackConfig, wanted: set[str] | None = None
) -> Iterator[HeadersRead | Survey]:
    """Yield how far the survey is, and at last the survey.

    The shape of a second of each array is the one that most files have.

    Args:
        folder: with the subfolders of ``config.arrays``.
        config: what to expect.
        wanted: look only at these clips.

    Raises:
        ConfigError: a subfolder is not there, or its arrays fit no backbone.
        FeatureError: no clip can be packed; or the first fault, if ``config`` is strict.
    """
    paths_of = {name: listed(folder, place) for name, place in config.arrays.items()}
    found = sorted(set().union(*paths_of.values()))
    video_ids = found if wanted is None else [one for one in found if one in wanted]
    headers: dict[str, dict[str, ClipFile]] = {}
    skipped: dict[str, ClipFileError] = {}
    roots = {name: (folder / place).resolve() for name, place in config.arrays.items()}
    for done, video_id in enumerate(video_ids, start=1):
        paths = {name: paths[video_id] for name, paths in paths_of.items() if video_id in paths}
        try:
            headers[video_id] = _headers(video_id, paths, roots)
        except ClipFileError as error:
            _skip(video_id, error, skipped, config)
        yield HeadersRead(done, len(video_ids))
    without = tuple(sorted((wanted or set()) - set(found)))
    if without and config.strict:
        raise FeatureError(
            f"expected files of all {len(wanted or ())} clips of the questions in {folder}, got "
            f"none for {len(without)}, the first being {printable(without[0])[:80]}: extract their "
            "features, or leave --strict away"
        )
    yield _judged(folder, config, headers, skipped, without)


def _judged(
    folder: Path,
    config: PackConfig,
    headers: dict[str, dict[str, ClipFile]],
    skipped: dict[str, ClipFileError],
    without: tuple[str, ...],
) -> Survey:
    """Compare every clip with what most clips look like."""
    layout, rests = _layout(folder, config, headers, skipped, without)
    files: dict[str, dict[str, ClipFile]] = {}
    padded: dict[str, int] = {}
    num_shorter = 0
    for video_id, clip in headers.items():
        try:
            for name, file in clip.items():
                _check_shape(name, file, rests[name], config)
        except ClipFileError as error:
            _skip(video_id, error, skipped, config)
            continue
        files[video_id] = clip
        length = min(file.shape[0] for file in clip.values())
        if length <= config.kept[-1]:
            padded[video_id] = length
        elif length < config.seconds:
            num_shorter += 1
    if not files:
        raise _nothing(folder, skipped, without)
    return Survey(folder, config, layout, files, skipped, padded, num_shorter, without)


def _layout(
    folder: Path,
    config: PackConfig,
    headers: dict[str, dict[str, ClipFile]],
    skipped: dict[str, ClipFileError],
    without: tuple[str, ...],
) -> tuple[Layout, dict[str, tuple[int, ...]]]:
    """Return the layout of the store, and the shape of one second in the files."""
    if not headers:
        raise _nothing(folder, skipped, without)
    rests: dict[str, tuple[int, ...]] = {}
    for name, place in config.arrays.items():
        counts = Counter(clip[name].shape[1:] for clip in headers.values() if name in clip)
        if not counts:
            raise FeatureError(
                f"expected {name} of at least one clip in {folder / place}, got none that can be "
                f"read{_told(skipped)}: look at the files"
            )
        # The smaller shape of two equally frequent ones, so that a survey never depends on order.
        rests[name] = min(counts, key=lambda rest: (-counts[rest], rest))
    layout = {name: (config.segments, *_stored(name, rest)) for name, rest in rests.items()}
    check_layout(layout)
    return layout, rests


def _stored(name: str, rest: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of one segment in the store for the shape of one second in the files."""
    if name == "visual" and len(rest) == 1:
        return (*rest, 1, 1)
    expected = {"audio": (1,), "visual": (1, 3)}.get(name)
    if expected is not None and len(rest) not in expected:
        raise ConfigError(
            f"pack: expected audio as [seconds, width] and visual as [seconds, channels, height, "
            f"width] or [seconds, channels], got {name} with {rest or 'one number'} a second: "
            "name another folder, or take this one along with --extra NAME=FOLDER"
        )
    return rest


def _check_shape(name: str, file: ClipFile, rest: tuple[int, ...], config: PackConfig) -> None:
    length = file.shape[0]
    if file.shape[1:] != rest:
        raise ClipFileError(
            "other shape",
            f"expected {name} of shape {rest} a second in {file.path}, as most clips have it, got "
            f"{file.shape[1:]}: extract the clip again",
        )
    if length > config.seconds:
        raise ClipFileError(
            "too long",
            f"expected at most {config.seconds} seconds in {file.path}, got {length}: extract "
            "the clip again at one row a second, or say --seconds if all clips are longer",
        )
    if length <= config.kept[-1] and config.short != "pad":
        raise ClipFileError(
            TOO_SHORT,
            f"expected at least {config.kept[-1] + 1} of {config.seconds} seconds in {file.path}, "
            f"got {length}: extract the clip again, or repeat its last second with --short pad",
        )


def _skip(
    video_id: str, error: ClipFileError, skipped: dict[str, ClipFileError], config: PackConfig
) -> None:
    """Count a clip that cannot be packed, or stop."""
    if config.strict or (config.short == "error" and error.reason == TOO_SHORT):
        raise error
    skipped[video_id] = error


def _headers(
    video_id: str, paths: Mapping[str, Path], roots: Mapping[str, Path]
) -> dict[str, ClipFile]:
    try:
        check_video_id(video_id)
    except FeatureError as error:
        raise ClipFileError("no clip id", str(error)) from error
    return {name: read_header(path, roots[name]) for name, path in paths.items()}


def _nothing(
    folder: Path, skipped: Mapping[str, ClipFileError], without: tuple[str, ...]
) -> FeatureError:
    asked = f", {len(without)} of the questions' clips have no file" if without else ""
    return FeatureError(
        f"expected clips that can be packed in {folder}, got none{_told(skipped)}{asked}: look at "
        "the files, or choose other folders, --seconds or --short"
    )


def _told(skipped: Mapping[str, ClipFileError]) -> str:
    """Return what kept clips out, the commonest reason first and with its first case in full."""
    if not skipped:
        return ""
    counts = Counter(error.reason for error in skipped.values())
    reasons = sorted(counts, key=lambda reason: (-counts[reason], reason))
    listed = ", ".join(f"{counts[reason]} {reason}" for reason in reasons)
    first = next(error for error in skipped.values() if error.reason == reasons[0])
    return f" ({listed}: {first})"
