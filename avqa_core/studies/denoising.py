"""Train an AVR enhancer on real pairs alone, and follow pairs back through it: Eq. 5-7."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from avqa_core import rng
from avqa_core.diffusion import DiffusionProcess
from avqa_core.enhancement import EnhancerConfig, enhancers
from avqa_core.enhancement.avr_diffusion import AVRDiffusion
from avqa_core.errors import ConfigError
from avqa_core.studies.clips import batches, grid_of
from avqa_core.types import Features

_PAIRS = ("join_convolution", "split_convolution", "audio_statistics", "visual_statistics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schooling:
    """How an enhancer is trained here: first join and split, then the denoiser."""

    pair_steps: int
    num_steps: int
    batch_size: int = 8
    learning_rate: float = 3e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Schooled:
    """A trained enhancer and its Eq. 7 at every step of training."""

    enhancer: AVRDiffusion
    losses: tuple[float, ...]


def school(
    config: EnhancerConfig,
    features: Features,
    how: Schooling,
    *,
    seed: int,
    pairs_of: AVRDiffusion | None = None,
) -> Schooled:
    """Return an AVR enhancer trained without any answer.

    In the paper the answers train the convolutions that join and split a pair, through the whole
    chain. Here they learn first, to give back the pair they were given; then Eq. 7 trains the
    denoiser, its target detached.

    Args:
        config: which enhancer.
        features: of training clips, everything present.
        how: steps, batch, learning rate.
        seed: of the weights, the order of the clips and the noise.
        pairs_of: take join, split and statistics from this enhancer instead of learning them.

    Raises:
        ConfigError: the config is of another enhancer.
    """
    with rng.initialising(rng.derive(seed, "study enhancer")):
        enhancer = enhancers.build(config, grid_of(features))
    if not isinstance(enhancer, AVRDiffusion):
        raise ConfigError(
            f"expected a config of avr_diffusion, got one of {type(enhancer).__name__}: only AVR "
            "diffusion has a chain to study"
        )
    enhancer.train()
    if pairs_of is None:
        _learn_pairs(enhancer, features, how, seed=seed)
    else:
        for name in _PAIRS:
            getattr(enhancer, name).load_state_dict(getattr(pairs_of, name).state_dict())
    losses = _learn_noise(enhancer, features, how, seed=seed)
    enhancer.eval()
    return Schooled(enhancer=enhancer, losses=tuple(losses))


def _learn_pairs(enhancer: AVRDiffusion, features: Features, how: Schooling, *, seed: int) -> None:
    """Train the two convolutions to give back, in standard units, the pair they were given."""
    for half in ("audio", "visual"):
        segments = getattr(features, half).flatten(0, 1)
        real = torch.ones(len(segments), dtype=torch.bool)
        getattr(enhancer, f"{half}_statistics").update(segments, real)
    learned = [*enhancer.join_convolution.parameters(), *enhancer.split_convolution.parameters()]
    optimiser = torch.optim.Adam(learned, lr=how.learning_rate)
    for batch in batches(features, how.batch_size, how.pair_steps, seed=seed):
        pair = batch.audio.flatten(0, 1), batch.visual.flatten(0, 1)
        audio, visual = enhancer.split(enhancer.join(*pair))
        sound, sight = enhancer.audio_statistics, enhancer.visual_statistics
        loss = functional.mse_loss(sound.standardise(audio), sound.standardise(pair[0]))
        loss = loss + functional.mse_loss(sight.standardise(visual), sight.standardise(pair[1]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _learn_noise(
    enhancer: AVRDiffusion, features: Features, how: Schooling, *, seed: int
) -> list[float]:
    """Train the denoiser with L_ave of Eq. 7 and return the loss of every step."""
    generator = rng.named(seed, "study noise")
    optimiser = torch.optim.Adam(enhancer.process.denoiser.parameters(), lr=how.learning_rate)
    losses = []
    for batch in batches(features, how.batch_size, how.num_steps, seed=seed):
        with torch.no_grad():
            clean = enhancer.join(batch.audio.flatten(0, 1), batch.visual.flatten(0, 1))
        loss = enhancer.process.loss(clean, generator=generator).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


@torch.no_grad()
def join_pairs(enhancer: AVRDiffusion, pair: Features) -> Float[Tensor, "M C H W"]:
    """Return f^{av} of every segment of ``pair``."""
    return enhancer.join(pair.audio.flatten(0, 1), pair.visual.flatten(0, 1))


@torch.no_grad()
def clean_errors(
    process: DiffusionProcess, clean: Float[Tensor, "M C H W"], *, seed: int
) -> list[float]:
    """Return for k = 1 ... K the error of the x_0 seen in x_k, as a share of x_0's own variance.

    1 is as good as saying the mean whatever is seen. Every k noises the same maps with the same
    noise.
    """
    noise = rng.RowStreams(range(len(clean)), generator=rng.named(seed, "study errors")).normal(
        *clean.shape[1:]
    )
    variance = (clean - clean.mean(dim=0)).square().mean()
    errors = []
    for k in range(1, process.config.num_steps + 1):
        step = torch.full((len(clean),), k)
        seen = process.denoise(process.noised(clean, step, noise), step)
        errors.append(float((seen - clean).square().mean() / variance))
    return errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Pairs on their way back: what each state x_k of the chain is as a pair.

    Attributes:
        steps: k of each state, from the start down to 0.
        audio: the audio half of every state.
        visual: the visual half of every state.
    """

    steps: tuple[int, ...]
    audio: Float[Tensor, "states B T C"]
    visual: Float[Tensor, "states B T C H W"]

    def distances(self, half: str, real: Features) -> Float[Tensor, "B states"]:
        """Return the root mean square distance of ``half`` to the real one, clip by clip."""
        walked: Tensor = getattr(self, half)
        return (walked - getattr(real, half)).flatten(2).square().mean(dim=-1).sqrt().T


@torch.no_grad()
def follow(enhancer: AVRDiffusion, pair: Features, *, seed: int) -> Path:
    """Return the way of every pair back through the chain; the last state is the enhanced pair."""
    steps, audio, visual = [], [], []
    by_clip = pair.audio.shape[:2]
    for state in enhancer.trajectory(pair, generator=rng.named(seed, "study path")):
        halves = enhancer.split(state.noisy.flatten(0, 1))
        steps.append(state.step)
        audio.append(halves[0].unflatten(0, by_clip))
        visual.append(halves[1].unflatten(0, by_clip))
    return Path(steps=tuple(steps), audio=torch.stack(audio), visual=torch.stack(visual))
