"""The networks that look and listen for Bandstand: its ResNet-18 and its VGGish.

Both are small stacks of convolutions, trained once on scenes that are in no split (see
``encoder_training``), stored with the package and frozen. A stored stack has no normalisation
layers: they are folded into the convolutions, and so is a scale for each output channel, which
makes every feature about one in size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from avqa_core import rng
from avqa_core.errors import FeatureError
from avqa_core.media.log_mel import LOG_OFFSET, NUM_BANDS, SAMPLE_RATE, log_mel

WEIGHTS = Path(__file__).parent / "weights"
VISUAL_WIDTH = 64
AUDIO_WIDTH = 128
GRID = (4, 6)
FRAME_SHAPE = (192, 288, 3)
# Patches that go through a network at once: more only costs memory.
CHUNK = 40


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution: its width, the side of its kernel and its step down and across."""

    width: int
    kernel: int
    stride: tuple[int, int]


VISUAL_LAYERS = (
    Layer(24, 5, (2, 2)),
    Layer(48, 3, (2, 2)),
    Layer(64, 3, (2, 2)),
    Layer(96, 3, (1, 1)),
    Layer(VISUAL_WIDTH, 5, (3, 3)),
)
# Time is halved at once, pitch only from the second layer on: neighbouring pitches are what tells
# two instruments apart.
AUDIO_LAYERS = (
    Layer(24, 5, (2, 1)),
    Layer(48, 3, (2, 2)),
    Layer(96, 3, (2, 2)),
    Layer(128, 3, (2, 2)),
)
_AUDIO_BANDS = NUM_BANDS // 8


def convolutions(layers: Sequence[Layer], num_inputs: int, normalised: bool) -> nn.Sequential:
    """Build a stack of convolutions, each followed by ReLU; ``normalised`` is how it is trained."""
    modules: list[nn.Module] = []
    for layer in layers:
        conv = nn.Conv2d(
            num_inputs, layer.width, layer.kernel, layer.stride, layer.kernel // 2,
            bias=not normalised,
        )  # fmt: skip
        norm: list[nn.Module] = [nn.BatchNorm2d(layer.width)] if normalised else []
        modules += [nn.Sequential(conv, *norm, nn.ReLU())]
        num_inputs = layer.width
    return nn.Sequential(*modules)


class VisualEncoder(nn.Module):
    """Frame -> 64 channels on a grid of 4 x 6 cells, two columns for each place on stage."""

    def __init__(self, normalised: bool = False) -> None:
        super().__init__()
        self.layers = convolutions(VISUAL_LAYERS, 3, normalised)

    def blocks(self) -> list[nn.Sequential]:
        """Return the linear maps with what follows each, first to last."""
        return [block for block in self.layers if isinstance(block, nn.Sequential)]

    def forward(self, frames: UInt8[Tensor, "F 192 288 3"]) -> Float[Tensor, "F 64 4 6"]:
        """Return the feature map of each frame."""
        return self.layers(halved(frames))


class AudioEncoder(nn.Module):
    """Log-mel patch of one second -> 128 channels, the strongest and the mean over its time."""

    pitch: Tensor

    def __init__(self, normalised: bool = False) -> None:
        super().__init__()
        self.layers = convolutions(AUDIO_LAYERS, 2, normalised)
        self.register_buffer("pitch", torch.linspace(-1.0, 1.0, NUM_BANDS), persistent=False)
        num_pooled = 2 * AUDIO_LAYERS[-1].width * _AUDIO_BANDS
        norm: list[nn.Module] = [nn.BatchNorm1d(AUDIO_WIDTH)] if normalised else []
        self.last = nn.Sequential(
            nn.Linear(num_pooled, AUDIO_WIDTH, bias=not normalised), *norm, nn.ReLU()
        )

    def blocks(self) -> list[nn.Sequential]:
        """Return the linear maps with what follows each, first to last."""
        return [*(block for block in self.layers if isinstance(block, nn.Sequential)), self.last]

    def forward(self, patches: Float[Tensor, "P 96 64"]) -> Float[Tensor, "P 128"]:
        """Return the feature of each patch."""
        # The quietest value possible becomes zero, as the padding of the convolutions is.
        silence = float(np.log(LOG_OFFSET))
        strength = (patches - silence) / 4.0
        # Instruments have registers: a convolution has to be told how high it is.
        maps = self.layers(torch.stack([strength, self.pitch.expand_as(strength)], dim=1))
        pooled = torch.cat([maps.mean(dim=2), maps.amax(dim=2)], dim=1)
        return self.last(pooled.flatten(1))


def halved(frames: UInt8[Tensor, "F Y X 3"]) -> Float[Tensor, "F 3 Y//2 X//2"]:
    """Return frames at half size, each pixel the mean of four, scaled to [-1, 1]."""
    num_frames, height, width, _ = frames.shape
    rows = frames.reshape(num_frames, height // 2, 2, width * 3)
    # Adding small integers is several times as fast as averaging floats.
    tall = (rows[:, :, 0].short() + rows[:, :, 1]).reshape(-1, height // 2, width // 2, 2, 3)
    summed = tall[:, :, :, 0] + tall[:, :, :, 1]
    return (summed.float() / 510.0 - 1.0).permute(0, 3, 1, 2)


class BandstandEncoders(nn.Module):
    """Both networks, frozen: what a world and the feature extractor call.

    Args:
        visual: frames to feature maps.
        audio: log-mel patches to features.
    """

    visual_shape = (VISUAL_WIDTH, *GRID)
    audio_shape = (AUDIO_WIDTH,)

    def __init__(self, visual: VisualEncoder, audio: AudioEncoder) -> None:
        super().__init__()
        self._visual = visual.eval().requires_grad_(False)
        self._audio = audio.eval().requires_grad_(False)

    @torch.inference_mode()
    def visual(self, frames: Tensor | np.ndarray) -> Float[Tensor, "*clips 64 4 6"]:
        """Return the feature map of each frame, from uint8 ``[..., 192, 288, 3]``.

        Raises:
            FeatureError: not uint8 pictures of 192 x 288 pixels.
        """
        pictures = torch.as_tensor(frames)
        if pictures.dtype != torch.uint8 or tuple(pictures.shape[-3:]) != FRAME_SHAPE:
            raise FeatureError(
                f"expected uint8 frames [..., {', '.join(map(str, FRAME_SHAPE))}], got "
                f"{pictures.dtype} {list(pictures.shape)}: these encoders know Bandstand's "
                f"pictures only; resize the frames, or choose a visual encoder for real video"
            )
        flat = pictures.reshape(-1, *FRAME_SHAPE).to(_device(self._visual))
        maps = torch.cat([self._visual(chunk) for chunk in flat.split(CHUNK)])
        return maps.reshape(*pictures.shape[:-3], *self.visual_shape)

    @torch.inference_mode()
    def audio(self, waveform: Tensor | np.ndarray) -> Float[Tensor, "*clips T 128"]:
        """Return one feature for each second of a 16 kHz waveform ``[..., samples]``.

        Raises:
            FeatureError: shorter than a second, or not a sound in floating point.
        """
        sound = torch.as_tensor(waveform)
        if not sound.is_floating_point():
            raise FeatureError(
                f"expected a floating point waveform in [-1, 1] at {SAMPLE_RATE} Hz, got "
                f"{sound.dtype}: divide 16-bit samples by 32768"
            )
        patches = log_mel(sound.to(_device(self._audio)))
        flat = patches.flatten(0, -3)
        features = torch.cat([self._audio(chunk) for chunk in flat.split(CHUNK)])
        return features.reshape(*patches.shape[:-2], AUDIO_WIDTH)


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


@cache
def load_encoders(folder: Path = WEIGHTS) -> BandstandEncoders:
    """Load the stored encoders; the same object at every call.

    Raises:
        FeatureError: the weights are missing or do not fit the networks.
    """
    # Building draws initial weights, which must not disturb anybody's global generator.
    with rng.initialising(0):
        visual, audio = VisualEncoder(), AudioEncoder()
    for network, name in ((visual, "visual"), (audio, "audio")):
        path = folder / f"{name}.safetensors"
        try:
            state = load_file(path)
            network.load_state_dict({key: value.float() for key, value in state.items()})
        except (OSError, RuntimeError, SafetensorError) as error:
            raise FeatureError(
                f"expected the {name} encoder of Bandstand at {path}, got {error}: reinstall the "
                f"package, or train the encoders again with 'avqa encoders'"
            ) from error
    return BandstandEncoders(visual, audio)


def load_recipe(folder: Path = WEIGHTS) -> dict[str, Any]:
    """Return how the stored encoders were made, and how often they were right on new scenes.

    Raises:
        FeatureError: the recipe is missing or unreadable.
    """
    try:
        return json.loads((folder / "recipe.json").read_text())
    except (OSError, ValueError) as error:
        raise FeatureError(
            f"expected the recipe of Bandstand's encoders in {folder}, got {error}: reinstall the "
            f"package, or train the encoders again with 'avqa encoders'"
        ) from error
