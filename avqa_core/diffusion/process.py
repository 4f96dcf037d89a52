"""Noising, one reverse step, and the whole way back as an iterator (Sec. 3.2, Eq. 5-7).

Steps are the paper's: x_0 is clean, x_K the noisiest. A chain may skip steps; going from x_k to
x_j, j < k, uses the same Gaussian as going through all steps between them would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from avqa_core.config import require
from avqa_core.diffusion.denoiser import Denoiser
from avqa_core.diffusion.schedule import Schedule, ScheduleKind
from avqa_core.rng import RowKey, RowStreams


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionConfig:
    """Everything about the process that is not the network.

    Departure: the paper gives K and Eq. 5-7, nothing else. The released program uses the
    ``sigmoid`` schedule, predicts ``velocity``, weighs the loss by ``alpha_bar``, starts its chain
    from the feature without noise, samples ancestrally, and back-propagates through every step.
    The defaults follow the paper's formulas where there are any (noise prediction, plain mean);
    ``linear`` is the schedule that does not wipe out the feature the chain starts from.

    Attributes:
        num_steps: K.
        schedule: see ``schedule.betas``.
        prediction: what the network predicts.
        weighting: weight of a step in Eq. 7.
        start: ``feature`` takes the feature itself for x_k, ``noised`` noises it up to k first.
        start_step: k where the chain starts; None is K.
        sampler: ``ancestral`` draws from Eq. 6, ``deterministic`` follows its mean path.
        num_sampling_steps: steps the chain makes, evenly spread; None is all.
        gradient_steps: how many of the last steps gradients flow through; None is all.
        recompute: store no activations of the chain; compute each step again when going back.
    """

    num_steps: int = 10
    schedule: ScheduleKind = "linear"
    prediction: Literal["noise", "x0", "velocity"] = "noise"
    weighting: Literal["uniform", "alpha_bar"] = "uniform"
    start: Literal["feature", "noised"] = "feature"
    start_step: int | None = None
    sampler: Literal["ancestral", "deterministic"] = "ancestral"
    num_sampling_steps: int | None = None
    gradient_steps: int | None = None
    recompute: bool = False

    def __post_init__(self) -> None:
        require(
            self.num_steps >= 1,
            f"diffusion: expected num_steps of at least 1, got {self.num_steps}: raise it",
        )
        first = self.first_step
        require(
            1 <= first <= self.num_steps,
            f"diffusion: expected start_step from 1 to {self.num_steps}, got {first}: change it",
        )
        require(
            self.num_sampling_steps is None or 1 <= self.num_sampling_steps <= first,
            f"diffusion: expected num_sampling_steps from 1 to {first}, "
            f"got {self.num_sampling_steps}: lower it, or raise num_steps",
        )
        require(
            self.gradient_steps is None or self.gradient_steps >= 0,
            f"diffusion: expected gradient_steps >= 0, got {self.gradient_steps}: use null for all",
        )

    @property
    def first_step(self) -> int:
        """The step k where the chain starts."""
        return self.num_steps if self.start_step is None else self.start_step

    @property
    def path(self) -> list[int]:
        """The steps the chain visits, from its start down to 0."""
        count = self.num_sampling_steps or self.first_step
        return [round(self.first_step * (1 - index / count)) for index in range(count + 1)]

    @property
    def reaches_the_start(self) -> bool:
        """Whether a gradient at the end of the chain arrives at its start."""
        return self.gradient_steps is None or self.gradient_steps >= len(self.path) - 1


class Gaussian(NamedTuple):
    """A normal distribution with one variance per row."""

    mean: Float[Tensor, "M ..."]
    variance: Float[Tensor, " M"]


class ChainState(NamedTuple):
    """One place on the way back: the step k, x_k, and the x_0 that the network sees in it."""

    step: int
    noisy: Float[Tensor, "M C H W"]
    clean: Float[Tensor, "M C H W"]


def _aligned(values: Float[Tensor, " M"], like: Float[Tensor, "M ..."]) -> Tensor:
    """Give one number per row as many axes as ``like`` has, so that the two multiply."""
    return values.reshape(-1, *[1] * (like.dim() - 1)).to(like.dtype)


class DiffusionProcess(nn.Module):
    """The schedule and the denoiser, and every formula that needs both."""

    def __init__(self, config: DiffusionConfig, denoiser: Denoiser) -> None:
        super().__init__()
        self.config = config
        self.schedule = Schedule(config.schedule, config.num_steps)
        self.denoiser = denoiser

    def noised(
        self,
        clean: Float[Tensor, "M ..."],
        step: Int[Tensor, " M"],
        noise: Float[Tensor, "M ..."],
    ) -> Float[Tensor, "M ..."]:
        """Return x_k = sqrt(alpha_bar_k) x_0 + sqrt(1 - alpha_bar_k) noise.

        Implements Eq. (5), k steps at once.
        """
        return (
            _aligned(self.schedule.signal[step], clean) * clean
            + _aligned(self.schedule.noise[step], clean) * noise
        )

    def target(
        self,
        clean: Float[Tensor, "M ..."],
        noise: Float[Tensor, "M ..."],
        step: Int[Tensor, " M"],
    ) -> Float[Tensor, "M ..."]:
        """Return what the network is to predict at x_k made of ``clean`` and ``noise``."""
        if self.config.prediction == "noise":
            return noise
        if self.config.prediction == "x0":
            return clean
        signal = _aligned(self.schedule.signal[step], clean)
        return signal * noise - _aligned(self.schedule.noise[step], clean) * clean

    def clean_from(
        self,
        prediction: Float[Tensor, "M ..."],
        noisy: Float[Tensor, "M ..."],
        step: Int[Tensor, " M"],
    ) -> Float[Tensor, "M ..."]:
        """Return the x_0 that a prediction at x_k amounts to.

        With ``noise`` the error is divided by sqrt(alpha_bar_k): a schedule that leaves 4e-5 of
        the signal multiplies it by 158.
        """
        if self.config.prediction == "x0":
            return prediction
        signal = _aligned(self.schedule.signal[step], noisy)
        noise_share = _aligned(self.schedule.noise[step], noisy)
        if self.config.prediction == "noise":
            return (noisy - noise_share * prediction) / signal
        return signal * noisy - noise_share * prediction

    def posterior(
        self,
        clean: Float[Tensor, "M ..."],
        noisy: Float[Tensor, "M ..."],
        step: Int[Tensor, " M"],
        earlier: Int[Tensor, " M"],
    ) -> Gaussian:
        """Return q(x_j | x_k, x_0) for j = ``earlier`` < k = ``step``.

        Implements Eq. (6), with the network's x_0 in the place of the true one. At j = 0 the mean
        is x_0 and the variance 0.
        """
        bar, bar_earlier = self.schedule.alpha_bar[step], self.schedule.alpha_bar[earlier]
        kept, left = bar / bar_earlier, self.schedule.noise[step].square()
        added = self._added(step, earlier)
        left_earlier = self.schedule.noise[earlier].square()
        mean = (
            _aligned(added * self.schedule.signal[earlier] / left, clean) * clean
            + _aligned(left_earlier * kept.sqrt() / left, noisy) * noisy
        )
        return Gaussian(mean, added * left_earlier / left)

    def _added(self, step: Int[Tensor, " M"], earlier: Int[Tensor, " M"]) -> Float[Tensor, " M"]:
        """Return the variance added between two steps, from the table where it has it.

        1 - alpha_bar_k / alpha_bar_j would lose digits where beta is small.
        """
        bar, bar_earlier = self.schedule.alpha_bar[step], self.schedule.alpha_bar[earlier]
        added = torch.where(step - earlier == 1, self.schedule.beta[step], 1 - bar / bar_earlier)
        return torch.where(earlier == 0, self.schedule.noise[step].square(), added)

    def deterministic(
        self,
        clean: Float[Tensor, "M ..."],
        noisy: Float[Tensor, "M ..."],
        step: Int[Tensor, " M"],
        earlier: Int[Tensor, " M"],
    ) -> Float[Tensor, "M ..."]:
        """Return x_j on the straight way: the noise seen in x_k, scaled down to step j."""
        signal = _aligned(self.schedule.signal[step], noisy)
        noise = (noisy - signal * clean) / _aligned(self.schedule.noise[step], noisy)
        return self.noised(clean, earlier, noise)

    def denoise(
        self, noisy: Float[Tensor, "M C H W"], step: Int[Tensor, " M"], clamp: bool = False
    ) -> Float[Tensor, "M C H W"]:
        """Return the network's x_0 for x_k, cut to [-1, 1] if ``clamp``."""
        # The denoiser counts steps from 0, as the released program's embedding does.
        prediction = self.denoiser(noisy, step - 1).to(noisy.dtype)
        clean = self.clean_from(prediction, noisy, step)
        return clean.clamp(-1, 1) if clamp else clean

    def trajectory(
        self,
        feature: Float[Tensor, "M C H W"],
        *,
        generator: torch.Generator,
        row_keys: Sequence[RowKey] | None = None,
        clamp: bool = False,
    ) -> Iterator[ChainState]:
        """Yield every state of the reverse process, from its start to x_0.

        Args:
            feature: what the chain starts from, see ``DiffusionConfig.start``.
            generator: source of all noise.
            row_keys: names of the rows; a row's noise depends on its name alone. Default: their
                positions.
            clamp: cut every x_0 to [-1, 1].

        Yields:
            States with step k = K ... 0; the last one has x_0 for both maps.
        """
        streams = RowStreams(row_keys or range(len(feature)), generator=generator)
        path = self.config.path
        state = self._start(feature, path[0], streams)
        moves = list(pairwise(path))
        for index, (step, earlier) in enumerate(moves):
            wanted = self.config.gradient_steps
            differentiable = wanted is None or index >= len(moves) - wanted
            with torch.set_grad_enabled(torch.is_grad_enabled() and differentiable):
                before = state if differentiable else state.detach()
                clean, state = self._move(before, step, earlier, streams, clamp)
            yield ChainState(step, before, clean)
        yield ChainState(0, state, state)

    def sample(
        self,
        feature: Float[Tensor, "M C H W"],
        *,
        generator: torch.Generator,
        row_keys: Sequence[RowKey] | None = None,
        clamp: bool = False,
    ) -> Float[Tensor, "M C H W"]:
        """Return x_0 at the end of ``trajectory``."""
        last = feature
        for state in self.trajectory(feature, generator=generator, row_keys=row_keys, clamp=clamp):
            last = state.noisy
        return last

    def _start(
        self, feature: Float[Tensor, "M C H W"], step: int, streams: RowStreams
    ) -> Float[Tensor, "M C H W"]:
        if self.config.start == "feature":
            return feature
        steps = torch.full((len(feature),), step, device=feature.device)
        return self.noised(feature, steps, self._noise(feature, streams))

    def _move(
        self,
        noisy: Float[Tensor, "M C H W"],
        step: int,
        earlier: int,
        streams: RowStreams,
        clamp: bool,
    ) -> tuple[Float[Tensor, "M C H W"], Float[Tensor, "M C H W"]]:
        """Return the network's x_0 and the next state of the chain."""
        steps = torch.full((len(noisy),), step, device=noisy.device)
        after = torch.full_like(steps, earlier)
        if self.config.recompute and torch.is_grad_enabled():
            # No layer of a denoiser draws, so there is no random state to restore.
            clean = checkpoint(
                self.denoise, noisy, steps, clamp, use_reentrant=False, preserve_rng_state=False
            )
        else:
            clean = self.denoise(noisy, steps, clamp)
        if self.config.sampler == "deterministic":
            return clean, self.deterministic(clean, noisy, steps, after)
        mean, variance = self.posterior(clean, noisy, steps, after)
        if earlier == 0:
            return clean, mean
        return clean, mean + _aligned(variance.sqrt(), mean) * self._noise(mean, streams)

    @staticmethod
    def _noise(like: Float[Tensor, "M ..."], streams: RowStreams) -> Float[Tensor, "M ..."]:
        return streams.normal(*like.shape[1:], device=like.device, dtype=like.dtype)

    def loss(
        self,
        clean: Float[Tensor, "M C H W"],
        *,
        generator: torch.Generator,
        row_keys: Sequence[RowKey] | None = None,
    ) -> Float[Tensor, " M"]:
        """Return each row's squared error of the prediction at a step and noise of its own.

        Implements Eq. (7), as a mean over elements, before the mean over rows.
        """
        streams = RowStreams(row_keys or range(len(clean)), generator=generator)
        step = streams.integers(1, self.config.num_steps, device=clean.device)
        noise = self._noise(clean, streams)
        prediction = self.denoiser(self.noised(clean, step, noise), step - 1).to(clean.dtype)
        error = (prediction - self.target(clean, noise, step)).square().mean(dim=(1, 2, 3))
        if self.config.weighting == "alpha_bar":
            return self.schedule.alpha_bar[step] * error
        return error
