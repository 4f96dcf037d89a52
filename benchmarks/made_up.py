"""New models and their training steps, on random batches."""

from __future__ import annotations

import torch

from avqa_core import rng
from avqa_core.losses import LossModule, ObjectiveConfig
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureBatch, FeatureDims


def model(config: ModelConfig, of: FeatureDims, device: torch.device) -> MissingModalityAVQA:
    """Return a new model."""
    with rng.initialising(0):
        return MissingModalityAVQA(config, of).to(device)


class Step:
    """One training step, again and again: Adam on Eq. 8, as the paper trains."""

    def __init__(self, built: MissingModalityAVQA, objective: ObjectiveConfig) -> None:
        self.loss_module = LossModule(built, objective).train()
        trained = [one for one in built.parameters() if one.requires_grad]
        self.optimizer = torch.optim.Adam(trained, lr=1e-4)
        self.count = 0

    def __call__(self, rows: FeatureBatch) -> float:
        """Take one step and return its loss."""
        self.count += 1
        self.optimizer.zero_grad(set_to_none=True)
        terms = self.loss_module(rows, rng.named(0, "benchmark step", self.count))
        total = terms.total()
        total.backward()
        self.optimizer.step()
        return float(total.detach())
