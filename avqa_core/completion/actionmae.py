"""ActionMAE: drop modalities, and learn to predict their tokens (Woo et al., AAAI 2023).

"Towards Good Practices for Missing Modality Robust Action Recognition", Sec. 3: what is present is
encoded together with memory tokens, a decoder predicts what was dropped from mask tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.completion.vectors import OverTheGrid
from avqa_core.config import require, require_at_least, require_dropout
from avqa_core.types import Completion, Features, LossTerms, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionMAEConfig(CompleterConfig):
    """The published sizes; C takes the place of their 512.

    Attributes:
        num_memory_tokens: that the encoder may write into.
        encoder_layers: on what is present.
        decoder_layers: on everything, with mask tokens where something is absent.
        num_heads: of every attention.
        widening: of the feed-forward blocks, times C.
        dropout: in every layer.
    """

    num_memory_tokens: int = 4
    encoder_layers: int = 2
    decoder_layers: int = 2
    num_heads: int = 8
    widening: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        counts = ("num_memory_tokens", "encoder_layers", "decoder_layers", "num_heads", "widening")
        require_at_least("actionmae", self, 1, *counts)
        require_dropout("actionmae", self)


@completers.register("actionmae", ActionMAEConfig)
class ActionMAE(Completer):
    """A masked autoencoder over the segments of both modalities, in the context of the question.

    Departure: the published method has one token a modality and classifies from decoded tokens;
    here there is one a segment and modality, what is predicted takes the place of what is absent,
    and the question's token is never dropped. A picture is predicted as one vector a segment, laid
    over the grid together with a learned pattern. Tokens have embeddings of their modality and
    segment, which the released program declares and does not add. Its targets are normalised token
    by token, and so is the prediction when it is compared: the answers set its scale. The answer
    loss is that of every method here, without the published smoothing of labels by 0.1. The
    published training drops a random number of modalities, none among them, drawn once a batch;
    here it sees the passes of Eq. 8, as every method does, with the optimiser of every method.
    """

    def __init__(self, config: ActionMAEConfig, dims: GridDims) -> None:
        super().__init__()
        require(
            dims.channels % config.num_heads == 0,
            f"actionmae: expected channels divisible by num_heads={config.num_heads}, "
            f"got {dims.channels}: choose another size",
        )
        self.config, self.dims = config, dims
        channels = dims.channels
        self.memory = nn.Parameter(0.02 * torch.randn(config.num_memory_tokens, channels))
        self.mask = nn.Parameter(0.02 * torch.randn(channels))
        self.modality = nn.Parameter(0.02 * torch.randn(2, channels))
        self.segment = nn.Parameter(0.02 * torch.randn(dims.num_segments, channels))
        self.encoder = _layers(channels, config, config.encoder_layers)
        self.decoder = _layers(channels, config, config.decoder_layers)
        self.audio_out = nn.Linear(channels, channels)
        self.visual_out = OverTheGrid(dims)

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Predict every segment of both modalities; only absent ones replace anything."""
        seen = features.blanked(availability)
        num_segments = seen.audio.shape[1]
        places = self.modality[:, None] + self.segment[:num_segments]
        segments = torch.stack([seen.audio, seen.visual.mean(dim=(-2, -1))], dim=1)
        tokens = rearrange(segments + places, "B m T C -> B (m T) C")
        is_absent = rearrange(~availability, "B T m -> B (m T)")
        context = torch.cat(
            [seen.question[:, None], self.memory.expand(len(tokens), -1, -1)], dim=1
        )
        never = is_absent.new_zeros(context.shape[:2])
        encoded = self.encoder(
            torch.cat([context, tokens], dim=1),
            src_key_padding_mask=torch.cat([never, is_absent], dim=1),
        )
        context, present = encoded.split([context.shape[1], tokens.shape[1]], dim=1)
        masks = rearrange(self.mask + places, "m T C -> 1 (m T) C")
        filled = torch.where(is_absent[..., None], masks, present)
        decoded = self.decoder(torch.cat([context, filled], dim=1))[:, context.shape[1] :]
        audio, visual = rearrange(decoded, "B (m T) C -> m B T C", m=2)
        pseudo_audio = self.audio_out(audio)
        pseudo_visual = self.visual_out(visual)
        return Completion(
            features=seen.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
        )

    def loss(
        self,
        features: Features,
        completion: Completion,
        availability: Bool[Tensor, "B T 2"],
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return the error of what was dropped, target and prediction normalised by token."""
        hidden = present & ~availability
        visual = features.visual.mean(dim=(-2, -1))
        predicted = completion.pseudo_visual.mean(dim=(-2, -1))
        return LossTerms.masked_mean(
            "recall_audio",
            _error(completion.pseudo_audio, features.audio),
            hidden[..., Modality.AUDIO],
        ) | LossTerms.masked_mean(
            "recall_visual", _error(predicted, visual), hidden[..., Modality.VISUAL]
        )


def _layers(channels: int, config: ActionMAEConfig, num_layers: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        channels,
        config.num_heads,
        dim_feedforward=config.widening * channels,
        dropout=config.dropout,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    return nn.TransformerEncoder(
        layer, num_layers, norm=nn.LayerNorm(channels), enable_nested_tensor=False
    )


def _error(
    predicted: Float[Tensor, "B T C"], target: Float[Tensor, "B T C"]
) -> Float[Tensor, "B T"]:
    size = target.shape[-1:]
    wanted = functional.layer_norm(target.detach(), size)
    return (functional.layer_norm(predicted, size) - wanted).square().mean(dim=-1)
