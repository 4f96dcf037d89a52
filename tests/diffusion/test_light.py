"""The light denoiser: any grid, the cost it states, and white noise past its bottleneck."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from avqa_core import rng
from avqa_core.diffusion import LightConfig, UNetConfig, denoisers
from avqa_core.errors import ConfigError


def build(config: LightConfig, channels: int) -> torch.nn.Module:
    with rng.initialising(0):
        return denoisers.build(config, channels)


@pytest.mark.parametrize("grid", [(1, 1), (3, 5), (7, 7), (4, 6)])
def test_any_grid_comes_back_in_its_shape(grid: tuple[int, int]) -> None:
    noisy = torch.randn(2, 5, *grid, generator=rng.named(0, "grid"))
    light = build(LightConfig(hidden_channels=6), 5)
    assert light(noisy, torch.tensor([0, 9])).shape == noisy.shape


@pytest.mark.parametrize(("hidden", "blocks", "expansion"), [(8, 1, 1), (16, 3, 2)])
def test_it_costs_what_its_docstring_says(hidden: int, blocks: int, expansion: int) -> None:
    channels, height, width = 12, 4, 6
    light = build(
        LightConfig(hidden_channels=hidden, num_blocks=blocks, expansion=expansion), channels
    )
    with FlopCounterMode(display=False) as counter:
        light(torch.zeros(1, channels, height, width), torch.tensor([0]))
    per_place = 2 * channels + blocks * (9 + 2 * expansion * hidden)
    step = 4 * hidden**2 + 16 * hidden**2 + 4 * hidden * channels + blocks * 9 * hidden**2
    assert counter.get_total_flops() == 2 * (height * width * hidden * per_place + step)


def test_it_costs_less_than_an_eighth_of_the_unet() -> None:
    totals = []
    for config in (LightConfig(), UNetConfig(stem_channels=32)):
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            denoisers.build(config, 64)(torch.zeros(2, 64, 4, 6), torch.zeros(2).long())
        totals.append(counter.get_total_flops())
    assert 8 * totals[0] < totals[1]


def test_rows_are_independent_the_step_matters_and_gradients_arrive() -> None:
    light, noisy = build(LightConfig(hidden_channels=8), 5), torch.ones(3, 5, 2, 4)
    noisy[1:] = torch.randn(2, 5, 2, 4, generator=rng.named(0, "rows"))
    step = torch.tensor([0, 3, 7])
    together = light(noisy, step)
    assert torch.allclose(together[1:2], light(noisy[1:2], step[1:2]), atol=1e-6)
    assert not torch.allclose(together, light(noisy, step + 1), atol=1e-3)
    together.square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in light.parameters())


def test_white_noise_passes_the_bottleneck() -> None:
    """With nothing but noise in the map, predicting it is copying it: 16 channels through 4."""
    light = build(LightConfig(hidden_channels=4), 16)
    optimiser = torch.optim.Adam(light.parameters(), lr=5e-2)
    generator = rng.named(0, "noise")
    for _ in range(60):
        noise = torch.randn(16, 16, 2, 2, generator=generator)
        loss = (light(noise, torch.zeros(16).long()) - noise).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.05  # four of sixteen channels alone would leave 0.75


@pytest.mark.parametrize(
    "wrong", [{"hidden_channels": 5}, {"hidden_channels": 2}, {"num_blocks": 0}]
)
def test_impossible_sizes_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="light: expected"):
        LightConfig(**wrong)
