import pytest
import torch

from avqa_core import rng
from avqa_core.completion.slot_mean import SlotMeanConfig
from avqa_core.diffusion import DiffusionConfig, LightConfig
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.studies import denoising, recall
from tests.studies.test_recall import TEST, TRAIN

HOW = denoising.Schooling(pair_steps=100, num_steps=60, batch_size=16, learning_rate=0.01)


def config(**options):
    return AVRDiffusionConfig(
        diffusion=DiffusionConfig(num_steps=4, **options),
        denoiser=LightConfig(hidden_channels=8, num_blocks=1),
    )


@pytest.fixture(scope="module")
def schooled():
    return denoising.school(config(schedule="sigmoid", prediction="x0"), TRAIN, HOW, seed=0)


def test_the_loss_goes_down(schooled):
    assert len(schooled.losses) == 60
    assert sum(schooled.losses[-10:]) < 0.7 * sum(schooled.losses[:10])


def test_join_and_split_give_back_the_pair(schooled):
    joined = denoising.join_pairs(schooled.enhancer, TEST)
    with torch.no_grad():
        audio, _ = schooled.enhancer.split(joined)
    left = (audio - TEST.audio.flatten(0, 1)).square().mean() / TEST.audio.var()
    assert float(left) < 0.2


def test_more_noise_leaves_a_larger_error(schooled):
    joined = denoising.join_pairs(schooled.enhancer, TEST)
    errors = denoising.clean_errors(schooled.enhancer.process, joined, seed=0)
    assert len(errors) == 4 and errors[0] < errors[-1]
    assert errors == denoising.clean_errors(schooled.enhancer.process, joined, seed=0)


def test_a_path_ends_with_what_the_enhancer_returns(schooled):
    completer = recall.school(SlotMeanConfig(), TRAIN, recall.Schooling(num_steps=2), seed=0)
    pair = recall.complete(completer, TEST, "audio").features
    path = denoising.follow(schooled.enhancer, pair, seed=0)
    assert path.steps == (4, 3, 2, 1, 0)
    assert path.audio.shape == (5, *TEST.audio.shape)
    with torch.no_grad():
        enhanced = schooled.enhancer.enhance(
            pair,
            torch.zeros(*TEST.audio.shape[:2], 2, dtype=torch.bool),
            generator=rng.named(0, "study path"),
        )
    assert torch.allclose(path.visual[-1], enhanced.features.visual, atol=1e-5)
    distances = path.distances("audio", TEST)
    assert distances.shape == (32, 5)
    wanted = (path.audio[0, 3] - TEST.audio[3]).square().mean().sqrt()
    assert float(distances[3, 0]) == pytest.approx(float(wanted), rel=1e-5)


def test_pairs_can_be_taken_from_another_enhancer(schooled):
    other = denoising.school(
        config(schedule="linear"), TRAIN, HOW, seed=1, pairs_of=schooled.enhancer
    )
    mine, theirs = other.enhancer.join_convolution, schooled.enhancer.join_convolution
    assert torch.equal(mine.weight, theirs.weight)
    assert not torch.equal(
        other.enhancer.process.denoiser.enter.weight,
        schooled.enhancer.process.denoiser.enter.weight,
    )


def test_only_a_chain_can_be_studied():
    with pytest.raises(ConfigError, match="avr_diffusion"):
        denoising.school(IdentityConfig(), TRAIN, HOW, seed=0)
