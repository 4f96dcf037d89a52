"""The audio-visual relation enhancer: diffuse the pair as one map, then split it (Sec. 3.2).

Audio and visual feature are joined into one map, the map goes back through a diffusion process
that was trained on real pairs, and comes apart into an enhanced audio and an enhanced visual
feature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from avqa_core.completion.base import GridDims
from avqa_core.config import require, require_at_least
from avqa_core.diffusion.denoiser import DenoiserConfig, denoisers
from avqa_core.diffusion.process import DiffusionConfig, DiffusionProcess
from avqa_core.diffusion.unet import UNetConfig
from avqa_core.enhancement.base import Enhancer, EnhancerConfig, enhancers
from avqa_core.errors import ConfigError
from avqa_core.rng import RowKey, row_keys
from avqa_core.running_statistics import RunningStatistics
from avqa_core.types import Enhancement, Features, LossTerms, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class AVRDiffusionConfig(EnhancerConfig):
    """The choices around the diffusion process.

    Departure: how a vector is joined with a map, and how the map is scaled, is not in the paper.
    The released program repeats the audio over the grid, mixes 2C channels into C by a 1x1
    convolution and back by another; so do we. It feeds features of any range to a process that
    cuts to [-1, 1] and shifts the result to [0, 1] (``released``); the default standardises each
    channel with the statistics of the training features and cuts nothing. It reads the audio back
    at one corner; the default takes the mean over the grid. Eq. (8) feeds both enhanced halves to
    the backbone (``both``, the default); the released program, and the paper's introduction, only
    the one that was missing (``missing_only``). It adds a term that compares enhanced with real
    features (``reconstruction_weight`` 1); the paper has none (0). It lets Eq. (7) move its own
    target; a target that can be moved can be shrunk, so the default detaches it.

    Attributes:
        diffusion: schedule, prediction, start, sampler and gradients of the process.
        denoiser: the network.
        feature_range: ``standardised`` or ``released``.
        outputs: which enhanced halves go on.
        audio_read_out: ``mean`` over the grid or its first ``corner``.
        reconstruction_weight: weight of the released program's extra term.
        detach_target: whether Eq. (7) and the extra term leave their targets alone.
    """

    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)
    denoiser: DenoiserConfig = field(default_factory=UNetConfig)
    feature_range: Literal["standardised", "released"] = "standardised"
    outputs: Literal["both", "missing_only"] = "both"
    audio_read_out: Literal["mean", "corner"] = "mean"
    reconstruction_weight: float = 0.0
    detach_target: bool = True

    def __post_init__(self) -> None:
        require_at_least("avr_diffusion", self, 0, "reconstruction_weight")
        require(
            self.diffusion.reaches_the_start or not self.detach_target,
            "avr_diffusion: expected detach_target=false where gradients do not flow through the "
            f"whole chain (gradient_steps={self.diffusion.gradient_steps}), got true: the "
            "convolution that joins the pair would never learn",
        )


class EnhancedState(NamedTuple):
    """One place on the way back, as the chapters look at it.

    ``audio`` and ``visual`` are what the pair would be if the chain ended with ``clean``.
    """

    step: int
    noisy: Float[Tensor, "B T C H W"]
    clean: Float[Tensor, "B T C H W"]
    audio: Float[Tensor, "B T C"]
    visual: Float[Tensor, "B T C H W"]


class _Segments(NamedTuple):
    """Some of the B x T segments of a batch, one row each, with the names of the rows."""

    audio: Float[Tensor, "M C"]
    visual: Float[Tensor, "M C H W"]
    keys: list[RowKey]


@enhancers.register("avr_diffusion", AVRDiffusionConfig)
class AVRDiffusion(Enhancer):
    """Join, denoise, split: Eq. 5-7 on pairs of features, segment by segment."""

    def __init__(self, config: AVRDiffusionConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        channels = dims.channels
        self.join_convolution = nn.Conv2d(2 * channels, channels, 1)
        self.split_convolution = nn.Conv2d(channels, 2 * channels, 1)
        denoiser = denoisers.build(config.denoiser, channels)
        if dims.height % denoiser.grid_multiple or dims.width % denoiser.grid_multiple:
            raise ConfigError(
                f"avr_diffusion: expected a grid divisible by {denoiser.grid_multiple} for this "
                f"denoiser, got {dims.height} x {dims.width}: use the denoiser 'light'"
            )
        self.process = DiffusionProcess(config.diffusion, denoiser)
        self.audio_statistics = RunningStatistics(channels)
        self.visual_statistics = RunningStatistics(channels)

    def join(
        self, audio: Float[Tensor, "M C"], visual: Float[Tensor, "M C H W"]
    ) -> Float[Tensor, "M C H W"]:
        """Return f^{av}: audio over every place of the grid, beside the visual feature, mixed."""
        if self.config.feature_range == "standardised":
            audio = self.audio_statistics.standardise(audio)
            visual = self.visual_statistics.standardise(visual)
        height, width = visual.shape[-2:]
        spread = repeat(audio, "M C -> M C H W", H=height, W=width)
        # The state of a chain stays in single precision, whatever the networks compute in.
        return self.join_convolution(torch.cat([spread, visual], dim=1)).float()

    def split(
        self, joined: Float[Tensor, "M C H W"]
    ) -> tuple[Float[Tensor, "M C"], Float[Tensor, "M C H W"]]:
        """Return the audio and the visual half of a denoised map."""
        if self.config.feature_range == "released":
            joined = (joined + 1) / 2
        audio, visual = self.split_convolution(joined).float().chunk(2, dim=1)
        corner = self.config.audio_read_out == "corner"
        audio = audio[:, :, 0, 0] if corner else audio.mean(dim=(2, 3))
        if self.config.feature_range == "standardised":
            audio = self.audio_statistics.restore(audio)
            visual = self.visual_statistics.restore(visual)
        return audio, visual

    def enhance(
        self,
        pair: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Enhancement:
        """Send every segment of which something was absent through the reverse process.

        The other segments are returned as they came and cost nothing. ``details`` has both
        enhanced halves, ``audio`` and ``visual``, and which segments were ``sampled``.
        """
        sampled = ~availability.all(dim=-1)
        chosen = sampled.flatten().nonzero()[:, 0]
        segments = self._segments(pair, chosen)
        audio, visual = segments.audio, segments.visual
        if len(chosen) > 0:
            denoised = self.process.sample(
                self.join(audio, visual),
                generator=generator,
                row_keys=segments.keys,
                clamp=self._clamps,
            )
            audio, visual = self.split(denoised)
        enhanced_audio = _put_back(pair.audio, chosen, audio)
        enhanced_visual = _put_back(pair.visual, chosen, visual)
        enhanced = replace(pair, audio=enhanced_audio, visual=enhanced_visual)
        if self.config.outputs == "missing_only":
            enhanced = pair.filled(availability, enhanced_audio, enhanced_visual)
        details = {"audio": enhanced_audio, "visual": enhanced_visual, "sampled": sampled}
        return Enhancement(features=enhanced, details=details)

    def trajectory(self, pair: Features, *, generator: torch.Generator) -> Iterator[EnhancedState]:
        """Yield the reverse process of every segment of ``pair``, from step K to 0.

        With the same generator state the last state holds what ``enhance`` returns for them.
        """
        segments = self._segments(pair)
        by_clip = pair.audio.shape[:2]
        for state in self.process.trajectory(
            self.join(segments.audio, segments.visual),
            generator=generator,
            row_keys=segments.keys,
            clamp=self._clamps,
        ):
            audio, visual = self.split(state.clean)
            rows = (state.noisy, state.clean, audio, visual)
            yield EnhancedState(state.step, *(one.unflatten(0, by_clip) for one in rows))

    def observe(self, features: Features, present: Bool[Tensor, "B T 2"]) -> None:
        """Bring the statistics of the real features up to date; in training mode only."""
        if not self.training or self.config.feature_range != "standardised":
            return
        segments = self._segments(features.blanked(present))
        real = rearrange(present, "B T two -> (B T) two")
        self.audio_statistics.update(segments.audio, real[:, Modality.AUDIO])
        self.visual_statistics.update(segments.visual, real[:, Modality.VISUAL])

    @property
    def learns_from_answers_alone(self) -> bool:
        """Without the reconstruction term nothing else reaches what joins and splits a pair."""
        return self.config.reconstruction_weight == 0

    def loss(
        self,
        features: Features,
        present: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> LossTerms:
        """Return Eq. (7) over the segments of which both halves are real."""
        segments = self._segments(features.blanked(present))
        real = rearrange(present, "B T two -> (B T) two")
        joined = self.join(segments.audio, segments.visual)
        if self.config.detach_target:
            joined = joined.detach()
        values = self.process.loss(joined, generator=generator, row_keys=segments.keys)
        return LossTerms.masked_mean("diffusion", values, real.all(dim=-1))

    def reconstruction_loss(
        self,
        features: Features,
        enhancement: Enhancement,
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return the released program's extra term: both enhanced halves against the real ones."""
        if self.config.reconstruction_weight == 0:
            return LossTerms()
        real = features.blanked(present)
        mask = present & enhancement.details["sampled"][..., None]
        terms = LossTerms()
        for modality, name in ((Modality.AUDIO, "audio"), (Modality.VISUAL, "visual")):
            target = getattr(real, name)
            target = target.detach() if self.config.detach_target else target
            error = (enhancement.details[name] - target).square().flatten(2).mean(dim=-1)
            terms = terms | LossTerms.masked_mean(
                f"reconstruction_{name}",
                error,
                mask[..., modality],
                self.config.reconstruction_weight,
            )
        return terms

    @property
    def _clamps(self) -> bool:
        return self.config.feature_range == "released"

    @staticmethod
    def _segments(pair: Features, chosen: Int[Tensor, " M"] | None = None) -> _Segments:
        """Return the chosen segments of ``pair``, by position in (B T); None is all of them."""
        num_rows, num_segments = pair.audio.shape[:2]
        audio = rearrange(pair.audio, "B T C -> (B T) C")
        visual = rearrange(pair.visual, "B T C H W -> (B T) C H W")
        keys: list[RowKey] = [
            (row, segment)
            for row in row_keys(pair.extras, num_rows)
            for segment in range(num_segments)
        ]
        if chosen is None:
            return _Segments(audio, visual, keys)
        return _Segments(audio[chosen], visual[chosen], [keys[index] for index in chosen.tolist()])


def _put_back(
    whole: Float[Tensor, "B T ..."],
    chosen: Int[Tensor, " M"],
    values: Float[Tensor, "M ..."],
) -> Float[Tensor, "B T ..."]:
    """Return ``whole`` with the segments at ``chosen`` replaced, by position in (B T)."""
    flat = whole.flatten(0, 1).index_copy(0, chosen, values.to(whole.dtype))
    return flat.unflatten(0, whole.shape[:2])
