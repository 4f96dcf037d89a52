"""Joining, denoising and splitting a pair: by hand, then what must hold for any input."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avqa_core import rng
from avqa_core.completion.base import GridDims
from avqa_core.config import from_dict, override, to_dict
from avqa_core.diffusion import DiffusionConfig, LightConfig, UNetConfig
from avqa_core.enhancement import EnhancerConfig, enhancers
from avqa_core.enhancement.avr_diffusion import AVRDiffusion, AVRDiffusionConfig
from avqa_core.enhancement.identity import Identity, IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.types import Enhancement, Features, Modality
from tests.features import GRID, everything, make_features, patchy, poisoned, rows, without

LIGHT = LightConfig(hidden_channels=4, num_blocks=1)
SHORT = DiffusionConfig(num_steps=3)
ONE_LOOK = DiffusionConfig(num_steps=2, prediction="x0", num_sampling_steps=1)


class Counting(torch.nn.Module):
    """Return the map as it came; count the maps seen."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, noisy: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        self.seen += len(noisy)
        return noisy


def build(dims: GridDims = GRID, **fields: object) -> AVRDiffusion:
    config = AVRDiffusionConfig(**{"denoiser": LIGHT, "diffusion": SHORT, **fields})
    with rng.initialising(0):
        return AVRDiffusion(config, dims).eval()


def enhance(
    enhancer: AVRDiffusion, pair: Features, availability: torch.Tensor, seed: int = 0
) -> Enhancement:
    return enhancer.enhance(pair, availability, generator=rng.named(seed, "enhance"))


def transparent(**fields: object) -> AVRDiffusion:
    """Keep audio 0 and visual 0 in channels 0 and 1, look once, hand them back in their places.

    C = 2; the joined map is (audio 0, visual 0), the split one (channel 0, 0 | channel 1, 0).
    """
    enhancer = build(
        GridDims(channels=2, num_segments=1, height=1, width=2), diffusion=ONE_LOOK, **fields
    )
    enhancer.process.denoiser = Counting()
    with torch.no_grad():
        for one in enhancer.parameters():
            one.zero_()
        enhancer.join_convolution.weight[0, 0] = enhancer.join_convolution.weight[1, 2] = 1
        enhancer.split_convolution.weight[0, 0] = enhancer.split_convolution.weight[2, 1] = 1
    return enhancer


def hand_pair() -> Features:
    return Features(
        audio=torch.tensor([[[0.5, 9.0]]]),
        visual=torch.tensor([[[[[3.0, -0.2]], [[9.0, 9.0]]]]]),
        question=torch.zeros(1, 2),
    )


def test_join_puts_the_audio_over_the_grid_beside_the_visual_by_hand() -> None:
    enhancer, pair = transparent(), hand_pair()
    with torch.no_grad():
        enhancer.join_convolution.bias.copy_(torch.tensor([0.0, 1.0]))
        joined = enhancer.join(pair.audio[:, 0], pair.visual[:, 0])
    assert joined[0].tolist() == [[[0.5, 0.5]], [[4.0, pytest.approx(0.8)]]]


def test_released_range_by_hand() -> None:
    # Visual 3 and -0.2 cut to 1 and -0.2, moved to [0, 1]: 1 and 0.4; audio 0.5 to 0.75.
    enhancer = transparent(feature_range="released")
    with torch.no_grad():
        done = enhance(enhancer, hand_pair(), torch.zeros(1, 1, 2, dtype=torch.bool))
    assert done.features.audio[0, 0].tolist() == [0.75, 0.0]
    assert done.features.visual[0, 0].flatten().tolist() == pytest.approx([1.0, 0.4, 0.0, 0.0])


def test_standardised_range_by_hand() -> None:
    # Audio channel 0 has mean 1 and deviation 2: (0.5 - 1) / 2 = -0.25 is what is diffused, and
    # what comes back is -0.25 x 2 + 1. Channel 1 comes back as 0, which is its mean. So with the
    # picture: (3 - 1) / 2 = 1 and (-0.2 - 1) / 2 = -0.6.
    enhancer = transparent()
    for statistics in (enhancer.audio_statistics, enhancer.visual_statistics):
        statistics.mean.copy_(torch.tensor([1.0, 7.0]))
        statistics.variance.copy_(torch.tensor([4.0, 4.0]))
    with torch.no_grad():
        pair = hand_pair()
        joined = enhancer.join(pair.audio[:, 0], pair.visual[:, 0])
        done = enhance(enhancer, pair, torch.zeros(1, 1, 2, dtype=torch.bool))
    assert joined[0, :, 0].tolist() == [[-0.25, -0.25], [1.0, pytest.approx(-0.6)]]
    assert done.features.audio[0, 0].tolist() == [0.5, 7.0]
    assert done.features.visual[0, 0].flatten().tolist() == pytest.approx([3.0, -0.2, 7.0, 7.0])


def test_audio_is_read_at_a_corner_or_over_the_grid() -> None:
    joined = torch.tensor([1.0, 5.0, 0.0, 0.0]).reshape(1, 2, 1, 2)
    for kind, expected in (("corner", 1.0), ("mean", 3.0)):
        enhancer = transparent(audio_read_out=kind)
        audio, _ = enhancer.split(joined)
        assert audio[0, 0].item() == expected


def test_outputs_replace_both_halves_or_only_the_one_that_was_missing() -> None:
    pair, availability = make_features(), without(Modality.VISUAL)
    both = enhance(build(), pair, availability)
    assert not torch.isclose(both.features.audio, pair.audio).any()
    only = enhance(build(outputs="missing_only"), pair, availability)
    assert torch.equal(only.features.audio, pair.audio)
    assert torch.equal(only.features.visual, both.features.visual)
    assert torch.equal(only.details["audio"], both.features.audio)


def test_complete_segments_pass_untouched_and_cost_nothing() -> None:
    enhancer, pair, availability = build(diffusion=ONE_LOOK), make_features(), patchy()
    counting = enhancer.process.denoiser = Counting()
    done = enhance(enhancer, pair, availability)
    whole = availability.all(dim=-1)
    assert counting.seen == int((~whole).sum()) == 3
    assert torch.equal(done.details["sampled"], ~whole)
    assert torch.equal(done.features.audio[whole], pair.audio[whole])
    assert torch.equal(done.features.visual[whole], pair.visual[whole])
    assert not torch.isclose(done.features.audio[~whole], pair.audio[~whole]).any()
    enhance(enhancer, pair, everything())
    assert counting.seen == 3


@pytest.mark.parametrize("sampler", ["ancestral", "deterministic"])
@pytest.mark.parametrize("start", ["feature", "noised"])
def test_a_row_does_not_depend_on_its_company(sampler: str, start: str) -> None:
    enhancer = build(diffusion=replace(SHORT, sampler=sampler, start=start))
    pair, availability = make_features(), patchy()
    whole = enhance(enhancer, pair, availability).features
    for order in ([2, 0, 3, 1], [1], [0, 2]):
        some = enhance(enhancer, rows(pair, order), availability[order]).features
        assert torch.allclose(some.audio, whole.audio[order], atol=1e-5)
        assert torch.allclose(some.visual, whole.visual[order], atol=1e-5)
    again = enhance(enhancer, pair, availability, seed=1).features
    stochastic = sampler == "ancestral" or start == "noised"
    assert torch.equal(again.audio, whole.audio) != stochastic


@pytest.mark.parametrize("feature_range", ["standardised", "released"])
def test_the_trajectory_ends_where_enhance_ends(feature_range: str) -> None:
    enhancer, pair = build(feature_range=feature_range), make_features()
    # Far enough out for the released range to cut something.
    pair = replace(pair, audio=5 * pair.audio, visual=5 * pair.visual)
    nothing = torch.zeros_like(everything())
    states = list(enhancer.trajectory(pair, generator=rng.named(0, "enhance")))
    assert [state.step for state in states] == [3, 2, 1, 0]
    assert states[0].noisy.shape == (4, 2, 3, 2, 4)
    done = enhance(enhancer, pair, nothing)
    assert torch.allclose(states[-1].audio, done.features.audio, atol=1e-6)
    assert torch.allclose(states[-1].visual, done.features.visual, atol=1e-6)


def test_loss_counts_real_pairs_only_and_reads_nothing_else() -> None:
    enhancer, features, present = build(), make_features(), patchy()
    losses = [
        enhancer.loss(one, present, generator=rng.named(0, "loss"))
        for one in (features, poisoned(features, present))
    ]
    assert float(losses[0]["diffusion"].count) == 5
    assert torch.equal(losses[0].total(), losses[1].total())
    nothing = enhancer.loss(features, torch.zeros_like(present), generator=rng.named(0, "loss"))
    assert float(nothing.total().detach()) == 0.0


def test_loss_of_a_batch_is_the_sum_over_its_rows() -> None:
    enhancer, features = build(), make_features()
    whole = enhancer.loss(features, everything(), generator=rng.named(0, "loss"))
    parts = [
        enhancer.loss(rows(features, part), everything(2), generator=rng.named(0, "loss"))
        for part in ([3, 1], [0, 2])
    ]
    total = sum(part["diffusion"].total for part in parts)
    assert torch.allclose(whole["diffusion"].total, total, rtol=1e-5)


@pytest.mark.parametrize("detach", [True, False])
def test_the_target_of_eq_7_moves_only_if_asked(detach: bool) -> None:
    enhancer, features = build(detach_target=detach), make_features()
    features = replace(features, audio=features.audio.requires_grad_())
    enhancer.loss(features, everything(), generator=rng.named(0, "loss")).total().backward()
    moved = [features.audio.grad, enhancer.join_convolution.weight.grad]
    assert all((one is None) == detach for one in moved)
    assert enhancer.process.denoiser.leave.weight.grad.abs().sum() > 0


def test_reconstruction_by_hand() -> None:
    enhancer = transparent(feature_range="standardised", reconstruction_weight=2.0)
    pair, nothing = hand_pair(), torch.zeros(1, 1, 2, dtype=torch.bool)
    with torch.no_grad():
        done = enhance(enhancer, pair, nothing)
        present = torch.ones(1, 1, 2, dtype=torch.bool)
        terms = enhancer.reconstruction_loss(pair, done, present)
    # Channel 1 comes back as 0 in the place of 9, channel 0 exactly.
    assert terms.means()["reconstruction_audio"].item() == pytest.approx(81 / 2)
    assert terms.means()["reconstruction_visual"].item() == pytest.approx(81 / 2)
    assert terms.total().item() == pytest.approx(2 * 81)
    assert not transparent().reconstruction_loss(pair, done, present)


@pytest.mark.parametrize("detach", [True, False])
def test_reconstruction_reads_no_absent_target_and_no_bypassed_segment(detach: bool) -> None:
    enhancer = build(reconstruction_weight=1.0, detach_target=detach)
    features, present = make_features(), patchy()
    done = enhance(enhancer, poisoned(features, present).blanked(present), present)
    features.audio.requires_grad_()
    terms = enhancer.reconstruction_loss(poisoned(features, present), done, present)
    # Three segments were sampled; one of them has its audio, another one its visual.
    assert {name: float(term.count) for name, term in terms.items()} == {
        "reconstruction_audio": 1.0,
        "reconstruction_visual": 1.0,
    }
    terms.total().backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in enhancer.parameters())
    assert (features.audio.grad is None) == detach


def test_statistics_follow_real_training_features_only() -> None:
    enhancer, features, present = build(), make_features(), patchy()
    features = replace(features, audio=features.audio * 5 + 3)
    enhancer.observe(features, present)
    enhancer.train().loss(features, present, generator=rng.named(0, "loss"))
    assert int(enhancer.audio_statistics.num_updates) == 0
    enhancer.observe(poisoned(features, present), present)
    for modality, name in ((Modality.AUDIO, "audio"), (Modality.VISUAL, "visual")):
        statistics = getattr(enhancer, f"{name}_statistics")
        real = getattr(features, name)[present[..., modality]].transpose(0, 1).flatten(1)
        assert torch.allclose(statistics.mean, real.mean(dim=1), atol=1e-5)
        assert torch.allclose(statistics.variance, real.var(dim=1, unbiased=False), atol=1e-4)


def test_gradients_reach_every_parameter_and_what_was_completed() -> None:
    enhancer, pair = build(), make_features()
    pair = replace(pair, visual=pair.visual.requires_grad_())
    done = enhance(enhancer, pair, without(Modality.VISUAL))
    (done.features.audio.square().sum() + done.features.visual.square().sum()).backward()
    assert pair.visual.grad.abs().sum() > 0
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in enhancer.parameters())


def test_bfloat16_keeps_the_chain_in_single_precision_and_finite() -> None:
    enhancer, pair = build(denoiser=UNetConfig(stem_channels=8)), make_features()
    plain = enhance(enhancer, pair, patchy()).features
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = list(enhancer.trajectory(pair, generator=rng.named(0, "enhance")))
        cast = enhance(enhancer, pair, patchy()).features
    assert {state.noisy.dtype for state in states} == {torch.float32}
    assert cast.visual.isfinite().all()
    assert torch.allclose(cast.visual, plain.visual, atol=0.2)


def test_published_sizes() -> None:
    with torch.device("meta"):
        enhancer = AVRDiffusion(
            AVRDiffusionConfig(), GridDims(channels=512, num_segments=10, height=14, width=14)
        )
    sizes = {
        name: sum(one.numel() for one in module.parameters())
        for name, module in enhancer.named_children()
    }
    assert sizes["join_convolution"] == 524_800
    assert sizes["split_convolution"] == 525_312
    assert sizes["process"] == 4_685_120


def test_config_goes_through_json_and_single_fields_can_be_set() -> None:
    config = AVRDiffusionConfig(denoiser=LIGHT, diffusion=SHORT)
    assert from_dict(EnhancerConfig, to_dict(config)) == config
    assert override(config, "diffusion.num_steps", 5).diffusion.num_steps == 5
    assert override(config, "denoiser", "unet").denoiser == UNetConfig()


def test_configs_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="never learn"):
        AVRDiffusionConfig(diffusion=DiffusionConfig(gradient_steps=1))
    AVRDiffusionConfig(diffusion=DiffusionConfig(gradient_steps=1), detach_target=False)
    with pytest.raises(ConfigError, match="reconstruction_weight >= 0"):
        AVRDiffusionConfig(reconstruction_weight=-1.0)
    odd = GridDims(channels=4, num_segments=1, height=7, width=7)
    with pytest.raises(ConfigError, match=r"divisible by 2 .* got 7 x 7: .*'light'"):
        build(odd, denoiser=UNetConfig(stem_channels=8))
    build(odd)


def test_identity_returns_the_pair() -> None:
    pair = make_features()
    done = Identity(IdentityConfig(), GRID).enhance(pair, patchy(), generator=rng.named(0, "x"))
    assert done.features is pair
    assert sorted(enhancers) == ["avr_diffusion", "identity"]


def test_a_short_training_denoises_better_than_doing_nothing() -> None:
    """Eq. 7 is learned: the noise seen in pairs on a line is predicted better than by zeros."""
    dims = GridDims(channels=4, num_segments=2, height=2, width=2)
    enhancer = build(dims, diffusion=DiffusionConfig(schedule="sigmoid")).train()
    features = make_features(16, dims)
    features = replace(features, audio=features.audio.sign(), visual=features.visual.sign())
    optimiser = torch.optim.Adam(enhancer.parameters(), lr=1e-2)
    history = []
    for step in range(80):
        terms = enhancer.loss(features, everything(16), generator=rng.named(step, "train"))
        optimiser.zero_grad()
        terms.total().backward()
        optimiser.step()
        history.append(float(terms.means()["diffusion"]))
    assert sum(history[-10:]) / 10 < 0.6  # predicting no noise costs 1
