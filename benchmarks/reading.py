"""Samples read per second: the packed store against folders of per-clip ``.npy`` files.

A sample is what one training step of AVST needs of one question: the sound and the pictures of its
clip, and for each of the T segments one frame of another clip. The per-clip readers do what the
usual loaders do: open a whole file for each of these.

Run ``python benchmarks/reading.py --size bandstand`` (seconds) or ``--size paper`` (a minute; about
1 GB of disk for the time of the run). All files are in the page cache when they are timed, so the
figures are what the reading costs, not what the disk costs; on a cold disk the bytes decide. The
readers take turns, and each line is the median of its turns, so that other work on the machine
hits all alike.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
import tyro

from avqa_core.data.annotations import parse_row
from avqa_core.data.dataset import QADataset
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.types import QAExample

NUM_SEGMENTS = 10
NUM_TURNS = 5


@dataclass(frozen=True)
class Size:
    """Shapes of one kind of feature; ``seconds`` is what a per-clip file holds of a clip."""

    audio: tuple[int, ...]
    visual: tuple[int, ...]
    seconds: int


SIZES = {
    "bandstand": Size(audio=(128,), visual=(64, 4, 6), seconds=10),
    "paper": Size(audio=(128,), visual=(512, 14, 14), seconds=60),
}


@dataclass(frozen=True)
class Reading:
    """One line of the result."""

    reader: str
    samples_per_second: float
    times_faster: float
    bytes_on_disk_per_clip: int


def main(
    size: str = "bandstand",
    clips: int = 24,
    batch_size: int = 4,
    seconds: float = 3.0,
    out: Path | None = None,
) -> None:
    """Write the same clips in every form, read them for a while in each, print the ratios.

    Args:
        size: bandstand or paper.
        clips: how many to write.
        batch_size: samples that are read at a time.
        seconds: for which each reader runs, all its turns together.
        out: a JSON file for the figures.
    """
    torch.set_num_threads(1)
    chosen = SIZES[size]
    folder = Path(tempfile.mkdtemp(prefix="avqa-reading-"))
    try:
        examples = write_clips(folder, chosen, clips)
        readings = measure(folder, examples, batch_size, seconds)
    finally:
        shutil.rmtree(folder)
    print(f"size {size}, {clips} clips, {batch_size} samples at a time, one thread")
    for one in readings:
        megabytes = one.bytes_on_disk_per_clip / 1e6
        print(
            f"{one.reader:26s} {one.samples_per_second:10.1f} samples/s  {one.times_faster:7.1f} x"
            f"  {megabytes:8.3f} MB/clip"
        )
    if out is not None:
        figures = {
            "size": size,
            "clips": clips,
            "batch_size": batch_size,
            "machine": platform.processor() or platform.machine(),
            "torch": torch.__version__,
            "readings": [asdict(one) for one in readings],
        }
        out.write_text(json.dumps(figures, indent=2) + "\n")


def write_clips(folder: Path, size: Size, clips: int) -> list[QAExample]:
    """Write every clip as shared .npy files, as .npy of the used segments, and into a store."""
    stream = np.random.default_rng(0)
    step = size.seconds // NUM_SEGMENTS
    layout = {
        "audio": (NUM_SEGMENTS, *size.audio),
        "visual": (NUM_SEGMENTS, *size.visual),
    }
    for kind in ("whole", "used"):
        (folder / kind).mkdir()
    with StoreWriter(folder / "store", layout) as writer:
        for number in range(clips):
            arrays = {
                "audio": stream.random((size.seconds, *size.audio), dtype=np.float32),
                "visual": stream.random((size.seconds, *size.visual), dtype=np.float32),
            }
            used = {name: np.ascontiguousarray(array[::step]) for name, array in arrays.items()}
            writer.add(f"{number:08d}", used)
            for name in arrays:
                np.save(folder / "whole" / f"{name}-{number:08d}.npy", arrays[name])
                np.save(folder / "used" / f"{name}-{number:08d}.npy", used[name])
    row = {
        "type": '["Audio-Visual", "Existential"]',
        "question_content": "Is there a voiceover?",
        "templ_values": "[]",
        "anser": "yes",
    }
    return [
        parse_row(row | {"video_id": f"{number % clips:08d}", "question_id": number})
        for number in range(64 * clips)
    ]


def measure(
    folder: Path, examples: list[QAExample], batch_size: int, seconds: float
) -> list[Reading]:
    """Time each reader over the same random order of questions."""
    store, vocabulary = FeatureStore.open(folder / "store"), Vocabulary.from_examples(examples)
    mapped = QADataset(examples, store, vocabulary)
    cached = QADataset(examples, store, vocabulary, cache=True)
    video_ids = [example.video_id for example in examples]
    readers: dict[str, tuple[Callable[[list[int]], object], Path]] = {
        ".npy, whole clips": (per_clip_reader(folder / "whole", video_ids), folder / "whole"),
        ".npy, used segments": (per_clip_reader(folder / "used", video_ids), folder / "used"),
        "packed store": (
            lambda rows: mapped.batch(rows, negatives=True),
            folder / "store",
        ),
        "packed store, cache=True": (
            lambda rows: cached.batch(rows, negatives=True),
            folder / "store",
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(NUM_TURNS):
        for name, (read, _) in readers.items():
            rates[name].append(
                samples_per_second(read, len(examples), batch_size, seconds / NUM_TURNS)
            )
    baseline = median(next(iter(rates.values())))
    return [
        Reading(
            name,
            median(rates[name]),
            median(rates[name]) / baseline,
            sum(path.stat().st_size for path in place.iterdir()) // len(mapped.clips),
        )
        for name, (_, place) in readers.items()
    ]


def per_clip_reader(folder: Path, video_ids: list[str]) -> Callable[[list[int]], object]:
    """Return a reader that opens whole files, one for each feature and each negative frame."""
    stream = np.random.default_rng(1)
    clips = sorted(set(video_ids))

    def used(path: Path) -> np.ndarray:
        array = np.load(path)
        return array[:: len(array) // NUM_SEGMENTS]

    def read(rows: list[int]) -> tuple[torch.Tensor, ...]:
        audio, visual, negative = [], [], []
        for row in rows:
            video_id = video_ids[row]
            audio.append(used(folder / f"audio-{video_id}.npy"))
            visual.append(used(folder / f"visual-{video_id}.npy"))
            others = [one for one in clips if one != video_id]
            drawn = stream.integers(len(others), size=NUM_SEGMENTS)
            frames = [np.load(folder / f"visual-{others[one]}.npy") for one in drawn]
            negative.append(np.stack([one[stream.integers(len(one))] for one in frames]))
        return tuple(torch.from_numpy(np.stack(part)) for part in (audio, visual, negative))

    return read


def samples_per_second(
    read: Callable[[list[int]], object], num_questions: int, batch_size: int, seconds: float
) -> float:
    """Read random batches for ``seconds`` after a warm-up and return the rate."""

    def batches() -> Iterator[list[int]]:
        stream = np.random.default_rng(2)
        while True:
            yield stream.integers(num_questions, size=batch_size).tolist()

    order = batches()
    read(next(order))
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        read(next(order))
        count += batch_size
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    tyro.cli(main)
