"""AVST: spatio-temporal grounding for audio-visual questions (Li et al., CVPR 2022, Sec. 4).

The network that most of the paper's tables are about. Audio grounds itself in each frame, the
question grounds itself in time, and a product with the question gives the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.backbones.answer_head import last_layer, logits_of, read_candidates
from avqa_core.backbones.base import Backbone, BackboneConfig, backbones, map_projection
from avqa_core.backbones.question_encoder import QuestionEncoder
from avqa_core.backbones.reader import BoundReader
from avqa_core.config import require, require_at_least, require_dropout
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.types import Answers, FeatureBatch, FeatureDims, Features, LossTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class AVSTConfig(BackboneConfig):
    """Sizes and options of AVST; the published network is what the defaults build.

    Departure: ``positions`` is ours. The published network has no order in time or place beyond
    what the stored features leak, so it cannot tell first from last or left from right.
    ``forget_bias`` is only an initial value: with torch's own, the LSTM has forgotten which
    instrument was asked about before it is through the padding (over questions that differ in one
    instrument its vector then varies by less than a hundredth of its length), and training starts
    on a plateau.

    Attributes:
        num_heads: of the question's attention over time.
        dropout: in that attention and behind it.
        match_weight: weight of the matching loss.
        positions: ``none`` as published, or ``learned``: beside the published path to the answer
            runs one that is bound to words, time and place, see ``BoundReader``.
        reader_width: units of its widest layer.
        forget_bias: initial bias of the LSTM's forget gate.
    """

    num_heads: int = 4
    dropout: float = 0.1
    match_weight: float = 0.5
    positions: Literal["none", "learned"] = "none"
    reader_width: int = 1024
    forget_bias: float = 4.0

    def __post_init__(self) -> None:
        require_at_least("AVST", self, 1, "channels", "num_heads", "reader_width")
        require_at_least("AVST", self, 0, "match_weight")
        require(
            self.channels % math.lcm(4, self.num_heads) == 0,
            f"AVST: expected channels divisible by 4 and by num_heads={self.num_heads}, "
            f"got {self.channels}: choose another size",
        )
        require_dropout("AVST", self)
        require(
            math.isfinite(self.forget_bias),
            f"AVST: expected a finite forget_bias, got {self.forget_bias}",
        )


class QuestionOverTime(nn.Module):
    """The question attends over T tokens; a feed-forward block and a norm follow, Sec. 4.3."""

    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(
            channels, num_heads, dropout=dropout, batch_first=True
        )
        self.feed_forward = nn.Sequential(
            nn.Linear(channels, channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(channels, channels),
            nn.Dropout(dropout),
        )
        self.norm = nn.LayerNorm(channels)

    def forward(
        self,
        question: Float[Tensor, "B C"],
        tokens: Float[Tensor, "B T C"],
        prompts: Float[Tensor, "B P C"] | None = None,
    ) -> tuple[Float[Tensor, "B C"], Float[Tensor, "B T"]]:
        """Return the attended vector and the weights over segments.

        ``prompts`` stand before the tokens, the first half of them as keys and the second half as
        values, as in prefix tuning; what they take of the weights is missing from the segments'.
        """
        keys, values, padding = tokens, tokens, None
        if prompts is not None:
            before = prompts.chunk(2, dim=1)
            keys, values = (torch.cat([one, tokens], dim=1) for one in before)
            is_none = ~prompts.flatten(1).any(dim=1, keepdim=True)
            padding = functional.pad(
                is_none.expand(-1, before[0].shape[1]), (0, tokens.shape[1]), value=False
            )
        attended, weights = self.attention(
            question[:, None], keys, values, key_padding_mask=padding
        )
        attended = attended[:, 0]
        over_segments = weights[:, 0, -tokens.shape[1] :]
        return self.norm(attended + self.feed_forward(attended)), over_segments


@backbones.register("avst", AVSTConfig)
class AVST(Backbone):
    """The AVST network; 7,916,716 parameters at C=512, D=128, 93 words, 42 answers."""

    reads_prompts = True

    def __init__(self, config: AVSTConfig, dims: FeatureDims) -> None:
        super().__init__()
        self.config, self.channels = config, config.channels
        self.needs_negatives = config.match_weight > 0.0
        channels = config.channels
        self.question_encoder = QuestionEncoder(dims.num_words, channels, config.forget_bias)
        self.audio_encoder = nn.Sequential(
            nn.Linear(dims.audio_width, channels), nn.ReLU(), nn.Linear(channels, channels)
        )
        self.visual_encoder = map_projection(dims, channels)
        self.visual_token = nn.Linear(2 * channels, channels)
        self.match_head = nn.Sequential(
            nn.Linear(2 * channels, channels),
            nn.ReLU(),
            nn.Linear(channels, channels // 2),
            nn.ReLU(),
            nn.Linear(channels // 2, channels // 4),
            nn.ReLU(),
            nn.Linear(channels // 4, 2),
        )
        self.audio_over_time = QuestionOverTime(channels, config.num_heads, config.dropout)
        self.visual_over_time = QuestionOverTime(channels, config.num_heads, config.dropout)
        self.fusion = nn.Linear(2 * channels, channels)
        self.answer_head = last_layer(channels, dims, channels)
        self.reader = (
            BoundReader(channels, dims, width=config.reader_width)
            if config.positions == "learned"
            else None
        )

    @property
    def answer_layer(self) -> nn.Module:
        """Return the layer behind the fused vector."""
        return self.answer_head

    @classmethod
    def from_reference(cls, path: Path | str, vocabulary: Vocabulary) -> AVST:
        """Read a checkpoint that the published program wrote; see ``published.read_avst``.

        Args:
            path: ``.pt``, ``.pth`` or ``.safetensors``; nothing in it is run.
            vocabulary: words and answers in the order the checkpoint was trained with.

        Raises:
            CheckpointError: unreadable, or it does not fit the vocabulary or the network.
        """
        from avqa_core.published import read_avst  # it imports this module

        return read_avst(path, vocabulary)

    def encode(self, batch: FeatureBatch) -> Features:
        """Return f^a [B, T, C], f^v [B, T, C, H, W] and f^t [B, C]."""
        question, words = self.question_encoder(batch.tokens)
        visual = rearrange(batch.visual, "B T D H W -> (B T) D H W")
        visual = self.visual_encoder(visual)
        return Features(
            audio=self.audio_encoder(batch.audio),
            visual=rearrange(visual, "(B T) C H W -> B T C H W", B=len(batch)),
            question=question,
            words=words,
            tokens=batch.tokens,
            candidates=read_candidates(batch.candidates, self.question_encoder.read),
            extras={**batch.extras, "question_id": batch.question_id},
        )

    def ground(
        self, audio: Float[Tensor, "B T C"], visual: Float[Tensor, "B T C H W"]
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B T H W"]]:
        """Return the visual token of each segment and where in the frame the audio looked.

        Spatial grounding of AVST, Sec. 4.2: cosine of audio and location, softmax over locations.
        """
        locations = rearrange(visual, "B T C H W -> (B T) C (H W)")
        # Dividing by lengths afterwards saves two copies of the map, which is most of the memory.
        # Cut off before the root, whose gradient at zero is infinite: a blank place has length 0.
        lengths = locations.square().sum(dim=1, keepdim=True).clamp(min=1e-24).sqrt()
        unit_audio = rearrange(functional.normalize(audio, dim=-1), "B T C -> (B T) 1 C")
        weights = (torch.bmm(unit_audio, locations) / lengths).softmax(dim=-1)
        average = torch.full_like(weights, 1 / weights.shape[-1])
        shares = torch.cat([average, weights / lengths], dim=1)
        summed = torch.bmm(shares, locations.transpose(1, 2))
        pooled, grounded = rearrange(summed, "(B T) n C -> n B T C", B=audio.shape[0])
        token = self.visual_token(torch.tanh(torch.cat([pooled, grounded], dim=-1)))
        return token, rearrange(
            weights, "(B T) 1 (H W) -> B T H W", B=audio.shape[0], H=visual.shape[-2]
        )

    def answer(self, features: Features) -> Answers:
        """Return logits over the answers; details hold the attention maps."""
        audio, question = features.audio, features.question
        token, spatial_weights = self.ground(audio, features.visual)
        for_audio, for_visual = (
            (None, None) if features.prompts is None else features.prompts.unbind(dim=1)
        )
        audio_attended, audio_weights = self.audio_over_time(question, audio, for_audio)
        visual_attended, visual_weights = self.visual_over_time(question, token, for_visual)
        heard, seen = audio.mean(dim=1), token.mean(dim=1)
        fused = self.fusion(
            torch.tanh(torch.cat([audio_attended + heard, visual_attended + seen], dim=-1))
        )
        state = torch.tanh(fused * question)
        if self.reader is not None:
            words = self.question_encoder.embedding(features.tokens)
            state = state + self.reader(
                audio, features.visual, question, words, features.words, features.tokens
            )
        return Answers(
            logits=logits_of(self.answer_head(state), features.candidates),
            details={
                "spatial_weights": spatial_weights,
                "audio_weights": audio_weights,
                "visual_weights": visual_weights,
            },
        )

    def loss(self, features: Features, answers: Answers, batch: FeatureBatch) -> LossTerms:
        """Return the matching loss: does this frame belong to this sound? (Sec. 4.2).

        Positives are the pair's own segments, negatives the same audio beside frames of other
        clips; cross-entropy over 2 B T rows. Without negatives in the batch there is no term.

        Departure: the program released with the paper adds it in all three passes of Eq. 8, and so
        do we, for every completer. In two passes one half of each positive pair was filled in: with
        zeros for the sound, positives and negatives cannot be told apart, and the term is noise.
        """
        if batch.negative_visual is None or self.config.match_weight == 0.0:
            return LossTerms()
        strangers = rearrange(batch.negative_visual, "B T D H W -> (B T) D H W")
        strangers = rearrange(
            self.visual_encoder(strangers), "(B T) C H W -> B T C H W", B=len(batch)
        )
        pairs = []
        for visual in (features.visual, strangers):
            token, _ = self.ground(features.audio, visual)
            pairs.append(self.match_head(torch.cat([features.audio, token], dim=-1)).flatten(0, 1))
        logits = torch.cat(pairs)
        label = torch.zeros(logits.shape[0], dtype=torch.long, device=logits.device)
        label[: logits.shape[0] // 2] = 1
        values = functional.cross_entropy(logits, label, reduction="none")
        return LossTerms.mean("match", values, weight=self.config.match_weight)
