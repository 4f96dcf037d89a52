"""Pano-AVQA: three transformers that look at each other (Yun et al., ICCV 2021).

"Pano-AVQA: Grounded Audio-Visual Question Answering on 360-degree Videos", Sec. 4: a stream each
for language, sound and picture, then cross layers in which language looks at sound, sound at the
picture and the picture at language. The answer is read from the first token of each stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from avqa_core.backbones.answer_head import last_layer, logits_of, read_candidates
from avqa_core.backbones.base import Backbone, BackboneConfig, backbones, map_projection
from avqa_core.config import require, require_at_least, require_dropout
from avqa_core.types import Answers, FeatureBatch, FeatureDims, Features

EPS = 1e-12  # of every norm, as in BERT, which the published network starts from


@dataclass(frozen=True, slots=True, kw_only=True)
class PanoAVQAConfig(BackboneConfig):
    """Sizes of Pano-AVQA.

    Departure: the published network is 768 wide with 9, 5, 5 and 5 layers, 318 million parameters
    that start from BERT; 32,000 questions do not train them from nothing. Here C is the width, and
    a third of the layers is kept.

    Attributes:
        num_heads: of every attention.
        language_layers: of the language stream.
        audio_layers: of the sound's stream.
        visual_layers: of the picture's stream.
        cross_layers: in which the streams look at each other.
        widening: of the feed-forward blocks, times C.
        dropout: everywhere.
    """

    num_heads: int = 8
    language_layers: int = 3
    audio_layers: int = 2
    visual_layers: int = 2
    cross_layers: int = 2
    widening: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        layers = ("language_layers", "audio_layers", "visual_layers", "cross_layers")
        require_at_least("Pano-AVQA", self, 1, "channels", "num_heads", "widening")
        require_at_least("Pano-AVQA", self, 0, *layers)
        require(
            self.channels % self.num_heads == 0,
            f"Pano-AVQA: expected channels divisible by num_heads={self.num_heads}, "
            f"got {self.channels}: choose another size",
        )
        require_dropout("Pano-AVQA", self)


class FeedForward(nn.Module):
    """Two layers with a GELU between, added to the input and normalised."""

    def __init__(self, channels: int, widening: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels, widening * channels),
            nn.GELU(),
            nn.Linear(widening * channels, channels),
            nn.Dropout(dropout),
        )
        self.norm = nn.LayerNorm(channels, eps=EPS)

    def forward(self, tokens: Float[Tensor, "B n C"]) -> Float[Tensor, "B n C"]:
        """Return the tokens with what the layers add."""
        return self.norm(tokens + self.layers(tokens))


class Attention(nn.Module):
    """Tokens look at tokens, of their own stream or another; added and normalised."""

    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(
            channels, num_heads, dropout=dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(channels, eps=EPS)

    def forward(
        self,
        tokens: Float[Tensor, "B n C"],
        looked_at: Float[Tensor, "B m C"],
        padding: Bool[Tensor, "B m"] | None = None,
    ) -> Float[Tensor, "B n C"]:
        """Return the tokens with what they found; nobody looks where ``padding`` is True."""
        found, _ = self.attention(
            tokens, looked_at, looked_at, key_padding_mask=padding, need_weights=False
        )
        return self.norm(tokens + self.dropout(found))


class SelfLayer(nn.Module):
    """One layer of a stream: self-attention, then the feed-forward block."""

    def __init__(self, config: PanoAVQAConfig) -> None:
        super().__init__()
        self.attention = Attention(config.channels, config.num_heads, config.dropout)
        self.feed_forward = FeedForward(config.channels, config.widening, config.dropout)

    def forward(
        self, tokens: Float[Tensor, "B n C"], padding: Bool[Tensor, "B n"] | None = None
    ) -> Float[Tensor, "B n C"]:
        """Return the tokens after the layer."""
        return self.feed_forward(self.attention(tokens, tokens, padding))


class CrossLayer(nn.Module):
    """Language looks at sound, sound at the picture, the picture at language; then each at itself.

    All three look at what the others were at the start of the layer.
    """

    def __init__(self, config: PanoAVQAConfig) -> None:
        super().__init__()
        sizes = (config.channels, config.num_heads, config.dropout)
        self.language_to_audio = Attention(*sizes)
        self.audio_to_visual = Attention(*sizes)
        self.visual_to_language = Attention(*sizes)
        self.language, self.audio, self.visual = (SelfLayer(config) for _ in range(3))

    def forward(
        self,
        language: Float[Tensor, "B N1 C"],
        audio: Float[Tensor, "B T1 C"],
        visual: Float[Tensor, "B T1 C"],
        padding: Bool[Tensor, "B N1"],
    ) -> tuple[Float[Tensor, "B N1 C"], Float[Tensor, "B T1 C"], Float[Tensor, "B T1 C"]]:
        """Return the three streams after the layer."""
        found = (
            self.language_to_audio(language, audio),
            self.audio_to_visual(audio, visual),
            self.visual_to_language(visual, language, padding),
        )
        return self.language(found[0], padding), self.audio(found[1]), self.visual(found[2])


class Stream(nn.Module):
    """The tokens of one modality behind their mean token: projected, normalised, then layers."""

    def __init__(self, config: PanoAVQAConfig, num_layers: int) -> None:
        super().__init__()
        self.project = nn.Linear(config.channels, config.channels)
        self.norm = nn.LayerNorm(config.channels, eps=EPS)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(SelfLayer(config) for _ in range(num_layers))

    def forward(self, segments: Float[Tensor, "B T C"]) -> Float[Tensor, "B T1 C"]:
        """Return the mean token and a token for each segment."""
        tokens = torch.cat([segments.mean(dim=1, keepdim=True), segments], dim=1)
        tokens = self.dropout(self.norm(self.project(tokens)))
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens


class Language(nn.Module):
    """Words with positions behind a token of their own for the whole question, then layers."""

    def __init__(self, config: PanoAVQAConfig, dims: FeatureDims) -> None:
        super().__init__()
        self.words = nn.Embedding(dims.num_words, config.channels)
        self.whole = nn.Parameter(0.02 * torch.randn(config.channels))
        self.positions = nn.Parameter(0.02 * torch.randn(dims.num_tokens + 1, config.channels))
        self.norm = nn.LayerNorm(config.channels, eps=EPS)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(SelfLayer(config) for _ in range(config.language_layers))

    def forward(self, tokens: Int[Tensor, "B N"]) -> Float[Tensor, "B N1 C"]:
        """Return the token of the whole question and one for each word."""
        words = self.words(tokens)
        whole = self.whole.expand(len(tokens), 1, -1)
        states = torch.cat([whole, words], dim=1) + self.positions[: tokens.shape[1] + 1]
        states = self.dropout(self.norm(states))
        padding = padding_of(tokens)
        for layer in self.layers:
            states = layer(states, padding)
        return states


def padding_of(tokens: Int[Tensor, "B N"]) -> Bool[Tensor, "B N1"]:
    """Return True where the language stream holds padding; the whole question never is."""
    return nn.functional.pad(tokens == 0, (1, 0), value=False)


@backbones.register("pano_avqa", PanoAVQAConfig)
class PanoAVQA(Backbone):
    """The network of Pano-AVQA on segments of a clip.

    Departure: the published network sees 36 detected objects and a stereo pair of audio events with
    their coordinates on the sphere. Here the picture has one token a segment, the mean over its
    grid, the sound one a segment, and neither has coordinates. Of its losses, that of the answer is
    kept: the others need boxes, or belong to its pre-training.
    """

    def __init__(self, config: PanoAVQAConfig, dims: FeatureDims) -> None:
        super().__init__()
        self.config, self.channels = config, config.channels
        channels = config.channels
        self.audio_encoder = nn.Linear(dims.audio_width, channels)
        self.visual_encoder = map_projection(dims, channels)
        self.language = Language(config, dims)
        self.audio = Stream(config, config.audio_layers)
        self.visual = Stream(config, config.visual_layers)
        self.cross = nn.ModuleList(CrossLayer(config) for _ in range(config.cross_layers))
        self.poolers = nn.ModuleList(
            nn.Sequential(nn.Linear(channels, channels), nn.Tanh()) for _ in range(3)
        )
        self.answer_head = nn.Sequential(
            nn.Linear(3 * channels, 6 * channels),
            nn.GELU(),
            nn.LayerNorm(6 * channels, eps=EPS),
            last_layer(6 * channels, dims, phrase_width=channels),
        )

    @property
    def answer_layer(self) -> nn.Module:
        """Return the layer behind the fused vector."""
        return self.answer_head[-1]

    def encode(self, batch: FeatureBatch) -> Features:
        """Return f^a, f^v, and f^t: the question's own token after the language stream."""
        states = self.language(batch.tokens)
        visual = self.visual_encoder(rearrange(batch.visual, "B T D H W -> (B T) D H W"))
        return Features(
            audio=self.audio_encoder(batch.audio),
            visual=rearrange(visual, "(B T) C H W -> B T C H W", B=len(batch)),
            question=states[:, 0],
            words=states[:, 1:],
            tokens=batch.tokens,
            candidates=read_candidates(batch.candidates, self._read),
            extras={**batch.extras, "question_id": batch.question_id},
        )

    def _read(self, tokens: Int[Tensor, "n M"]) -> Float[Tensor, "n C"]:
        """Return the language stream's token for the whole phrase; it never looks at padding."""
        return self.language(tokens)[:, 0]

    def answer(self, features: Features) -> Answers:
        """Return logits over the answers."""
        assert features.words is not None and features.tokens is not None
        language = torch.cat([features.question[:, None], features.words], dim=1)
        padding = padding_of(features.tokens)
        audio = self.audio(features.audio)
        visual = self.visual(features.visual.mean(dim=(-2, -1)))
        for layer in self.cross:
            language, audio, visual = layer(language, audio, visual, padding)
        firsts = (language[:, 0], audio[:, 0], visual[:, 0])
        pooled = [pool(one) for pool, one in zip(self.poolers, firsts, strict=True)]
        last = self.answer_head(torch.cat(pooled, dim=-1))
        return Answers(logits=logits_of(last, features.candidates))
