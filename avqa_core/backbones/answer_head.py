"""The end of every backbone: logits over fixed answers, or over the candidates of a question.

With candidates, the score of the k-th is <fused, W enc(candidate_k)>, enc being the backbone's own
reader of words. That equals <W' fused, enc(candidate_k)>, so in both cases the last layer is a
linear one behind the fused vector: a row for each answer, or W transposed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from avqa_core.types import FeatureDims

Reader = Callable[[Int[Tensor, "n M"]], Float[Tensor, "n E"]]


def last_layer(width: int, dims: FeatureDims, phrase_width: int) -> nn.Linear:
    """Return the layer behind the fused vector, which is ``width`` wide.

    Args:
        width: of the fused vector.
        dims: sizes of the data; they tell whether it is multiple choice.
        phrase_width: E of what the backbone makes of a candidate.
    """
    return nn.Linear(width, dims.num_answers or phrase_width)


def logits_of(
    last: Float[Tensor, "B E"], candidates: Float[Tensor, "B A F"] | None
) -> Float[Tensor, "B A"]:
    """Return the logits: what the last layer gives, or its products with the candidates."""
    return last if candidates is None else torch.einsum("BE,BAE->BA", last, candidates)


def read_candidates(
    tokens: Int[Tensor, "B A M"] | None, read: Reader
) -> Float[Tensor, "B A E"] | None:
    """Return what ``read`` makes of every candidate by itself; None of data without them."""
    return None if tokens is None else read(tokens.flatten(0, 1)).unflatten(0, tokens.shape[:2])


def after_last_word(
    states: Float[Tensor, "n M E"], tokens: Int[Tensor, "n M"]
) -> Float[Tensor, "n E"]:
    """Return a reader's state after the last word, so that no padding is ever read.

    Of a candidate without words it is the state after the first padding.
    """
    last = (tokens != 0).sum(dim=1).clamp(min=1) - 1
    return states[torch.arange(len(states), device=states.device), last]
