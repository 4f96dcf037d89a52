"""Made-up rows, stores and data sets for the tests of the data layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from avqa_core.data.annotations import parse_row
from avqa_core.data.dataset import QADataset
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.types import QAExample

LAYOUT = {"audio": (3, 4), "visual": (3, 2, 2, 2)}


def make_row(**changes: Any) -> dict[str, Any]:
    """Return a row as MUSIC-AVQA's files have it; None removes a key."""
    row = {
        "video_id": "00000093",
        "question_id": 12,
        "type": '["Audio-Visual", "Existential"]',
        "question_content": "Is the <Object> in the video always playing?",
        "templ_values": '["violin"]',
        "question_deleted": 0,
        "anser": "no",
    }
    return {key: value for key, value in (row | changes).items() if value is not None}


def make_avqa_row(**changes: Any) -> dict[str, Any]:
    """Return a row as AVQA's files have it; None removes a key."""
    row = {
        "id": 183,
        "video_name": "-abc_DEF123_000030",
        "video_id": 341,
        "question_text": "What happened in the video?",
        "multi_choice": ["motorboat", "A train's whistle", "rain", "a train"],
        "answer": 1,
        "question_relation": "View",
        "question_type": "Happening",
    }
    return {key: value for key, value in (row | changes).items() if value is not None}


def write_rows(path: Path, rows: Any) -> Path:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def make_clip(number: int) -> dict[str, np.ndarray]:
    """Return arrays of clip ``number``: audio 100 n + i, visual -(100 n + i); exact in float16."""
    return {
        "audio": 100.0 * number + np.arange(12, dtype=np.float32).reshape(LAYOUT["audio"]),
        "visual": -100.0 * number - np.arange(24, dtype=np.float32).reshape(LAYOUT["visual"]),
    }


def write_store(path: Path, num_clips: int = 5, rows_per_shard: int = 2) -> Path:
    """Write clips c0, c1, ... with ``rows_per_shard`` visual rows to a shard."""
    with StoreWriter(path, LAYOUT, shard_bytes=rows_per_shard * 48) as writer:
        for number in range(num_clips):
            writer.add(f"c{number}", make_clip(number))
    return path


def make_examples(num_clips: int, each: int = 2) -> list[QAExample]:
    """Return ``each`` questions about each of the clips c0, c1, ..."""
    return [
        parse_row(make_row(video_id=f"c{number // each}", question_id=1000 + number))
        for number in range(num_clips * each)
    ]


def make_dataset(path: Path, num_clips: int = 5, each: int = 2, cache: bool = False) -> QADataset:
    examples = make_examples(num_clips, each)
    store = FeatureStore.open(write_store(path, num_clips))
    return QADataset(examples, store, Vocabulary.from_examples(examples), 9, cache=cache)
