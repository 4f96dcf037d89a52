"""Small trainers on the small world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from avqa_core.backbones.avst import AVSTConfig
from avqa_core.completion import CompleterConfig, completers
from avqa_core.completion.segment_transformer import SegmentTransformerConfig
from avqa_core.data.folder import DataFolder
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.losses import ObjectiveConfig
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.training.loop import TrainConfig, Trainer

SETTINGS: dict[str, Any] = {
    "num_steps": 8,
    "batch_size": 12,
    "learning_rate": 3e-3,
    "evaluate_every": 4,
    "checkpoint_every": 3,
    "selection": ("complete", "audio_missing"),
    "device": "cpu",
}


def model_config(completer: CompleterConfig | str | None = None, **avst: Any) -> ModelConfig:
    if isinstance(completer, str):
        completer = completers.config(completer)()
    return ModelConfig(
        backbone=AVSTConfig(**{"channels": 8, **avst}),
        completer=completer or SegmentTransformerConfig(width=8, num_layers=1, num_heads=2),
        enhancer=IdentityConfig(),
    )


def make_trainer(
    data: DataFolder,
    run_dir: Path | None = None,
    *,
    model: ModelConfig | None = None,
    regime: Any = "joint",
    initial: MissingModalityAVQA | None = None,
    validate: bool = True,
    resume: Any = "auto",
    **settings: Any,
) -> Trainer:
    return Trainer(
        TrainConfig(**{**SETTINGS, **settings}),
        model=model or model_config(),
        objective=ObjectiveConfig(regime=regime),
        train=data.dataset("train", cache=True),
        validation=data.dataset("val", cache=True) if validate else None,
        run_dir=run_dir,
        initial=initial,
        resume=resume,
    )


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Tell whether two sets of weights are equal bit by bit."""
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )
