"""Surveys and packings in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from avqa_core.data.shards import Layout
from avqa_core.features.clip_files import ClipFileError
from avqa_core.features.packing import Packed
from avqa_core.features.survey import Survey
from avqa_core.printable import printable

_UNITS = ("B", "kB", "MB", "GB", "TB")
NUM_NAMED = 3  # clips that a line names; the store's index has them all


def survey_lines(survey: Survey) -> Iterator[str]:
    """Yield what a packing would do."""
    config = survey.config
    kept = f"{config.segments} of {config.seconds} seconds, one in {config.kept.step}"
    yield f"{number(len(survey.files), 'clip')} to pack, {kept}"
    yield from layout_lines(survey.layout)
    for name, place in config.arrays.items():
        without = [one for one, files in survey.files.items() if name not in files]
        if without:
            yield f"no {name} (no file in {printable(place)}): {named(without)}"
    yield from _trouble(survey, survey.skipped, survey.padded)
    read, written = survey.bytes_in(survey.files), survey.bytes_out
    yield f"{size(read)} of files, {size(written)} in a store: {read / written:.1f} times smaller"


def packed_lines(packed: Packed) -> Iterator[str]:
    """Yield what a packing has done."""
    before = f", {packed.num_before:,} of them before" if packed.num_before else ""
    yield f"{number(len(packed.video_ids), 'clip')} in {packed.out}{before}"
    yield from layout_lines(packed.survey.layout)
    for name, without in packed.absent.items():
        if without:
            yield f"no {name}: {named(without)}"
    yield from _trouble(packed.survey, packed.skipped, packed.padded)
    if packed.outgrown:
        yield (
            f"packed earlier with fewer files than there are now: {named(packed.outgrown)}; pack "
            "into a new folder to take the others along"
        )
    read, written = packed.bytes_in, packed.bytes_out
    yield f"{size(read)} in, {size(written)} out: {read / written:.1f} times smaller"


def layout_lines(layout: Layout) -> Iterator[str]:
    """Yield the shape of each array."""
    for name, shape in layout.items():
        yield f"  {name}: {' x '.join(map(str, shape))} float16 a clip"


def named(video_ids: Sequence[str]) -> str:
    """Return how many clips these are, and the first of them by name."""
    shown = ", ".join(printable(one)[:60] for one in islice(video_ids, NUM_NAMED))
    more = ", ..." if len(video_ids) > NUM_NAMED else ""
    return f"{number(len(video_ids), 'clip')} ({shown}{more})"


def number(count: int, what: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def size(num_bytes: int) -> str:
    """Return a size in decimal units, three digits."""
    value, place = float(num_bytes), 0
    while value >= 999.5 and place < len(_UNITS) - 1:
        value, place = value / 1000, place + 1
    digits = 0 if place == 0 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {_UNITS[place]}"


def _trouble(
    survey: Survey, skipped: Mapping[str, ClipFileError], padded: Mapping[str, int]
) -> Iterator[str]:
    if survey.num_shorter:
        yield (
            f"shorter than {survey.config.seconds} seconds, but with every second that is kept: "
            f"{number(survey.num_shorter, 'clip')}"
        )
    if padded:
        yield f"end repeated to {survey.config.seconds} seconds: {named(list(padded))}"
    for reason in sorted({error.reason for error in skipped.values()}):
        clips = sorted(one for one, error in skipped.items() if error.reason == reason)
        yield f"skipped, {reason}: {named(clips)}"
        yield f"  {skipped[clips[0]]}"
    if survey.without_features:
        yield f"asked about, but without any file: {named(survey.without_features)}"
