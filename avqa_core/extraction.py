"""Films -> a packed feature store: decoded by several processes, encoded in batches, resumable.

A film that cannot be used never stops the others: it is left out, or padded, counted and told.
``strict`` turns each of these into an error. ``extraction.jsonl`` in the store keeps what was told,
so that a run that was killed and taken up again still tells all of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from avqa_core.data.shards import check_video_id
from avqa_core.data.store_writer import StoreWriter
from avqa_core.encoders import catalogue
from avqa_core.encoders.base import AudioEncoder, VisualEncoder
from avqa_core.errors import FeatureError
from avqa_core.media.decode import Clip, decode
from avqa_core.media.segments import SegmentPolicy
from avqa_core.printable import printable
from avqa_core.workers import workers

FILMS = ".mp4 .m4v .mov .mkv .webm .avi .flv .mpg .mpeg .ts .wmv .ogv .3gp"
SOUNDS = ".wav .mp3 .m4a .flac .ogg"
SUFFIXES = frozenset((*FILMS.split(), *SOUNDS.split()))
NOTES = "extraction.jsonl"
# Films encoded at once: with ten pictures each, more only costs memory.
BATCH = 4

Kind = Literal["skipped", "padded", "without sound", "without picture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about one film that whoever uses its features should know."""

    video_id: str
    kind: Kind
    reason: str = ""

    def __str__(self) -> str:
        told = f"{self.video_id}: {self.kind}" + (f", {self.reason}" if self.reason else "")
        return printable(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionProgress:
    """``done`` of ``total`` films are in the store or left out."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionFinished:
    """The store is whole.

    Attributes:
        path: of the store.
        num_clips: in the store.
        num_new: of them, those that this call added.
        notes: what there is to tell, over all calls for this store.
    """

    path: Path
    num_clips: int
    num_new: int
    notes: tuple[Note, ...]

    def count(self, kind: Kind) -> int:
        """Return how many notes are of one kind."""
        return sum(note.kind == kind for note in self.notes)


Event = ExtractionProgress | Note | ExtractionFinished


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What turns a film into features: two encoders, and which instants they are given."""

    audio: AudioEncoder
    visual: VisualEncoder
    segments: SegmentPolicy

    @property
    def layout(self) -> dict[str, tuple[int, ...]]:
        """The arrays of a clip in the store, by name and shape."""
        times = self.segments.num_segments
        visual = {name: (times, *shape) for name, shape in self.visual.shapes.items()}
        return {"audio": (times, self.audio.width), **visual}

    @property
    def provenance(self) -> dict[str, Any]:
        """What a store tells about its making; the same for the same features."""
        audio = {"encoder": self.audio.name, "weights": self.audio.weights_hash}
        visual = {"encoder": self.visual.name, "weights": self.visual.weights_hash}
        told = {"audio": audio, "visual": visual, "segments": asdict(self.segments)}
        return {"extraction": told}

    def decode(self, path: Path) -> Clip:
        """Decode one film as the encoders want it.

        Raises:
            FeatureError: it cannot be decoded, or is too short for the policy.
        """
        return decode(path, self.segments, catalogue.VISUAL[self.visual.name].prepare)

    def encode(self, clips: Sequence[Clip]) -> list[dict[str, np.ndarray]]:
        """Return the float16 arrays of each clip; a modality that it lacks has none."""
        arrays: list[dict[str, np.ndarray]] = [{} for _ in clips]
        heard = {i: clip.waveform for i, clip in enumerate(clips) if clip.waveform is not None}
        seen = {i: clip.frames for i, clip in enumerate(clips) if clip.frames is not None}
        if heard:
            sounds = np.concatenate([self.segments.sounds(one) for one in heard.values()])
            _share_out(arrays, list(heard), "audio", self.audio(torch.from_numpy(sounds)))
        if seen:
            pictures = torch.from_numpy(np.concatenate(list(seen.values())))
            for name, features in self.visual(pictures).items():
                _share_out(arrays, list(seen), name, features)
        return arrays


def _share_out(
    arrays: list[dict[str, np.ndarray]], clips: Sequence[int], name: str, features: torch.Tensor
) -> None:
    """Give each clip its part of the features of several."""
    parts = features.cpu().numpy().astype(np.float16).reshape(len(clips), -1, *features.shape[1:])
    for clip, part in zip(clips, parts, strict=True):
        arrays[clip][name] = part


def _is_film(path: Path, place: Path) -> bool:
    """Tell a film below ``place`` by its suffix; what is hidden, or in what is hidden, is none."""
    is_hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
    return path.suffix.lower() in SUFFIXES and not is_hidden and path.is_file()


def find_videos(places: Sequence[Path]) -> dict[str, Path]:
    """Return the films in files and folders, those in folders below included, by clip id.

    The id of a film is its file name without the suffix. Names that begin with a dot are those of
    half-written files and of what macOS puts beside a file.

    Raises:
        FeatureError: no film, no such place, or two films of one name.
    """
    found: dict[str, Path] = {}
    if not places:
        raise FeatureError("expected films or folders of films, got no path: name some")
    for place in places:
        if not place.exists():
            raise FeatureError(f"expected films at {place}, got no such file or folder: check it")
        inside = (one for one in sorted(place.rglob("*")) if _is_film(one, place))
        for path in inside if place.is_dir() else [place]:
            if found.setdefault(path.stem, path) != path:
                raise FeatureError(
                    f"expected films with names of their own, got {found[path.stem]} and {path}: "
                    "rename one, or extract the folders into two stores"
                )
    if not found:
        raise FeatureError(
            f"expected films ({', '.join(sorted(SUFFIXES))}) in {', '.join(map(str, places))}, got "
            "none: check the path"
        )
    return found


def extract(
    videos: Mapping[str, Path],
    out: Path,
    recipe: Recipe,
    *,
    num_workers: int = 1,
    strict: bool = False,
    notes: Sequence[Note] = (),
) -> Iterator[Event]:
    """Write the features of films into a store, or go on with one that was begun with this recipe.

    Args:
        videos: clip id -> file.
        out: folder of the store.
        recipe: encoders and segments.
        num_workers: processes that decode; the store does not depend on it.
        strict: a film that is, or would be, left out or padded is an error instead.
        notes: what there is to tell of clips that have no film.

    Raises:
        FeatureError: the store was begun with another recipe; no film could be used; and, if
            strict, the first film with which anything is wrong.
    """
    with StoreWriter(out, recipe.layout, provenance=recipe.provenance) as writer:
        book = _Notes(out / NOTES)
        for note in notes:
            book.add(note)
        if strict:
            # A film that was skipped is decoded again: it may have been mended.
            lasting = [one for one in book.read(writer) if one.kind == "padded" or one in notes]
            _refuse(lasting, {*videos, *(note.video_id for note in notes)})
        missing = [(name, path) for name, path in videos.items() if name not in writer]
        before, done = len(writer), len(videos) - len(missing)
        yield ExtractionProgress(done=done, total=len(videos))
        with workers(num_workers) as run:
            work = partial(_decoded, recipe.segments, recipe.visual.name)
            for group in _grouped(run(work, missing)):
                yield from _store(group, recipe, writer, book, strict)
                done += len(group)
                yield ExtractionProgress(done=done, total=len(videos))
        found = tuple(book.read(writer))
        if not len(writer):
            first = next(note for note in found if note.video_id in videos)
            raise FeatureError(
                "expected at least one film that can be decoded, got none of "
                f"{len(videos)}; the first: {first}"
            )
    num_clips = len(writer)
    yield ExtractionFinished(path=out, num_clips=num_clips, num_new=num_clips - before, notes=found)


def read_notes(store: Path) -> list[Note]:
    """Return what there was to tell of the films of a store, nothing where nothing was noted.

    What was skipped once may be in the store by now.
    """
    return list(_Notes(store / NOTES).known.values())


def _refuse(notes: Iterable[Note], videos: Container[str]) -> None:
    """Raise an error for the first of ``videos`` that was left out or padded.

    Raises:
        FeatureError: there is one.
    """
    for note in notes:
        if note.video_id in videos and note.kind in ("skipped", "padded"):
            raise FeatureError(f"--strict: {note}")


def _store(
    group: dict[str, Clip | FeatureError],
    recipe: Recipe,
    writer: StoreWriter,
    book: _Notes,
    strict: bool,
) -> Iterator[Note]:
    """Put the features of a group into the store, and yield what there is to tell about it."""
    features = _encoded(recipe, group)
    for note in _notes_on(group):
        if strict:
            _refuse([note], group)
        # Told before it counts: a kill in between must not lose the note on a stored film.
        book.add(note)
        yield note
    for name, arrays in features.items():
        writer.add(name, arrays)


def _decoded(segments: SegmentPolicy, visual: str, task: tuple[str, Path]) -> Clip | FeatureError:
    """Decode one film in whichever process this is; what is wrong with it comes back as a value."""
    name, path = task
    try:
        check_video_id(name)
        return decode(path, segments, catalogue.VISUAL[visual].prepare)
    except FeatureError as error:
        return FeatureError(str(error))
    except MemoryError as error:
        return FeatureError(
            f"expected memory enough to decode {path}, got too little ({error}): use fewer "
            "--workers, or leave the film out"
        )


def _grouped(
    decoded: Iterable[tuple[tuple[str, Path], Clip | FeatureError]],
) -> Iterator[dict[str, Clip | FeatureError]]:
    """Yield a batch of films at a time.

    Raises:
        FeatureError: a process died, which FFmpeg can do on a damaged file.
    """
    group: dict[str, Clip | FeatureError] = {}
    try:
        for (name, _), clip in decoded:
            group[name] = clip
            if len(group) == BATCH:
                yield group
                group = {}
    except BrokenProcessPool as error:
        raise FeatureError(
            "expected every process to live, got one that was killed while it decoded a film: was "
            "there memory enough? The same command goes on; with --workers 1 it stops at the film"
        ) from error
    if group:
        yield group


def _encoded(
    recipe: Recipe, group: dict[str, Clip | FeatureError]
) -> dict[str, dict[str, np.ndarray]]:
    """Return the features of the clips of a group; a clip that has none becomes an error in it."""
    clips = {name: clip for name, clip in group.items() if isinstance(clip, Clip)}
    encoded = dict(zip(clips, recipe.encode(list(clips.values())), strict=True))
    for name, arrays in list(encoded.items()):
        bad = [which for which, array in arrays.items() if not np.isfinite(array).all()]
        if bad:
            group[name] = FeatureError(
                f"expected finite {' and '.join(bad)} features up to 65504 (float16), got others: "
                "check the film and the weights"
            )
            del encoded[name]
    return encoded


def _notes_on(group: Mapping[str, Clip | FeatureError]) -> Iterator[Note]:
    for name, clip in group.items():
        if isinstance(clip, FeatureError):
            yield Note(video_id=name, kind="skipped", reason=str(clip))
            continue
        if clip.padding:
            yield Note(video_id=name, kind="padded", reason=clip.padding)
        if clip.waveform is None:
            yield Note(video_id=name, kind="without sound")
        if clip.frames is None:
            yield Note(video_id=name, kind="without picture")


@dataclass
class _Notes:
    """The notes of all calls for one store, one JSON object a line, each film once a kind."""

    path: Path
    known: dict[tuple[str, Kind], Note] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Bytes that are no text make lines that are no notes.
        content = self.path.read_bytes() if self.path.exists() else b""
        for line in content.decode("utf-8", errors="replace").splitlines():
            try:
                note = Note(**json.loads(line))
            except (ValueError, TypeError):
                continue  # a line that a kill cut short; its film is not in the store either
            self.known[note.video_id, note.kind] = note

    def add(self, note: Note) -> None:
        if self.known.get((note.video_id, note.kind)) == note:
            return
        self.known[note.video_id, note.kind] = note
        with self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # or a line that a kill cut short would swallow this one
            file.write(json.dumps(asdict(note)).encode() + b"\n")

    def read(self, clips: Container[str]) -> list[Note]:
        """Return the notes that still hold: what was skipped once may be in the store now."""
        return [
            note
            for note in self.known.values()
            if (note.kind == "skipped") != (note.video_id in clips)
        ]
