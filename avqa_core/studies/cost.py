"""What a model costs: its parameters, and the FLOPs to answer a question and to learn from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from avqa_core import rng
from avqa_core.losses import LossModule, ObjectiveConfig, Regime
from avqa_core.made_up import MUSIC_AVQA, make_batch
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureBatch, FeatureDims, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Parameters of each part, and FLOPs for one question; a product with a sum counts as two.

    Attributes:
        backbone: parameters.
        completer: parameters.
        enhancer: parameters.
        complete: FLOPs to answer with both modalities present.
        missing: FLOPs to answer with the audio absent.
        training: FLOPs of one question's share of a training step, forward and back.
    """

    backbone: int
    completer: int
    enhancer: int
    complete: int
    missing: int
    training: int


def cost(model: ModelConfig, regime: Regime, dims: FeatureDims = MUSIC_AVQA) -> Cost:
    """Return what a model costs, counted while it answers and learns from one question.

    What is counted are products, and they are all that is left out: each gives zeros of its shape,
    so that the largest model is counted in seconds. No part takes another way for other values.

    Args:
        model: any, at any size.
        regime: in which it learns.
        dims: of the features.
    """
    with rng.initialising(0):
        built = MissingModalityAVQA(model, dims)
    batch = make_batch(dims, 1, negatives=built.backbone.needs_negatives)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the switch warns about Intel GPUs
        # mkldnn's fused LSTM would escape the count
        with torch.backends.mkldnn.flags(enabled=False), _WithoutProducts():
            return _counted(built, batch, regime)


class _WithoutProducts(TorchDispatchMode):
    """Every operation that a counter counts gives zeros; all others are done."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Return what ``func`` gives, without its values if it multiplies."""
        kwargs = kwargs or {}
        if func.overloadpacket not in flop_registry:
            return func(*args, **kwargs)
        shapes = tree_map_only(Tensor, lambda one: _like(one, "meta"), (args, kwargs))
        given = func(*shapes[0], **shapes[1])
        return tree_map_only(Tensor, lambda one: _like(one, "cpu").zero_(), given)


def _like(tensor: Tensor, device: str) -> Tensor:
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=device)


def _counted(built: MissingModalityAVQA, batch: FeatureBatch, regime: Regime) -> Cost:
    absent = batch.availability.clone()
    absent[..., Modality.AUDIO] = False
    _fill_bank(built, batch)
    loss_module = LossModule(built, ObjectiveConfig(regime=regime)).train()
    with FlopCounterMode(display=False) as training:
        loss_module(batch, rng.named(0, "cost")).total().backward()
    built.eval().requires_grad_(False)  # the counter stumbles over gradients switched off around it
    return Cost(
        **{
            name: sum(one.numel() for one in getattr(built, name).parameters())
            for name in ("backbone", "completer", "enhancer")
        },
        complete=_flops_to_answer(built, batch),
        missing=_flops_to_answer(built, replace(batch, availability=absent)),
        training=training.get_total_flops(),
    )


def _flops_to_answer(model: MissingModalityAVQA, batch: FeatureBatch) -> int:
    with FlopCounterMode(display=False) as counter:
        model(batch, generator=rng.named(0, "cost"))
    return counter.get_total_flops()


def _fill_bank(model: MissingModalityAVQA, batch: FeatureBatch) -> None:
    """Let a completer that keeps training clips keep one; the search takes the whole bank."""
    with torch.no_grad():
        model.completer.fit([model.encode(batch)], generator=rng.named(0, "fit"))
