"""A completer that looks along the clip: the absent half from the present half, over time.

Ours, not the paper's. Three ideas carry it: condition on what is present, use the other segments,
use the question everywhere. It learns from the recall loss alone, or together with the answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.config import require, require_at_least, require_dropout
from avqa_core.types import Completion, Features, LossTerms, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTransformerConfig(CompleterConfig):
    """Sizes of the segment transformer.

    Attributes:
        width: of a token, not C.
        cell_width: of a grid cell where it enters and leaves a token; the grid of one segment
            holds C H W numbers, and a matrix from all of them to a token would be most of the
            model (at size ``paper`` 103 of 131 million parameters).
        num_layers: of the transformer.
        num_heads: of its attention.
        dropout: within its layers.
        recall_weight: of the recall error beside the answer loss. A frozen backbone knows its
            training clips by heart, and an answer loss through it teaches to remind it of them.
    """

    width: int = 128
    cell_width: int = 32
    num_layers: int = 2
    num_heads: int = 4
    dropout: float = 0.0
    recall_weight: float = 20.0

    def __post_init__(self) -> None:
        counts = ("width", "cell_width", "num_layers", "num_heads")
        require_at_least("segment_transformer", self, 1, *counts)
        require_at_least("segment_transformer", self, 0, "recall_weight")
        require_dropout("segment_transformer", self)
        require(
            self.width % self.num_heads == 0,
            f"segment_transformer: expected width divisible by num_heads={self.num_heads}, "
            f"got {self.width}: choose a multiple",
        )


@completers.register("segment_transformer", SegmentTransformerConfig)
class SegmentTransformer(Completer):
    """One token a segment and one for the question; both halves are predicted at every segment."""

    def __init__(self, config: SegmentTransformerConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        grid = config.cell_width * dims.height * dims.width
        self.audio_in = nn.Linear(dims.channels, config.width)
        self.cell_in = nn.Linear(dims.channels, config.cell_width)
        self.visual_in = nn.Linear(grid, config.width)
        self.question_in = nn.Linear(dims.channels, config.width)
        self.segment = nn.Parameter(0.1 * torch.randn(dims.num_segments, config.width))
        self.absent = nn.Parameter(0.1 * torch.randn(2, config.width))
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.num_heads,
            dim_feedforward=2 * config.width,
            dropout=config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, config.num_layers, norm=nn.LayerNorm(config.width), enable_nested_tensor=False
        )
        self.audio_out = nn.Linear(config.width, dims.channels)
        self.visual_out = nn.Linear(config.width, grid)
        self.cell_out = nn.Linear(config.cell_width, dims.channels)

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Predict both halves of every segment; only absent ones replace anything."""
        seen = features.blanked(availability)
        question = self.question_in(features.question)[:, None]
        tokens = torch.cat([question, self._tokens(seen, availability) + question], dim=1)
        states = self.layers(tokens)[:, 1:]
        pseudo_audio = self.audio_out(states)
        cells = self.visual_out(states).unflatten(-1, (self.dims.height, self.dims.width, -1))
        pseudo_visual = rearrange(self.cell_out(cells), "B T H W C -> B T C H W")
        return Completion(
            features=seen.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
        )

    def _tokens(
        self, seen: Features, availability: Bool[Tensor, "B T 2"]
    ) -> Float[Tensor, "B T E"]:
        audio = self.audio_in(seen.audio)
        cells = self.cell_in(rearrange(seen.visual, "B T C H W -> B T H W C"))
        visual = self.visual_in(cells.flatten(2))
        audio_present = availability[..., Modality.AUDIO, None]
        visual_present = availability[..., Modality.VISUAL, None]
        audio = torch.where(audio_present, audio, self.absent[Modality.AUDIO])
        visual = torch.where(visual_present, visual, self.absent[Modality.VISUAL])
        return audio + visual + self.segment[: audio.shape[1]]

    def loss(
        self,
        features: Features,
        completion: Completion,
        availability: Bool[Tensor, "B T 2"],
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return the recall error of both halves, in the manner of Eq. 3-4.

        Mean over elements, targets detached; only segments that are really there, and were hidden
        from ``complete``, are targets.
        """
        hidden = present & ~availability
        audio = functional.mse_loss(
            completion.pseudo_audio, features.audio.detach(), reduction="none"
        )
        error = functional.mse_loss(
            completion.pseudo_visual, features.visual.detach(), reduction="none"
        )
        visual = error.sum(dim=(-3, -2, -1)) / error[0, 0].numel()
        weight = self.config.recall_weight
        return LossTerms.masked_mean(
            "recall_audio", audio.mean(dim=-1), hidden[..., Modality.AUDIO], weight
        ) | LossTerms.masked_mean("recall_visual", visual, hidden[..., Modality.VISUAL], weight)
