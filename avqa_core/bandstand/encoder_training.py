"""Training the encoders once, on scenes whose clip ids are outside every split.

Scenes are drawn on the fly, mostly with sight and sound independent and at every difficulty, so
that an encoder cannot guess one fact from another.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from avqa_core import config as configuration
from avqa_core import rng
from avqa_core.bandstand.encoder_heads import (
    AudioHeads,
    Score,
    VisualHeads,
    join,
    sights,
    sounds,
)
from avqa_core.bandstand.encoders import AudioEncoder, VisualEncoder
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.render import render_frames
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import Scene
from avqa_core.bandstand.sound import render_sound
from avqa_core.config import require
from avqa_core.media.log_mel import SAMPLE_RATE, log_mel

FIRST_TRAINING_CLIP = 90_000_000
FIRST_HELD_OUT_CLIP = 95_000_000
NUM_SEGMENTS = 10
CALIBRATION_CLIPS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig:
    """How the encoders are trained.

    Attributes:
        seed: of the world, the initial weights and the order of everything.
        visual_steps: updates of the visual network.
        audio_steps: updates of the audio network.
        visual_clips: new scenes of each update of the visual network.
        audio_clips: new scenes of each update of the audio network.
        segments_per_clip: seconds taken from each of them.
        visual_rate: highest learning rate; it rises for a tenth of the steps and falls to zero.
        audio_rate: likewise, of the audio network.
        weight_decay: of AdamW.
        held_out_clips: scenes on which the result is scored.
        couplings: drawn from with equal chance for each scene.
        difficulties: likewise.
        crowded_rate: how many training scenes have nearly everybody playing all the time, which is
            where there is most to learn; held-out scenes are as in a world.
        bfloat16: train in bfloat16, twice as fast where the processor knows it; scores are not.
    """

    seed: int = 0
    visual_steps: int = 800
    audio_steps: int = 3000
    visual_clips: int = 32
    audio_clips: int = 32
    segments_per_clip: int = 4
    visual_rate: float = 3e-3
    audio_rate: float = 3e-3
    weight_decay: float = 1e-3
    held_out_clips: int = 600
    couplings: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)
    difficulties: tuple[float, ...] = (0.0, 0.3, 0.6, 1.0)
    crowded_rate: float = 0.4
    bfloat16: bool = True

    def __post_init__(self) -> None:
        for name in (
            "visual_steps",
            "audio_steps",
            "visual_clips",
            "audio_clips",
            "held_out_clips",
        ):
            value = getattr(self, name)
            require(value >= 1, f"{name}: expected at least 1, got {value}: raise it")
        require(
            1 <= self.segments_per_clip <= NUM_SEGMENTS,
            f"segments_per_clip: expected 1 to {NUM_SEGMENTS}, got {self.segments_per_clip}",
        )


@dataclass(frozen=True, slots=True)
class EncoderStep:
    """An update was made: of which network, the how-manyth, and its loss."""

    network: str
    step: int
    num_steps: int
    loss: float


@dataclass(frozen=True, slots=True)
class EncodersWritten:
    """Both networks are on disk; ``scores`` is each fact's share of right answers, or F1."""

    folder: Path
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Task:
    """One of the two networks with all that differs between them."""

    name: str
    encoder: VisualEncoder | AudioEncoder
    heads: VisualHeads | AudioHeads
    media: Callable[[Scene, list[int]], Tensor]
    facts: Callable[..., Any]
    num_steps: int
    num_clips: int
    learning_rate: float


def train_encoders(config: EncoderConfig, out: Path) -> Iterator[EncoderStep | EncodersWritten]:
    """Train both encoders, score them on new scenes, write weights and recipe to ``out``.

    Nothing in ``out`` is touched before both networks are trained.
    """
    started = time.perf_counter()
    scores: dict[str, float] = {}
    files: dict[str, bytes] = {}
    for task in _tasks(config):
        yield from _train(config, task)
        encoder = _finish(config, task)
        scores |= {f"{task.name}: {fact}": s for fact, s in _score(config, task, encoder).items()}
        state = {key: value.half().contiguous() for key, value in encoder.state_dict().items()}
        files[f"{task.name}.safetensors"] = save(state)
    recipe = _recipe(config, scores, time.perf_counter() - started)
    files["recipe.json"] = (json.dumps(recipe, indent=2) + "\n").encode()
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        temporary = out / f".{name}.partial"
        temporary.write_bytes(content)
        temporary.replace(out / name)
    yield EncodersWritten(out, scores)


def _tasks(config: EncoderConfig) -> tuple[_Task, _Task]:
    with rng.initialising(rng.derive(config.seed, "encoders")):
        return (
            _Task(
                "visual", VisualEncoder(True), VisualHeads(), _frames_of, sights,
                config.visual_steps, config.visual_clips, config.visual_rate,
            ),
            _Task(
                "audio", AudioEncoder(True), AudioHeads(), _patches_of, sounds,
                config.audio_steps, config.audio_clips, config.audio_rate,
            ),
        )  # fmt: skip


def _recipe(config: EncoderConfig, scores: dict[str, float], seconds: float) -> dict[str, Any]:
    """How the weights were made and how often they were right."""
    return {
        "command": f"avqa encoders --seed {config.seed} --visual-steps {config.visual_steps} "
        f"--audio-steps {config.audio_steps}",
        "config": configuration.to_dict(config),
        "training_clips": [FIRST_TRAINING_CLIP, FIRST_HELD_OUT_CLIP],
        "held_out_clips": [FIRST_HELD_OUT_CLIP, FIRST_HELD_OUT_CLIP + config.held_out_clips],
        "scores": {name: round(score, 4) for name, score in scores.items()},
        "seconds": round(seconds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _train(config: EncoderConfig, task: _Task) -> Iterator[EncoderStep]:
    parameters = list(chain(task.encoder.parameters(), task.heads.parameters()))
    optimizer = torch.optim.AdamW(parameters, task.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, task.learning_rate, total_steps=task.num_steps, pct_start=0.1
    )
    task.encoder.train()
    for step in range(task.num_steps):
        first = FIRST_TRAINING_CLIP + step * task.num_clips
        media, facts = _batch(config, task, first, task.num_clips, config.segments_per_clip)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            features = task.encoder(media)
        loss = task.heads.loss(features.float(), facts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        schedule.step()
        yield EncoderStep(task.name, step + 1, task.num_steps, float(loss.detach()))


def _batch(
    config: EncoderConfig, task: _Task, first: int, num_clips: int, num_segments: int
) -> tuple[Tensor, Any]:
    """Some segments of each of some consecutive clips, and the facts about them."""
    media, facts = [], []
    for clip in range(first, first + num_clips):
        generator = np.random.default_rng(rng.derive(config.seed, "encoder scene", clip))
        crowded = bool(
            generator.random() < (config.crowded_rate if clip < FIRST_HELD_OUT_CLIP else 0.0)
        )
        world = WorldConfig(
            seed=config.seed,
            coupling=float(generator.choice(config.couplings)),
            difficulty=float(generator.choice(config.difficulties)),
            silent_rate=0.05 if crowded else 0.25,
            full_rate=0.6 if crowded else 0.15,
        )
        scene = sample_scene(world, f"{clip:08d}")
        segments = sorted(generator.permutation(scene.num_segments)[:num_segments].tolist())
        media.append(task.media(scene, segments))
        facts.append(task.facts(scene, segments))
    return torch.cat(media), join(facts)


def _frames_of(scene: Scene, segments: list[int]) -> Tensor:
    return torch.from_numpy(render_frames(scene))[segments]


def _patches_of(scene: Scene, segments: list[int]) -> Tensor:
    seconds = torch.from_numpy(render_sound(scene)).unflatten(0, (-1, SAMPLE_RATE))
    return log_mel(seconds[segments])[:, 0]


def _held_out(config: EncoderConfig, task: _Task) -> Iterator[tuple[Tensor, Any]]:
    """All segments of the held-out scenes, a few clips at a time."""
    for start in range(0, config.held_out_clips, 8):
        count = min(8, config.held_out_clips - start)
        yield _batch(config, task, FIRST_HELD_OUT_CLIP + start, count, NUM_SEGMENTS)


@torch.inference_mode()
def _finish(config: EncoderConfig, task: _Task) -> VisualEncoder | AudioEncoder:
    """Return the network as it is stored: without normalisation, its features about one in size.

    ReLU lets a positive factor through, so each output channel is divided by its root mean square
    in the last layer, and the heads' weights are multiplied by it: they read the same as before.
    """
    encoder = folded(task.encoder.eval())
    squares = [
        (encoder(media) ** 2).transpose(0, 1).flatten(1).mean(dim=1)
        for media, _ in _calibration(config, task)
    ]
    size = torch.stack(squares).mean(dim=0).sqrt().clamp(min=1e-3)
    last = _linear(encoder.blocks()[-1])
    assert last.bias is not None
    last.weight.div_(_per_output(size, last))
    last.bias.div_(size)
    for head in task.heads.children():
        assert isinstance(head, nn.Linear)
        head.weight.mul_(size)
    # What is stored is what is scored: weights as they will be read from the file.
    for parameter in encoder.parameters():
        parameter.copy_(parameter.half().float())
    return encoder


@torch.no_grad()
def folded(encoder: VisualEncoder | AudioEncoder) -> VisualEncoder | AudioEncoder:
    """Return the same function of its input as ``encoder``, without normalisation layers."""
    with rng.initialising(0):
        plain = type(encoder)(normalised=False).eval()
    for trained, block in zip(encoder.blocks(), plain.blocks(), strict=True):
        _fold_block(trained, block)
    return plain


def _calibration(config: EncoderConfig, task: _Task) -> Iterator[tuple[Tensor, Any]]:
    """The first training scenes, on which the size of the features is measured."""
    num_clips = min(CALIBRATION_CLIPS, task.num_steps * task.num_clips)
    for start in range(0, num_clips, 8):
        first, count = FIRST_TRAINING_CLIP + start, min(8, num_clips - start)
        yield _batch(config, task, first, count, config.segments_per_clip)


def _fold_block(trained: nn.Sequential, plain: nn.Sequential) -> None:
    """Write a linear map and the normalisation after it into one linear map, in place."""
    source, norm, target = _linear(trained), trained[1], _linear(plain)
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) and norm.running_var is not None
    assert norm.running_mean is not None and target.bias is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    target.weight.copy_(source.weight * _per_output(gain, source))
    target.bias.copy_(norm.bias - norm.running_mean * gain)


def _linear(block: nn.Sequential) -> nn.Conv2d | nn.Linear:
    """The linear map at the head of a block."""
    linear = block[0]
    assert isinstance(linear, nn.Conv2d | nn.Linear)
    return linear


def _per_output(values: Tensor, linear: nn.Conv2d | nn.Linear) -> Tensor:
    """One value for each output channel, in a shape that multiplies the weight."""
    return values.view(-1, *[1] * (linear.weight.ndim - 1))


@torch.inference_mode()
def _score(
    config: EncoderConfig, task: _Task, encoder: VisualEncoder | AudioEncoder
) -> dict[str, float]:
    """Each fact's share of right answers (F1 for instruments), of those that came up at all."""
    totals: dict[str, list[float]] = {}
    for media, facts in _held_out(config, task):
        score: Score = task.heads.score(encoder(media), facts)
        for name, (right, asked) in score.items():
            total = totals.setdefault(name, [0.0, 0.0])
            total[0] += float(right)
            total[1] += float(asked)
    return {name: right / asked for name, (right, asked) in totals.items() if asked > 0}
