"""How many parameters a model has, and the control that puts as many into its backbone alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch

from avqa_core.completion.zeros import ZerosConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.made_up import BANDSTAND
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureDims


@cache
def widened(model: ModelConfig) -> ModelConfig:
    """Return the narrowest backbone that alone has as many parameters as ``model`` has in all.

    The control for capacity: what a method adds in parameters, this one has in its backbone.
    """
    wanted = num_parameters(model)
    alone = replace(model, completer=ZerosConfig(), enhancer=IdentityConfig())
    while num_parameters(alone) < wanted:
        channels = alone.backbone.channels + 4
        alone = replace(alone, backbone=replace(alone.backbone, channels=channels))
    return alone


def num_parameters(model: ModelConfig, dims: FeatureDims = BANDSTAND) -> int:
    """Return how many parameters a model has, without building it in memory."""
    with torch.device("meta"):
        built = MissingModalityAVQA(model, dims)
    return sum(parameter.numel() for parameter in built.parameters())
