"""Clips as f^a, f^v and f^t of a frozen encoder: the ground that small experiments stand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from avqa_core import rng
from avqa_core.backbones import BackboneConfig, backbones
from avqa_core.completion.base import GridDims
from avqa_core.config import require
from avqa_core.data.folder import DataFolder
from avqa_core.types import Features

CHUNK = 64


@torch.no_grad()
def encode_clips(
    folder: DataFolder, split: str, num_clips: int, config: BackboneConfig, *, seed: int
) -> tuple[Features, tuple[str, ...]]:
    """Return features of the first clips of a split, one question each, and the clips' ids.

    The encoder has its initial weights, drawn from ``seed``: a target that nobody trains cannot
    be moved towards the prediction.

    Args:
        folder: questions and features.
        split: ``train``, ``val`` or ``test``.
        num_clips: how many; fewer if the split has fewer.
        config: of the backbone that encodes.
        seed: of its weights; equal seeds give equal encoders.
    """
    require(num_clips >= 1, f"expected num_clips of at least 1, got {num_clips}: raise it")
    dataset = folder.dataset(split)
    first: dict[str, int] = {}
    for index, example in enumerate(dataset.examples):
        first.setdefault(example.video_id, index)
    chosen = list(first.items())[:num_clips]
    with rng.initialising(rng.derive(seed, "study encoder")):
        backbone = backbones.build(config, dataset.dims).eval().requires_grad_(False)
    parts = []
    for start in range(0, len(chosen), CHUNK):
        batch = dataset.batch([index for _, index in chosen[start : start + CHUNK]])
        parts.append(backbone.encode(batch).blanked(batch.availability))
    return joined(parts), tuple(video_id for video_id, _ in chosen)


def joined(parts: list[Features]) -> Features:
    """Return several batches of features as one; words and other extras are left behind."""
    return Features(
        audio=torch.cat([one.audio for one in parts]),
        visual=torch.cat([one.visual for one in parts]),
        question=torch.cat([one.question for one in parts]),
        extras={"question_id": torch.cat([one.extras["question_id"] for one in parts])},
    )


def scales(features: Features) -> tuple[float, float]:
    """Return the root mean square of the audio and of the visual half."""
    return (
        float(features.audio.square().mean().sqrt()),
        float(features.visual.square().mean().sqrt()),
    )


def scaled(features: Features, by: tuple[float, float]) -> Features:
    """Return the features with each half divided by its number."""
    return replace(features, audio=features.audio / by[0], visual=features.visual / by[1])


def rows(features: Features, index: Tensor) -> Features:
    """Return some rows of ``features``, in the given order."""
    return Features(
        audio=features.audio[index],
        visual=features.visual[index],
        question=features.question[index],
        extras={name: value[index] for name, value in features.extras.items()},
    )


def grid_of(features: Features) -> GridDims:
    """Return the sizes that a completer or an enhancer for these features is built for."""
    _, num_segments, channels, height, width = features.visual.shape
    return GridDims(channels=channels, num_segments=num_segments, height=height, width=width)


def batches(features: Features, size: int, num_steps: int, *, seed: int) -> Iterator[Features]:
    """Yield ``num_steps`` batches of ``size`` clips, epoch after epoch in a new order."""
    num_clips = len(features.audio)
    size = min(size, num_clips)
    stream = np.random.default_rng(rng.derive(seed, "study order"))
    order = np.empty(0, dtype=np.int64)
    for _ in range(num_steps):
        if len(order) < size:
            order = np.concatenate([order, stream.permutation(num_clips)])
        chosen, order = order[:size], order[size:]
        yield rows(features, torch.from_numpy(chosen))
