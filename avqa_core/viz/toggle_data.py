"""What a published page with live toggles carries: plain data, computed once, read by a script.

Every answer of every clip, question and scenario is in here, so that the page needs no kernel, no
server and no network.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from avqa_core.errors import ConfigError
from avqa_core.viz.media import SHEET_COLUMNS, MediaFiles
from avqa_core.viz.style import SCENARIOS

LARGEST_NUM_STATES = 200
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SCENARIO_NAMES = ("complete", "audio_missing", "visual_missing", "both_missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleView:
    """What the model says to one question in one scenario.

    Attributes:
        answers: the most probable answers with their probabilities, best first.
        ceiling: how often a perfect observer of what is present would be right, if known.
        addressing: weights over the slots, a row per segment; None where nothing is recalled.
    """

    answers: tuple[tuple[str, float], ...]
    ceiling: float | None = None
    addressing: Float[np.ndarray, "T L"] | None = None

    def __post_init__(self) -> None:
        shares = [share for _, share in self.answers]
        fits = shares and all(0 <= share <= 1 + 1e-6 for share in shares)
        if not fits or shares != sorted(shares, reverse=True) or sum(shares) > 1 + 1e-4:
            raise ConfigError(
                "expected answers with probabilities in [0, 1], best first, that sum to at most 1, "
                f"got {self.answers}: take them from a softmax and sort them"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleQuestion:
    """One question, its truth, what the question alone gives, and a view for each scenario."""

    question_id: int
    text: str
    category: str
    truth: str
    floor_answer: str
    floor_accuracy: float
    views: Mapping[str, ToggleView]

    def __post_init__(self) -> None:
        missing = [name for name in SCENARIO_NAMES if name not in self.views]
        if missing:
            raise ConfigError(
                f"question {self.question_id}: expected a view for each of "
                f"{', '.join(SCENARIO_NAMES)}, got none for {', '.join(missing)}: compute them"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleClip:
    """One clip: where its picture sheet and sound are, what they hold in words, its questions."""

    video_id: str
    title: str
    media: MediaFiles
    num_frames: int
    frame_size: tuple[int, int]
    loudness: tuple[float, ...]
    seen: str
    heard: str
    questions: tuple[ToggleQuestion, ...]
    sheet_columns: int = SHEET_COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleData:
    """Everything on one control; ``provenance`` is a sentence on the model behind it."""

    clips: tuple[ToggleClip, ...]
    provenance: str

    def __post_init__(self) -> None:
        if not self.clips or any(not clip.questions for clip in self.clips):
            raise ConfigError(
                f"expected at least one clip and one question each, got {len(self.clips)} clips: "
                "choose clips that have questions"
            )
        if self.num_states > LARGEST_NUM_STATES:
            raise ConfigError(
                f"expected at most {LARGEST_NUM_STATES} states on a page, got {self.num_states}: "
                "choose fewer clips or questions"
            )

    @property
    def num_states(self) -> int:
        """How many answers the control can show."""
        return sum(len(question.views) for clip in self.clips for question in clip.questions)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types, in the form that ``toggles.js`` reads."""
        return {
            "scenarios": {name: SCENARIOS[name].label for name in SCENARIO_NAMES},
            "clips": [_clip_json(clip) for clip in self.clips],
        }


def _clip_json(clip: ToggleClip) -> dict[str, Any]:
    width, height = clip.frame_size
    loudest = max(clip.loudness, default=0.0) or 1.0
    return {
        "title": clip.title,
        "sheet": clip.media.sheet,
        "sound": clip.media.sound,
        "seconds": clip.num_frames,
        "columns": clip.sheet_columns,
        "aspect": f"{width} / {height}",
        "loudness": [round(100 * level / loudest) for level in clip.loudness],
        "seen": clip.seen,
        "heard": clip.heard,
        "questions": [_question_json(question) for question in clip.questions],
    }


def _question_json(question: ToggleQuestion) -> dict[str, Any]:
    return {
        "text": question.text,
        "category": question.category,
        "truth": question.truth,
        "floor": [question.floor_answer, round(question.floor_accuracy, 4)],
        "views": {name: _view_json(question.views[name]) for name in SCENARIO_NAMES},
    }


def _view_json(view: ToggleView) -> dict[str, Any]:
    return {
        "answers": [[answer, round(share, 4)] for answer, share in view.answers],
        "ceiling": None if view.ceiling is None else round(view.ceiling, 4),
        "addressing": None if view.addressing is None else pack_addressing(view.addressing),
    }


def pack_addressing(weights: Float[np.ndarray, "T L"]) -> dict[str, Any]:
    """Return the weights as one letter each, 64 levels from zero to the largest weight."""
    peak = float(weights.max())
    scale = (len(LETTERS) - 1) / peak if peak > 0 else 0.0
    levels = np.rint(np.asarray(weights, dtype=np.float64) * scale).astype(int)
    segments, slots = levels.shape
    text = "".join(LETTERS[level] for level in levels.ravel())
    return {
        "least": float(f"{weights.min():.4g}"),
        "peak": float(f"{peak:.4g}"),
        "segments": segments,
        "slots": slots,
        "levels": text,
    }


def top_answers(
    probabilities: Sequence[float], answers: Sequence[str], truth: str | None, count: int = 5
) -> tuple[tuple[str, float], ...]:
    """Return the ``count`` most probable answers, and after them the true one if it is left."""
    order = sorted(range(len(answers)), key=lambda index: (-probabilities[index], index))
    kept = order[:count]
    if truth in answers and (place := answers.index(truth)) not in kept:
        kept.append(place)
    shown = tuple((answers[index], float(probabilities[index])) for index in kept)
    assert all(math.isfinite(share) for _, share in shown), "probabilities must be finite"
    return shown
