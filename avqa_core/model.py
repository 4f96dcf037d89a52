"""The whole model: a completer, an enhancer and a backbone, wired along the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from avqa_core.backbones import BackboneConfig, backbones
from avqa_core.completion import CompleterConfig, completers
from avqa_core.completion.base import GridDims
from avqa_core.config import require, require_valid
from avqa_core.enhancement import EnhancerConfig, enhancers
from avqa_core.errors import FeatureError, ModalityError
from avqa_core.types import (
    Enhancement,
    FeatureBatch,
    FeatureDims,
    Features,
    Modality,
    Prediction,
    where_present,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Any completer x enhancer x backbone; see ``avqa_core.presets`` for named ones."""

    backbone: BackboneConfig
    completer: CompleterConfig
    enhancer: EnhancerConfig


class MissingModalityAVQA(nn.Module):
    """Answer questions about clips of which a modality may be absent.

    The rule of this project holds here, in one place: absent rows are blanked to zero before any
    network sees them, and again after encoding, so that no value of an absent modality, not even
    NaN, can influence an answer.
    """

    def __init__(self, config: ModelConfig, dims: FeatureDims) -> None:
        super().__init__()
        require_valid(config, "model")
        self.config, self.dims = config, dims
        self.backbone = backbones.build(config.backbone, dims)
        grid = GridDims(
            channels=config.backbone.channels,
            num_segments=dims.num_segments,
            height=dims.grid_height,
            width=dims.grid_width,
        )
        self.completer = completers.build(config.completer, grid)
        self.enhancer = enhancers.build(config.enhancer, grid)
        require(
            self.backbone.reads_prompts or not self.completer.makes_prompts,
            "model: expected a backbone that reads prompts, as AVST does, got "
            f"{type(self.backbone).__name__}: choose another form of the completer",
        )

    def encode(self, batch: FeatureBatch) -> Features:
        """Return f^a, f^v, f^t with absent segments exactly zero.

        Raises:
            FeatureError: a tensor of the batch has another shape than the model was built for.
            ModalityError: what is present is not told for each segment and modality.
        """
        self._require_fit(batch)
        audio_present, visual_present = batch.availability.unbind(dim=-1)
        blanked = replace(
            batch,
            audio=where_present(audio_present, batch.audio, 0.0),
            visual=where_present(visual_present, batch.visual, 0.0),
        )
        return self.backbone.encode(blanked).blanked(batch.availability)

    def respond(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
        sampler: torch.Generator | None = None,
    ) -> Prediction:
        """Complete, enhance and answer from what ``availability`` leaves of ``features``.

        Segments with both modalities present bypass completer and enhancer (Eq. 8, first term).

        Args:
            features: f^a, f^v and f^t.
            availability: what of them is there.
            generator: feeds the completer, and the enhancer unless it has one of its own.
            sampler: feeds the enhancer, which draws only if the batch lacks something.

        Raises:
            ModalityError: what is present is not told for each segment and modality.
        """
        _require_availability(availability, *features.audio.shape[:2])
        seen = features.blanked(availability)
        completion = self.completer.complete(seen, availability, generator=generator)
        if bool(availability.all()):  # the sampler is most of the cost, and its output unused here
            enhancement = Enhancement(features=completion.features)
        else:
            enhancement = self.enhancer.enhance(
                completion.features, availability, generator=sampler or generator
            )
        untouched = availability.all(dim=-1)
        enhanced = enhancement.features
        pair = replace(
            enhanced,
            audio=where_present(untouched, seen.audio, enhanced.audio),
            visual=where_present(untouched, seen.visual, enhanced.visual),
        )
        return Prediction(
            answers=self.backbone.answer(pair),
            features=seen,
            completion=completion,
            enhancement=Enhancement(features=pair, details=enhancement.details),
        )

    def forward(self, batch: FeatureBatch, *, generator: torch.Generator) -> Prediction:
        """Answer a batch; ``generator`` feeds the sampler of the enhancer, if it has one."""
        return self.respond(self.encode(batch), batch.availability, generator=generator)

    def _require_fit(self, batch: FeatureBatch) -> None:
        dims, num_rows = self.dims, len(batch)
        grid = (dims.visual_width, dims.grid_height, dims.grid_width)
        for name, one, expected in (
            ("tokens", batch.tokens, (num_rows, dims.num_tokens)),
            ("audio", batch.audio, (num_rows, dims.num_segments, dims.audio_width)),
            ("visual", batch.visual, (num_rows, dims.num_segments, *grid)),
        ):
            if one.shape != expected:
                raise FeatureError(
                    f"batch.{name}: expected the shape {expected}, which the model was built for, "
                    f"got {tuple(one.shape)}: take features of the same recipe, batch axis first"
                )
        _require_availability(batch.availability, num_rows, dims.num_segments)


def _require_availability(availability: Tensor, num_rows: int, num_segments: int) -> None:
    expected = (num_rows, num_segments, len(Modality))
    if availability.shape != expected or availability.dtype != torch.bool:
        kind = str(availability.dtype).removeprefix("torch.")
        raise ModalityError(
            f"availability: expected bool of shape {expected}, sound and picture last, got {kind} "
            f"of shape {tuple(availability.shape)}: tell for each segment what is present"
        )
