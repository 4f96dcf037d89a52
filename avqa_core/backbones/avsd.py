"""AVSD: factor-graph attention over question, frames and sound (Schwartz et al., CVPR 2019).

"A Simple Baseline for Audio-Visual Scene-Aware Dialog", Sec. 3. Every utility (the question, each
frame, the sound) attends over its own elements; what the elements of the other utilities are like
goes into the scores. An LSTM reads the attended sound and frames, and the answer comes from its
last state and the attended question.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.backbones.answer_head import (
    after_last_word,
    last_layer,
    logits_of,
    read_candidates,
)
from avqa_core.backbones.base import Backbone, BackboneConfig, backbones, map_projection
from avqa_core.config import require, require_at_least, require_dropout
from avqa_core.types import Answers, FeatureBatch, FeatureDims, Features

SHORTEST = 1e-6  # lengths below it count as this, so that a blank element has a finite gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class AVSDConfig(BackboneConfig):
    """Sizes of AVSD; utilities are C/2 wide, 256 at the published C = 512.

    Attributes:
        embedding_width: of a question word.
        num_frames: frames that are looked at, evenly spaced over the clip.
        max_side: a grid with a longer side is averaged down to it; 14 x 14 becomes 7 x 7.
        dropout: in the unary scores and before the answer.
    """

    embedding_width: int = 128
    num_frames: int = 4
    max_side: int = 7
    dropout: float = 0.5

    def __post_init__(self) -> None:
        require_at_least("AVSD", self, 1, "channels", "embedding_width", "num_frames", "max_side")
        require(
            self.channels % 2 == 0,
            f"AVSD: expected an even number of channels, got {self.channels}: choose another size",
        )
        require_dropout("AVSD", self)


class FactorGraphAttention(nn.Module):
    """One distribution over the elements of each utility, Sec. 3.1 and 3.2.

    The score of an element mixes a unary term, its mean cosine to its own utility, its mean cosine
    to each other utility, and a prior. The mean of the cosines to a set is the dot product with the
    mean of the set's unit vectors, so no matrix over pairs of elements is ever built.

    Args:
        num_utilities: n.
        width: d of every element.
        dropout: in the unary term.
    """

    def __init__(self, num_utilities: int, width: int, dropout: float) -> None:
        super().__init__()
        self.num_utilities = num_utilities
        ids = range(num_utilities)
        # no bias at the end: the softmax would not notice it
        self.unary = nn.ModuleList(
            nn.Sequential(
                nn.Linear(width, width),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(width, 1, bias=False),
            )
            for _ in ids
        )
        # maps[i][j]: how utility i looks at j; maps[i][i] and inner[i] are the two of a self pair
        self.maps = nn.ModuleList(nn.ModuleList(nn.Linear(width, width) for _ in ids) for _ in ids)
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in ids)
        self.mix = nn.ModuleList(nn.Linear(num_utilities + 2, 1, bias=False) for _ in ids)

    def forward(
        self,
        utilities: Sequence[Float[Tensor, "B _ d"]],
        masks: Sequence[Bool[Tensor, "B _"]],
        priors: Sequence[Float[Tensor, "B _"]],
    ) -> tuple[list[Float[Tensor, "B d"]], list[Float[Tensor, "B _"]]]:
        """Return the attended vector and the weights of every utility.

        Args:
            utilities: elements, as many as each has.
            masks: False where an element is padding.
            priors: added to the scores with a learned weight.
        """
        looks = [
            [_unit(self.maps[i][j](utilities[i])) for j in range(self.num_utilities)]  # type: ignore[index]
            for i in range(self.num_utilities)
        ]
        attended, weights = [], []
        for i, (elements, mask, prior) in enumerate(zip(utilities, masks, priors, strict=True)):
            scores = [self.unary[i](elements).squeeze(-1), prior]
            for j in range(self.num_utilities):
                partner = _unit(self.inner[i](elements)) if i == j else looks[j][i]
                mean = _masked_mean(partner, masks[j])
                scores.append(torch.einsum("bnd,bd->bn", looks[i][j], mean))
            mixed = self.mix[i](torch.stack(scores, dim=-1)).squeeze(-1)
            shares = mixed.masked_fill(~mask, -torch.inf).softmax(dim=-1)
            attended.append(torch.einsum("bn,bnd->bd", shares, elements))
            weights.append(shares)
        return attended, weights


def _unit(vectors: Float[Tensor, "B n d"]) -> Float[Tensor, "B n d"]:
    return functional.normalize(vectors, dim=-1, eps=SHORTEST)


def _masked_mean(
    vectors: Float[Tensor, "B n d"], mask: Bool[Tensor, "B n"]
) -> Float[Tensor, "B d"]:
    kept = mask.to(vectors.dtype)
    return torch.einsum("bnd,bn->bd", vectors, kept / kept.sum(dim=1, keepdim=True).clamp(min=1))


@backbones.register("avsd", AVSDConfig)
class AVSD(Backbone):
    """The network of AVSD with a classifier in the place of its answer decoder.

    Departure: the published network holds a dialog and writes a sentence. Without a dialog there is
    no history to encode, and one of A answers takes the decoder's place, read from the decoder's
    initial state (the last state of the fusing LSTM) and its context (the attended question). Sound
    and frames enter as f^a and f^v, C wide, so that a completer can stand in for them. Padding
    words get no weight. Positions in place are left to the grid's features, as published.
    """

    def __init__(self, config: AVSDConfig, dims: FeatureDims) -> None:
        super().__init__()
        self.config, self.channels = config, config.channels
        width = config.channels // 2
        self.frames = _evenly_spaced(dims.num_segments, config.num_frames)
        self.grid = (
            min(dims.grid_height, config.max_side),
            min(dims.grid_width, config.max_side),
        )
        self.embedding = nn.Embedding(dims.num_words, config.embedding_width)
        self.question_lstm = nn.LSTM(config.embedding_width, width, batch_first=True)
        self.audio_encoder = nn.Linear(dims.audio_width, config.channels)
        self.visual_encoder = map_projection(dims, config.channels)
        self.audio_in = nn.Linear(config.channels, width)
        self.visual_in = nn.Linear(config.channels, width)
        self.attention = FactorGraphAttention(len(self.frames) + 2, width, config.dropout)
        self.fusion_lstm = nn.LSTM(width, width, batch_first=True)
        self.answer_head = nn.Sequential(
            nn.Linear(config.channels, width),
            nn.Tanh(),
            nn.Dropout(config.dropout),
            last_layer(width, dims, phrase_width=width),
        )

    @property
    def answer_layer(self) -> nn.Module:
        """Return the layer behind the fused vector."""
        return self.answer_head[-1]

    def encode(self, batch: FeatureBatch) -> Features:
        """Return f^a [B, T, C], f^v [B, T, C, H, W] and f^t [B, C], h and c at the last word."""
        states, (hidden, cell) = self._listened(batch.tokens)
        visual = rearrange(batch.visual, "B T D H W -> (B T) D H W")
        visual = self.visual_encoder(visual)
        return Features(
            audio=self.audio_encoder(batch.audio),
            visual=rearrange(visual, "(B T) C H W -> B T C H W", B=len(batch)),
            question=torch.cat([hidden[-1], cell[-1]], dim=-1),
            tokens=batch.tokens,
            candidates=read_candidates(batch.candidates, self._read),
            extras={
                **batch.extras,
                "question_id": batch.question_id,
                "question_states": states,  # C/2 wide, so not ``words``
            },
        )

    def _listened(
        self, tokens: Int[Tensor, "B N"]
    ) -> tuple[Float[Tensor, "B N d"], tuple[Float[Tensor, "1 B d"], Float[Tensor, "1 B d"]]]:
        """Return the state after each word, and h and c after the last one.

        Through the padding the LSTM would forget what was asked, and nothing here teaches it not
        to: only a completer reads the end.
        """
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(tokens),
            _is_word(tokens).sum(dim=1).cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        states, last = self.question_lstm(packed)
        length = tokens.shape[1]
        padded, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=length)
        return padded, last

    def _read(self, tokens: Int[Tensor, "n M"]) -> Float[Tensor, "n d"]:
        """Return what the question's LSTM knows after the last word."""
        return after_last_word(self.question_lstm(self.embedding(tokens))[0], tokens)

    def answer(self, features: Features) -> Answers:
        """Return logits over the answers; details hold the weights over words, cells, segments."""
        words = features.extras["question_states"]
        assert features.tokens is not None
        elements = [words, self.audio_in(features.audio), *self._looked_at(features.visual)]
        masks = [_is_word(features.tokens)]
        masks += [one.new_ones(one.shape[:2], dtype=torch.bool) for one in elements[1:]]
        priors = [_at_last_word(features.tokens).to(words.dtype)]
        priors += [one.new_zeros(one.shape[:2]) for one in elements[1:]]
        attended, weights = self.attention(elements, masks, priors)
        question, *clip = attended
        # cuDNN has no way back through an LSTM that evaluates, and plug_in learns through this one
        way_back = torch.is_grad_enabled() and not self.training
        with torch.backends.cudnn.flags(enabled=False) if way_back else nullcontext():
            _, (last, _) = self.fusion_lstm(torch.stack(clip, dim=1))
        fused = self.answer_head(torch.cat([question, last[-1]], dim=-1))
        return Answers(
            logits=logits_of(fused, features.candidates),
            details={
                "word_weights": weights[0],
                "audio_weights": weights[1],
                "cell_weights": torch.stack(weights[2:], dim=1),
            },
        )

    def _looked_at(self, visual: Float[Tensor, "B T C H W"]) -> list[Float[Tensor, "B cells d"]]:
        chosen = rearrange(visual[:, list(self.frames)], "B F C H W -> (B F) C H W")
        cells = rearrange(functional.adaptive_avg_pool2d(chosen, self.grid), "n C h w -> n (h w) C")
        frames = rearrange(self.visual_in(cells), "(B F) n d -> F B n d", F=len(self.frames))
        return list(frames)


def _evenly_spaced(num_segments: int, count: int) -> tuple[int, ...]:
    """Return ``count`` segments from the first to the last: 0, 3, 6 and 9 of ten."""
    count = min(count, num_segments)
    apart = (num_segments - 1) / max(count - 1, 1)
    return tuple(round(number * apart) for number in range(count))


def _is_word(tokens: Int[Tensor, "B N"]) -> Bool[Tensor, "B N"]:
    """Return where a question has words; its first place counts even if it is empty."""
    return (tokens != 0) | (torch.arange(tokens.shape[1], device=tokens.device) == 0)


def _at_last_word(tokens: Int[Tensor, "B N"]) -> Float[Tensor, "B N"]:
    """Return one at the last word that is not padding, zero elsewhere."""
    last = _is_word(tokens).sum(dim=1) - 1
    return functional.one_hot(last, tokens.shape[1]).float()
