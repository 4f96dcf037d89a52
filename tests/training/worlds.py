"""A data folder that takes milliseconds to make: one instrument per clip, seen and heard."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from avqa_core.data.store import StoreWriter

INSTRUMENTS = ("cello", "flute", "piano")
NUM_SEGMENTS, AUDIO_WIDTH, VISUAL_WIDTH, GRID = 4, 6, 5, (2, 3)
LAYOUT = {
    "audio": (NUM_SEGMENTS, AUDIO_WIDTH),
    "visual": (NUM_SEGMENTS, VISUAL_WIDTH, *GRID),
}


def write_world(
    path: Path,
    clips: dict[str, int] | None = None,
    seed: int = 0,
    ask: Callable[[str, int, int], list[dict[str, object]]] | None = None,
) -> Path:
    """Write ``clips`` per split, three questions each, and return ``path``."""
    ask = ask or _questions
    clips = clips or {"train": 24, "val": 8, "test": 8}
    stream = np.random.default_rng(seed)
    prototypes = stream.normal(size=(len(INSTRUMENTS), AUDIO_WIDTH + VISUAL_WIDTH))
    (path / "json").mkdir(parents=True)
    number = 0
    with StoreWriter(path / "features", LAYOUT) as writer:
        for split, count in clips.items():
            rows = []
            for _ in range(count):
                clip, instrument = f"{number:08d}", number % len(INSTRUMENTS)
                number += 1
                writer.add(clip, _features(prototypes[instrument], stream))
                rows += ask(clip, instrument, 3 * number)
            (path / "json" / f"avqa-{split}.json").write_text(json.dumps(rows))
    return path


def _features(prototype: np.ndarray, stream: np.random.Generator) -> dict[str, np.ndarray]:
    audio = np.broadcast_to(prototype[:AUDIO_WIDTH], LAYOUT["audio"])
    visual = np.broadcast_to(prototype[AUDIO_WIDTH:, None, None], LAYOUT["visual"])
    return {
        "audio": audio + 0.1 * stream.normal(size=audio.shape),
        "visual": visual + 0.1 * stream.normal(size=visual.shape),
    }


def _questions(clip: str, instrument: int, question_id: int) -> list[dict[str, object]]:
    asked = INSTRUMENTS[question_id // 6 % len(INSTRUMENTS)]
    name = INSTRUMENTS[instrument]
    return [
        _row(clip, question_id, "Audio", "Counting", "Is the <Object> playing?", [asked], name),
        _row(clip, question_id + 1, "Visual", "Location", "Where is the sound?", [], name),
        _row(
            clip,
            question_id + 2,
            "Audio-Visual",
            "Existential",
            "Is this sound from the <Object>?",
            [asked],
            "yes" if asked == name else "no",
        ),
    ]


def _row(
    clip: str, number: int, group: str, kind: str, text: str, values: list[str], answer: str
) -> dict[str, object]:
    return {
        "video_id": clip,
        "question_id": number,
        "type": json.dumps([group, kind]),
        "question_content": text,
        "templ_values": json.dumps(values),
        "question_deleted": 0,
        "anser": answer,
    }


def multiple_choice(clip: str, instrument: int, question_id: int) -> list[dict[str, object]]:
    """Return three rows of AVQA: which of four it is, the right one in another place each time."""
    names = [*INSTRUMENTS, "slide whistle"]
    rows = []
    for number, text in enumerate(("What is it?", "Which is it?", "What is playing?")):
        shift = (question_id + number) % len(names)
        candidates = names[shift:] + names[:shift]
        rows.append(
            {
                "id": question_id + number,
                "video_name": clip,
                "video_id": int(clip),
                "question_text": text,
                "multi_choice": candidates,
                "answer": candidates.index(names[instrument]),
                "question_relation": "Both",
                "question_type": ("Which", "Come From", "Where")[number],
            }
        )
    return rows
