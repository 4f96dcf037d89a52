"""PSTP-Net: progressive spatio-temporal perception (Li, Hou, Hu; ACM Multimedia 2023, Sec. 3).

The question chooses segments of the clip, then places in their frames; the sound looks at those
places. What was chosen, what both streams tell each other over the whole clip, and the words of the
question are fused by one layer of self-attention.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int
from torch import Tensor, nn

from avqa_core.backbones.answer_head import last_layer, logits_of, read_candidates
from avqa_core.backbones.avst import QuestionOverTime
from avqa_core.backbones.base import Backbone, BackboneConfig, backbones
from avqa_core.backbones.question_encoder import QuestionEncoder
from avqa_core.config import require, require_at_least, require_dropout
from avqa_core.types import Answers, FeatureBatch, FeatureDims, Features


@dataclass(frozen=True, slots=True, kw_only=True)
class PSTPNetConfig(BackboneConfig):
    """Sizes and options of PSTP-Net.

    Attributes:
        num_heads: of the attention that selects, and of the sound's over places.
        num_parts: that a minute is cut into; a shorter clip has ``num_short_parts``.
        num_short_parts: ten seconds make five parts of two.
        top_parts: parts that are kept.
        kept_places: share of the places of a frame that are kept; 25 of 49 as published.
        fusion: ``all`` tokens, or ``avw``, what the released program reads: both streams and words.
        dropout: in the attentions that attend, and behind them; not where segments are selected.
        forget_bias: of the question encoder, see ``AVSTConfig``.
    """

    num_heads: int = 4
    num_parts: int = 12
    num_short_parts: int = 5
    top_parts: int = 2
    kept_places: float = 25 / 49
    fusion: Literal["all", "avw"] = "all"
    dropout: float = 0.1
    forget_bias: float = 4.0

    def __post_init__(self) -> None:
        counts = ("channels", "num_heads", "num_parts", "num_short_parts", "top_parts")
        require_at_least("PSTP-Net", self, 1, *counts)
        require(
            self.channels % self.num_heads == 0,
            f"PSTP-Net: expected channels divisible by num_heads={self.num_heads}, "
            f"got {self.channels}: choose another size",
        )
        require(
            0.0 < self.kept_places <= 1.0,
            f"PSTP-Net: expected kept_places in (0, 1], got {self.kept_places}",
        )
        require_dropout("PSTP-Net", self)
        require(
            math.isfinite(self.forget_bias),
            f"PSTP-Net: expected a finite forget_bias, got {self.forget_bias}",
        )


class Selection(nn.Module):
    """The question shares its attention among items, and the items with the most are kept.

    Departure: the published module also projects values and has a feed-forward block; nothing reads
    them, so they are left out, and with them its dropout. Keeping the largest has no gradient
    either: the kept items are multiplied by share / share, which is one, and whose gradient is that
    of the logarithm of the share.
    """

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels, bias=False)  # the softmax would not notice a bias

    def forward(
        self, question: Float[Tensor, "B C"], items: Float[Tensor, "B n C"], count: int
    ) -> tuple[Int[Tensor, "B count"], Float[Tensor, "B count"], Float[Tensor, "B n"]]:
        """Return which items are kept, in their order; the ones to multiply by; all shares."""
        query = rearrange(self.query(question), "B (h d) -> B h d", h=self.num_heads)
        key = rearrange(self.key(items), "B n (h d) -> B h n d", h=self.num_heads)
        scores = torch.einsum("bhd,bhnd->bhn", query, key) / query.shape[-1] ** 0.5
        shares = scores.softmax(dim=-1).mean(dim=1)
        kept = shares.topk(count, dim=-1).indices.sort(dim=-1).values
        # A share that underflows would be 0 / 0; what is cut off here has no gradient any more.
        chosen = shares.gather(1, kept).clamp(min=torch.finfo(shares.dtype).tiny)
        return kept, chosen / chosen.detach(), shares


class HybridLayer(nn.Module):
    """Each stream looks at itself and at the other; one layer serves both (GLP, Sec. 3.5).

    The hybrid attention of Tian et al. (ECCV 2020).
    """

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.itself = nn.MultiheadAttention(channels, 1, dropout=dropout, batch_first=True)
        self.other = nn.MultiheadAttention(channels, 1, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(channels)
        self.feed_forward = nn.Sequential(
            nn.Linear(channels, channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(channels, channels),
            nn.Dropout(dropout),
        )
        self.last_norm = nn.LayerNorm(channels)

    def forward(
        self, stream: Float[Tensor, "B T C"], other: Float[Tensor, "B T C"]
    ) -> Float[Tensor, "B T C"]:
        """Return the stream after the layer."""
        at_itself, _ = self.itself(stream, stream, stream, need_weights=False)
        at_other, _ = self.other(stream, other, other, need_weights=False)
        stream = self.norm(stream + self.dropout(at_itself) + self.dropout(at_other))
        return self.last_norm(stream + self.feed_forward(stream))


@backbones.register("pstp_net", PSTPNetConfig)
class PSTPNet(Backbone):
    """PSTP-Net from its description, with every module in use.

    Departure: the released program computes the selections and then fuses the unselected streams,
    so that its own modules never learn; ``fusion="avw"`` is that, ``"all"`` the description. The
    CLS token of a frame is the mean of its places, so that a completer can stand in for it, and the
    question is encoded as in AVST instead of by CLIP, whose features of questions no store has yet.
    """

    def __init__(self, config: PSTPNetConfig, dims: FeatureDims) -> None:
        super().__init__()
        self.config, self.channels = config, config.channels
        channels, num_places = config.channels, dims.grid_height * dims.grid_width
        self.part_length = _part_length(dims.num_segments, config)
        num_parts = dims.num_segments // self.part_length
        self.top_parts = min(config.top_parts, num_parts)
        self.top_places = max(1, round(config.kept_places * num_places))
        self.question_encoder = QuestionEncoder(dims.num_words, channels, config.forget_bias)
        self.audio_encoder = nn.Linear(dims.audio_width, channels)
        self.visual_encoder = nn.Conv2d(dims.visual_width, channels, 1)
        if config.fusion == "all":
            self.part_token = nn.Linear(2 * channels, channels)
            self.choose_parts = Selection(channels, config.num_heads)
            self.choose_places = Selection(channels, config.num_heads)
            self.sound_over_places = QuestionOverTime(channels, config.num_heads, config.dropout)
            self.both_streams = HybridLayer(channels, config.dropout)
        self.fuse = nn.TransformerEncoderLayer(
            channels, 1, dim_feedforward=channels, dropout=config.dropout, batch_first=True
        )
        self.answer_head = last_layer(channels, dims, channels)

    @property
    def answer_layer(self) -> nn.Module:
        """Return the layer behind the fused vector."""
        return self.answer_head

    def encode(self, batch: FeatureBatch) -> Features:
        """Return f^a, f^v on the grid of places, f^t and the words of the question."""
        question, words = self.question_encoder(batch.tokens)
        visual = self.visual_encoder(rearrange(batch.visual, "B T D H W -> (B T) D H W"))
        return Features(
            audio=self.audio_encoder(batch.audio),
            visual=rearrange(visual, "(B T) C H W -> B T C H W", B=len(batch)),
            question=question,
            words=words,
            tokens=batch.tokens,
            candidates=read_candidates(batch.candidates, self.question_encoder.read),
            extras={**batch.extras, "question_id": batch.question_id},
        )

    def answer(self, features: Features) -> Answers:
        """Return logits over the answers; details hold the shares of parts and places."""
        assert features.words is not None
        audio, question = features.audio, features.question
        places = rearrange(features.visual, "B T C H W -> B T (H W) C")
        frames = places.mean(dim=2)
        tokens: list[Tensor] = [audio, frames]
        details: dict[str, Tensor] = {}
        if self.config.fusion == "all":
            chosen, details = self._perceived(audio, frames, places, question)
            tokens += chosen
        fused = self.fuse(torch.cat([*tokens, features.words], dim=1)).mean(dim=1)
        last = self.answer_head(torch.tanh(fused * question))
        return Answers(logits=logits_of(last, features.candidates), details=details)

    def _perceived(
        self,
        audio: Float[Tensor, "B T C"],
        frames: Float[Tensor, "B T C"],
        places: Float[Tensor, "B T places C"],
        question: Float[Tensor, "B C"],
    ) -> tuple[list[Float[Tensor, "B _ C"]], dict[str, Tensor]]:
        """Return the tokens that the published modules add, and what they chose."""
        pair = torch.cat([audio, frames], dim=-1)
        parts = rearrange(pair, "B (P l) C -> B P l C", l=self.part_length).mean(dim=2).tanh()
        kept, ones, part_shares = self.choose_parts(
            question, self.part_token(parts), self.top_parts
        )
        seconds = rearrange(
            kept[..., None] * self.part_length + torch.arange(self.part_length, device=kept.device),
            "B k l -> B (k l)",
        )
        weight = ones.repeat_interleave(self.part_length, dim=1)
        heard = _at(audio, seconds) * weight[..., None]
        seen = _at(frames, seconds) * weight[..., None]
        looked_at = rearrange(_at(places, seconds), "B s n C -> (B s) n C")
        asked = repeat(question, "B C -> (B s) C", s=seconds.shape[1])
        kept_places, ones, place_shares = self.choose_places(asked, looked_at, self.top_places)
        spots = _at(looked_at, kept_places) * ones[..., None]
        listening = rearrange(heard, "B s C -> (B s) C")
        pointed, _ = self.sound_over_places(listening, spots)
        rows = len(audio)
        tokens = [
            self.both_streams(audio, frames),
            self.both_streams(frames, audio),
            heard,
            seen,
            rearrange(spots, "(B s) m C -> B (s m) C", B=rows),
            rearrange(pointed, "(B s) C -> B s C", B=rows),
        ]
        return tokens, {
            "part_shares": part_shares,
            "seconds": seconds,
            "place_shares": rearrange(place_shares, "(B s) n -> B s n", B=rows),
        }


def _at(items: Float[Tensor, "B n ..."], ids: Int[Tensor, "B k"]) -> Float[Tensor, "B k ..."]:
    """Return the items of each row at its own places."""
    index = ids.reshape(*ids.shape, *[1] * (items.ndim - 2))
    return items.gather(1, index.expand(*ids.shape, *items.shape[2:]))


def _part_length(num_segments: int, config: PSTPNetConfig) -> int:
    """Return how many segments make a part: the largest divisor that leaves parts enough."""
    num_parts = config.num_parts if num_segments >= 60 else config.num_short_parts
    longest = max(1, num_segments // num_parts)
    return next(one for one in range(longest, 0, -1) if num_segments % one == 0)
