"""Control: noise with the scale of the training features (Table 4, the row with AVR alone)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool
from torch import Tensor

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.rng import RowStreams, row_keys
from avqa_core.running_statistics import RunningStatistics
from avqa_core.types import Completion, Features, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseConfig(CompleterConfig):
    """Nothing to choose."""


@completers.register("noise", NoiseConfig)
class Noise(Completer):
    """Fill in Gaussian noise with the mean and deviation of each channel in training.

    Departure: the paper does not say what its row "AVR without RMM" feeds to AVR; a line that is
    commented out in the released program draws standard normal noise. Ours is scaled like the
    features, so that the row measures the loss of content and not of scale.

    The noise of a row is a function of the generator and of the row's question id.
    """

    def __init__(self, config: NoiseConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        self.audio_statistics = RunningStatistics(dims.channels)
        self.visual_statistics = RunningStatistics(dims.channels)

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Return the pair with noise wherever something is absent.

        In training mode, what is present then brings the statistics up to date.
        """
        streams = RowStreams(row_keys(features.extras, len(features.audio)), generator=generator)
        pseudo_audio = self._draw(features.audio, self.audio_statistics, streams)
        pseudo_visual = self._draw(features.visual, self.visual_statistics, streams)
        if self.training:
            self._update(features, availability)
        return Completion(
            features=features.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
        )

    @staticmethod
    def _draw(like: Tensor, statistics: RunningStatistics, streams: RowStreams) -> Tensor:
        noise = streams.normal(*like.shape[1:], device=like.device)
        noise = statistics.restore(rearrange(noise, "B T ... -> (B T) ..."))
        return rearrange(noise, "(B T) ... -> B T ...", T=like.shape[1]).to(like.dtype)

    def _update(self, features: Features, availability: Bool[Tensor, "B T 2"]) -> None:
        real = rearrange(availability, "B T two -> (B T) two")
        audio = rearrange(features.audio, "B T C -> (B T) C")
        visual = rearrange(features.visual, "B T C H W -> (B T) C H W")
        self.audio_statistics.update(audio, real[:, Modality.AUDIO])
        self.visual_statistics.update(visual, real[:, Modality.VISUAL])
