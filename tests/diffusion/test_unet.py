"""The U-Net has the released topology, parameter for parameter, and treats rows apart."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from avqa_core import rng
from avqa_core.config import from_dict, to_dict
from avqa_core.diffusion import Denoiser, DenoiserConfig, UNetConfig, denoisers
from avqa_core.diffusion.denoiser import ChannelNorm, StepEmbedding
from avqa_core.diffusion.unet import FullAttention, LinearAttention, UNet
from avqa_core.errors import ConfigError, FeatureError

SMALL = UNetConfig(stem_channels=8, attention_heads=2, head_channels=3, memory_tokens=2)


def size(*modules: nn.Module) -> list[int]:
    return [sum(one.numel() for one in module.parameters()) for module in modules]


def small(channels: int = 5, config: UNetConfig = SMALL) -> Denoiser:
    with rng.initialising(0):
        return denoisers.build(config, channels)


def test_published_sizes_stage_by_stage() -> None:
    with torch.device("meta"):
        unet = UNet(UNetConfig(), 512)
    assert size(unet) == [4_685_120]
    assert size(unet.stem, unet.step) == [1_605_696, 82_432]
    assert size(*unet.down[0].children()) == [107_008, 107_008, 33_984, 16_448]
    assert size(*unet.down[1].children()) == [107_008, 107_008, 33_920, 73_856]
    assert size(*unet.middle) == [361_472, 66_816, 361_472]
    assert size(*unet.up[0].children()) == [459_904, 459_904, 66_816, 73_792]
    assert size(*unet.up[1].children()) == [152_128, 152_128, 33_984, 36_928]
    assert size(unet.final, unet.leave) == [152_128, 33_280]


@pytest.mark.parametrize("grid", [(2, 2), (4, 6), (14, 14), (2, 8)])
def test_any_even_grid_comes_back_in_its_shape(grid: tuple[int, int]) -> None:
    noisy = torch.randn(3, 5, *grid, generator=rng.named(0, "grid"))
    assert small()(noisy, torch.tensor([0, 1, 2])).shape == noisy.shape


def test_three_resolutions_need_a_grid_divisible_by_four() -> None:
    unet = small(config=UNetConfig(stem_channels=8, multipliers=(1, 2, 4)))
    assert unet.grid_multiple == 4
    assert unet(torch.zeros(1, 5, 4, 8), torch.tensor([0])).shape == (1, 5, 4, 8)
    with pytest.raises(FeatureError, match="divisible by 4, got 6 x 4"):
        unet(torch.zeros(1, 5, 6, 4), torch.tensor([0]))


def test_an_odd_grid_is_refused() -> None:
    with pytest.raises(FeatureError, match="divisible by 2, got 7 x 7"):
        small()(torch.zeros(1, 5, 7, 7), torch.tensor([0]))


def test_rows_are_independent_and_the_step_matters() -> None:
    unet, noisy = small(), torch.randn(3, 5, 2, 4, generator=rng.named(0, "rows"))
    step = torch.tensor([0, 3, 7])
    together = unet(noisy, step)
    for row in range(3):
        alone = unet(noisy[row : row + 1], step[row : row + 1])
        assert torch.allclose(together[row], alone[0], atol=1e-5)
    assert not torch.allclose(together, unet(noisy, step + 1), atol=1e-3)


def test_gradients_reach_every_parameter() -> None:
    unet = small()
    unet(
        torch.randn(2, 5, 4, 4, generator=rng.named(0, "x")), torch.tensor([1, 2])
    ).sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in unet.parameters())


def test_step_embedding_by_hand() -> None:
    embedding = StepEmbedding(4)
    embedding.network = nn.Identity()
    # Two frequencies, 1 and 1/10000: sines first, then cosines.
    expected = [math.sin(2), math.sin(2e-4), math.cos(2), math.cos(2e-4)]
    assert embedding(torch.tensor([2]))[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_channel_norm_by_hand() -> None:
    values = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    # Length 5 becomes sqrt(2): 3 / 5 * sqrt(2), 4 / 5 * sqrt(2).
    assert ChannelNorm(2)(values).flatten().tolist() == pytest.approx([0.84853, 1.13137], abs=1e-5)


@pytest.mark.parametrize("kind", [FullAttention, LinearAttention])
def test_attention_equals_its_formula_place_by_place(kind: type[nn.Module]) -> None:
    with rng.initialising(0):
        attention = kind(4, SMALL)
    values = torch.randn(1, 4, 2, 2, generator=rng.named(0, "attention"))
    split = attention.query_key_value(attention.norm(values))[0].reshape(3, 2, 3, 4)
    gathered = torch.zeros(2, 3, 4)  # head, channel, place
    for head in range(2):
        query = split[0, head].T
        key = torch.cat([attention.memory[0, head], split[1, head].T])
        value = torch.cat([attention.memory[1, head], split[2, head].T])
        if kind is FullAttention:
            weights = (query @ key.T / math.sqrt(3)).softmax(dim=-1)
        else:
            weights = query.softmax(dim=-1) @ key.softmax(dim=0).T / math.sqrt(3)
        gathered[head] = (weights @ value).T
    expected = attention.leave(gathered.reshape(1, 6, 2, 2))
    if kind is LinearAttention:
        expected = attention.leave_norm(expected)
    assert torch.allclose(attention(values), values + expected, atol=1e-5)


def test_config_goes_through_json_by_its_name() -> None:
    data = to_dict(SMALL)
    assert data["name"] == "unet"
    assert from_dict(DenoiserConfig, data) == SMALL


@pytest.mark.parametrize(
    "wrong",
    [{"stem_channels": 12}, {"stem_kernel": 4}, {"multipliers": ()}, {"attention_heads": 0}],
)
def test_impossible_sizes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="unet: expected"):
        UNetConfig(**wrong)
