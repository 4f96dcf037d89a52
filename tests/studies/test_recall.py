import math
from dataclasses import replace

import pytest
import torch

from avqa_core import rng
from avqa_core.completion.base import Completer
from avqa_core.completion.rmm import RMMConfig
from avqa_core.completion.slot_mean import SlotMeanConfig
from avqa_core.studies import clips, recall
from avqa_core.types import Completion, Features


def linked(num_clips: int, seed: int) -> Features:
    """Features in which one of two kinds of sight goes with one of two kinds of sound."""
    generator = rng.named(seed, "linked")
    kind = torch.randint(2, (num_clips, 3), generator=generator)
    sound = torch.tensor([[2.0, 0, 0, 1], [0, 2.0, 1, 0]])
    sight = torch.tensor([[0, 0, 3.0, 0], [1.0, 0, 0, 3]])
    noise = 0.01 * torch.randn(num_clips, 3, 4, generator=generator)
    return Features(
        audio=sound[kind] + noise,
        visual=(sight[kind] + noise)[..., None, None].expand(-1, -1, -1, 2, 2).contiguous(),
        question=torch.randn(num_clips, 4, generator=generator),
        extras={"question_id": torch.arange(num_clips)},
    )


TRAIN, TEST = linked(64, 0), linked(32, 1)
HOW = recall.Schooling(num_steps=150, batch_size=16)


@pytest.fixture(scope="module")
def renormalised():
    config = RMMConfig(num_slots=6, addressing="renormalised", slot_init_std=0.1)
    return recall.school(config, TRAIN, HOW, seed=0)


@pytest.mark.parametrize("half", ["audio", "visual"])
def test_a_sharp_addressing_recalls_what_is_linked(renormalised, half):
    found = recall.score(renormalised, half, TRAIN, TEST)
    assert found.error < 0.3 and found.spread > 0.5
    assert found.entropy < 0.9 and 1 / 6 < found.largest <= 1


@pytest.mark.parametrize("half", ["audio", "visual"])
def test_the_addressing_as_printed_recalls_hardly_more_than_the_mean(half):
    config = RMMConfig(num_slots=6, slot_init_std=0.1)
    found = recall.score(recall.school(config, TRAIN, HOW, seed=0), half, TRAIN, TEST)
    assert found.largest <= math.e / (math.e + 5) + 1e-6
    assert found.error > 0.3 > recall.linear_score(half, TRAIN, TEST, ridge=0.01).error


def test_a_learned_constant_has_no_spread_and_the_error_of_the_mean():
    found = recall.score(recall.school(SlotMeanConfig(), TRAIN, HOW, seed=0), "audio", TRAIN, TEST)
    assert found.spread < 1e-9 and found.error == pytest.approx(1, abs=0.05)
    assert math.isnan(found.entropy) and math.isnan(found.largest)


class HalfWay(Completer):
    """Predicts half way between the mean of the training clips and the truth."""

    def complete(self, features, availability, *, generator):
        return Completion(
            features=features,
            pseudo_audio=(TRAIN.audio.mean(dim=(0, 1)) + TEST.audio) / 2,
            pseudo_visual=TEST.visual,
        )


def test_the_error_is_a_share_of_what_the_mean_leaves():
    found = recall.score(HalfWay(), "audio", TRAIN, TEST)
    assert found.error == pytest.approx(0.25, abs=1e-5)
    assert found.spread == pytest.approx(0.25, rel=0.05)


def test_equal_seeds_give_equal_completers():
    config, how = RMMConfig(num_slots=3), recall.Schooling(num_steps=4, batch_size=8)
    one, other = (recall.school(config, TRAIN, how, seed=1) for _ in range(2))
    assert torch.equal(one.audio_slots, other.audio_slots)
    assert not torch.equal(one.audio_slots, recall.school(config, TRAIN, how, seed=2).audio_slots)


def test_nothing_of_the_half_that_is_taken_away_is_seen(renormalised):
    broken = replace(TEST, audio=torch.full_like(TEST.audio, float("nan")))
    seen = recall.complete(renormalised, broken, "audio").pseudo_audio
    assert torch.equal(seen, recall.complete(renormalised, TEST, "audio").pseudo_audio)


def test_batches_take_every_clip_once_an_epoch():
    given = [one.extras["question_id"] for one in clips.batches(TRAIN, 16, 8, seed=0)]
    first, second = torch.cat(given[:4]), torch.cat(given[4:])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(64))
    assert not torch.equal(first, second)


def test_scaled_features_have_mean_square_one():
    scaled = clips.scaled(TRAIN, clips.scales(TRAIN))
    assert clips.scales(scaled) == pytest.approx((1, 1), abs=1e-5)
