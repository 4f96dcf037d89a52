"""What does not fit the model is told before any network sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avqa_core import rng
from avqa_core.errors import FeatureError, ModalityError
from avqa_core.small_models import DIMS, answer, make_batch, small_model
from avqa_core.types import FeatureBatch

MODEL = small_model()


def _changed(name: str, tensor: torch.Tensor) -> FeatureBatch:
    """Return a batch with one tensor exchanged, unseen by the checks that only tests have."""
    batch = make_batch(2)
    object.__setattr__(batch, name, tensor)
    return batch


def test_a_batch_that_fits_is_answered() -> None:
    assert answer(MODEL, make_batch(2)).shape == (2, DIMS.num_answers)


@pytest.mark.parametrize(
    ("size", "named"),
    [
        ("num_segments", "audio"),
        ("audio_width", "audio"),
        ("visual_width", "visual"),
        ("grid_height", "visual"),
        ("grid_width", "visual"),
        ("num_tokens", "tokens"),
    ],
)
def test_data_of_other_sizes_are_named_with_both_shapes(size: str, named: str) -> None:
    other = replace(DIMS, **{size: getattr(DIMS, size) + 1})
    with pytest.raises(FeatureError, match=rf"batch\.{named}: expected the shape \(2, .*got \(2, "):
        answer(MODEL, make_batch(2, other))


def test_a_clip_without_a_batch_axis_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"batch\.audio: .*batch axis first"):
        answer(MODEL, _changed("audio", make_batch(2).audio[0]))


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda given: given[:, 0], r"bool of shape \(2, 2\)"),
        (lambda given: given[..., :1], r"bool of shape \(2, \d, 1\)"),
        (lambda given: given.float(), "float32 of shape"),
        (lambda given: given.long(), "int64 of shape"),
    ],
)
def test_what_is_present_is_told_by_booleans_for_each_segment_and_modality(change, got) -> None:
    batch = _changed("availability", change(make_batch(2).availability))
    with pytest.raises(ModalityError, match=f"availability: expected bool of shape .*got {got}"):
        answer(MODEL, batch)


def test_what_is_taken_away_later_has_to_fit_the_features() -> None:
    batch = make_batch(2)
    with pytest.raises(ModalityError, match="availability: expected bool of shape"):
        MODEL.respond(
            MODEL.encode(batch), batch.availability[:, 1:], generator=rng.named(0, "answers")
        )
