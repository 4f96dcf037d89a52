"""Small made-up batches and models that several test files share."""

from __future__ import annotations

from avqa_core import rng
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.small_models import DIMS, make_batch
from avqa_core.types import FeatureDims

__all__ = ["DIMS", "make_batch", "make_model"]


def make_model(config: ModelConfig, dims: FeatureDims = DIMS, seed: int = 0) -> MissingModalityAVQA:
    """Return a freshly initialised model in evaluation mode."""
    with rng.initialising(seed):
        return MissingModalityAVQA(config, dims).eval()
