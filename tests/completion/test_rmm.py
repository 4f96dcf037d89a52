"""Eq. 1-4 by hand at B=2, T=2, C=3, L=4, and what the joint addressing can and cannot do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core import rng
from avqa_core.completion.base import GridDims
from avqa_core.completion.rmm import (
    RMMConfig,
    RMMGenerator,
    addressing_entropy,
    joint_addressing,
    max_joint_weight,
    slot_scores,
)
from avqa_core.completion.slot_mean import SlotMean, SlotMeanConfig
from avqa_core.errors import ConfigError
from avqa_core.types import Features, Modality
from tests.features import everything, make_features, patchy, poisoned, rows

HAND = GridDims(channels=3, num_segments=2, height=1, width=1)
KINDS = ("paper", "released_code", "renormalised")
LOG2 = math.log(2)


def build(dims: GridDims = HAND, **fields: object) -> RMMGenerator:
    with rng.initialising(0):
        return RMMGenerator(RMMConfig(**{"num_slots": 4, **fields}), dims)


def by_hand(**fields: object) -> tuple[RMMGenerator, Features]:
    """Slots and features whose scores are multiples of log 2.

    Row 0 fits slot 0 of the visual bank (score log 2) at segment 0 and no slot at segment 1; its
    question fits slot 1 (log 2). Row 1 fits slot 2 at both segments; its question fits nothing.
    """
    unit = LOG2 * math.sqrt(3)
    completer = build(**fields)
    bank = torch.zeros(4, 3)
    bank[0, 0] = bank[1, 1] = bank[2, 2] = 1.0
    features = Features(
        audio=torch.zeros(2, 2, 3),
        visual=torch.tensor(
            [[[unit, 0, 0], [0, 0, 0]], [[0, 0, unit], [0, 0, unit]]], dtype=torch.float32
        )[..., None, None],
        question=torch.tensor([[0, unit, 0], [0, 0, 0]], dtype=torch.float32),
    )
    with torch.no_grad():
        completer.visual_slots.copy_(bank)
        completer.question_slots.copy_(bank)
        completer.audio_slots.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]))
    return completer, features


def complete(completer: RMMGenerator, features: Features, availability: torch.Tensor):
    return completer.complete(features, availability, generator=rng.named(0, "unused"))


def test_scores_by_hand() -> None:
    feature, slots = torch.tensor([[3.0, 4.0]]), torch.tensor([[6.0, 8.0], [4.0, -3.0]])
    # Dot products 50 and 0 over sqrt(4), four being C while the feature has two elements.
    assert slot_scores(feature, slots, 4, "paper").tolist() == [[25.0, 0.0]]
    cosine = slot_scores(feature, slots, 4, "released_code")
    assert cosine[0].tolist() == pytest.approx([1.0, 0.0], abs=1e-6)


def test_joint_addressing_of_the_paper_by_hand() -> None:
    scores, question = torch.tensor([[LOG2, 0, 0]]), torch.tensor([[LOG2, LOG2, 0]])
    # a = (2, 1, 1) / 4, b = (2, 2, 1) / 5, a o b = (0.2, 0.1, 0.05); softmax of that.
    powers = [math.exp(0.2), math.exp(0.1), math.exp(0.05)]
    expected = [one / sum(powers) for one in powers]
    assert joint_addressing(scores, question, "paper")[0].tolist() == pytest.approx(expected)
    # Renormalised, a o b over its sum: (4, 2, 1) / 7.
    weights = joint_addressing(scores, question, "renormalised")
    assert weights[0].tolist() == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_recalled_audio_by_hand_in_the_paper_and_renormalised() -> None:
    missing = torch.ones(2, 2, 2, dtype=torch.bool)
    missing[..., Modality.AUDIO] = False
    # Row 0, segment 0: a^v = (2, 1, 1, 1) / 5, a^t = (1, 2, 1, 1) / 5.
    joint = [math.exp(one / 25) for one in (2, 2, 1, 1)]
    weights = [one / sum(joint) for one in joint]
    completer, features = by_hand()
    done = complete(completer, features, missing)
    assert done.addressing is not None
    got = done.addressing.visual_question[0, 0].tolist()
    assert got == pytest.approx(weights, abs=1e-6)
    # Slot 3 adds its weight to every channel.
    recalled = [weights[channel] + weights[3] for channel in range(3)]
    assert done.pseudo_audio[0, 0].tolist() == pytest.approx(recalled, abs=1e-6)
    # Row 0, segment 1: nothing seen, the question alone decides: a^v uniform.
    joint = [math.exp(one / 20) for one in (1, 2, 1, 1)]
    got = done.addressing.visual_question[0, 1].tolist()
    assert got == pytest.approx([one / sum(joint) for one in joint], abs=1e-6)
    # Renormalised: (2, 2, 1, 1) / 6, and (1, 1, 2, 1) / 5 for row 1.
    completer, features = by_hand(addressing="renormalised")
    done = complete(completer, features, missing)
    assert done.pseudo_audio[0, 0].tolist() == pytest.approx([3 / 6, 3 / 6, 2 / 6], abs=1e-6)
    assert done.pseudo_audio[1, 1].tolist() == pytest.approx([2 / 5, 2 / 5, 3 / 5], abs=1e-6)
    assert torch.equal(done.features.audio, done.pseudo_audio)
    assert torch.equal(done.features.visual, features.visual)


def test_recall_loss_by_hand() -> None:
    completer, features = by_hand(addressing="renormalised")
    missing = torch.ones(2, 2, 2, dtype=torch.bool)
    missing[0, 0, Modality.AUDIO] = False
    done = complete(completer, features, missing)
    terms = completer.loss(features, done, missing, torch.ones_like(missing))
    # Against zeros: (1/4 + 1/4 + 1/9) over the one hidden segment; a third of it as a mean.
    squared = 1 / 4 + 1 / 4 + 1 / 9
    assert float(terms.means()["recall_audio"]) == pytest.approx(squared / 3, abs=1e-6)
    assert float(terms["recall_audio"].count) == 1
    assert float(terms["recall_visual"].count) == 0
    literal, features = by_hand(addressing="renormalised", reduction="sum")
    done = complete(literal, features, missing)
    terms = literal.loss(features, done, missing, torch.ones_like(missing))
    assert float(terms.means()["recall_audio"]) == pytest.approx(squared, abs=1e-6)


def test_both_absent_is_addressed_by_the_question_alone() -> None:
    completer, features = by_hand(addressing="renormalised")
    nothing = torch.zeros(2, 2, 2, dtype=torch.bool)
    done = complete(completer, features, nothing)
    assert done.addressing is not None
    # a^t of row 0 is (1, 2, 1, 1) / 5, of row 1 uniform.
    for weights in (done.addressing.visual_question, done.addressing.audio_question):
        assert weights[0, 1].tolist() == pytest.approx([0.2, 0.4, 0.2, 0.2], abs=1e-6)
        assert weights[1, 0].tolist() == pytest.approx([0.25] * 4, abs=1e-6)


def test_published_size() -> None:
    with torch.device("meta"):
        completer = RMMGenerator(
            RMMConfig(), GridDims(channels=512, num_segments=10, height=14, width=14)
        )
    assert sum(one.numel() for one in completer.parameters()) == 7_603_200


@pytest.mark.parametrize("kind", KINDS)
def test_absent_halves_are_never_read_and_rows_do_not_mix(kind: str) -> None:
    dims = GridDims(channels=3, num_segments=2, height=2, width=4)
    completer, features, availability = build(dims, addressing=kind), make_features(), patchy()
    clean = complete(completer, features, availability)
    dirty = complete(completer, poisoned(features, availability), availability)
    for name in ("pseudo_audio", "pseudo_visual"):
        assert torch.equal(getattr(clean, name), getattr(dirty, name))
        assert getattr(clean, name).isfinite().all()
    order = [2, 0, 3]
    some = complete(completer, rows(features, order), availability[order])
    assert torch.allclose(some.pseudo_audio, clean.pseudo_audio[order], atol=1e-6)
    assert torch.allclose(some.pseudo_visual, clean.pseudo_visual[order], atol=1e-5)
    hidden = completer.loss(
        poisoned(features, availability), clean, torch.zeros_like(availability), availability
    )
    assert hidden.total().isfinite()


def test_pseudo_features_do_not_depend_on_what_they_replace() -> None:
    dims = GridDims(channels=3, num_segments=2, height=2, width=4)
    completer, features = build(dims), make_features()
    other = replace(features, audio=features.audio + 1)
    first, second = (complete(completer, one, everything()) for one in (features, other))
    assert torch.equal(first.pseudo_audio, second.pseudo_audio)
    assert not torch.equal(first.pseudo_visual, second.pseudo_visual)


def test_targets_are_detached_unless_asked_otherwise() -> None:
    for detach in (True, False):
        completer, features = by_hand(detach_target=detach)
        target = features.audio.clone().requires_grad_()
        missing = torch.zeros(2, 2, 2, dtype=torch.bool)
        done = complete(completer, features, missing)
        features = replace(features, audio=target)
        completer.loss(features, done, missing, torch.ones_like(missing)).total().backward()
        assert (target.grad is None) == detach
        assert completer.audio_slots.grad is not None


def test_question_mixup_pairs_as_the_released_program_does_and_only_in_training() -> None:
    completer, features = build(question_mixup=True), make_features(grid=HAND, num_rows=3)
    straight = complete(build(), features, everything(3)).details["question_scores"]
    mixed = complete(completer.train(), features, everything(3)).details["question_scores"]
    # Flattened position r = 2 b + t takes question r mod 3: 0 1 | 2 0 | 1 2.
    for (clip, segment), question in zip(
        [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)], [0, 1, 2, 0, 1, 2], strict=True
    ):
        assert torch.equal(mixed[clip, segment], straight[question, 0])
    evaluated = complete(completer.eval(), features, everything(3)).details["question_scores"]
    assert torch.equal(evaluated, straight)
    alone = complete(completer.train(), rows(features, [1]), everything(1))
    assert torch.allclose(alone.details["question_scores"], straight[1:2], atol=1e-6)


@given(num_slots=st.integers(2, 100), seed=st.integers(0, 1000), scale=st.floats(0.1, 300.0))
@settings(max_examples=50, deadline=None)
def test_no_weight_passes_the_bound(num_slots: int, seed: int, scale: float) -> None:
    scores = scale * torch.randn(2, 3, num_slots, generator=rng.named(seed, "scores"))
    weights = joint_addressing(*scores, "paper")
    assert torch.allclose(weights.sum(dim=-1), torch.ones(3), atol=1e-5)
    assert float(weights.max()) <= max_joint_weight(num_slots) + 1e-6
    assert float(weights.max() / weights.min()) <= math.e + 1e-4
    cosines = joint_addressing(*scores.clamp(-1, 1), "released_code")
    assert float(cosines.max()) <= max_joint_weight(num_slots, "released_code") + 1e-6
    sharp = joint_addressing(*scores, "renormalised")
    assert float(addressing_entropy(sharp).max()) <= 1 + 1e-5


def test_the_bounds_are_reached_and_are_the_known_numbers() -> None:
    one_hot = torch.full((1, 75), -1e4)
    one_hot[0, 7] = 0.0
    assert float(joint_addressing(one_hot, one_hot, "paper").max()) == pytest.approx(
        0.0354, abs=1e-4
    )
    assert max_joint_weight(75) == pytest.approx(math.e / (math.e + 74))
    cosine = torch.full((1, 75), -1.0)
    cosine[0, 7] = 1.0
    reached = float(joint_addressing(cosine, cosine, "released_code").max())
    assert reached == pytest.approx(max_joint_weight(75, "released_code"), abs=1e-6)
    assert reached == pytest.approx(0.01344, abs=1e-5)
    assert float(joint_addressing(one_hot, one_hot, "renormalised").max()) == pytest.approx(1.0)


def test_entropy_by_hand() -> None:
    weights = torch.tensor([[0.25] * 4, [0.5, 0.5, 0, 0], [1.0, 0, 0, 0]])
    assert addressing_entropy(weights).tolist() == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)
    assert addressing_entropy(torch.ones(2, 1)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.bfloat16])
def test_scores_stay_in_single_precision_under_autocast(dtype: torch.dtype) -> None:
    dims = GridDims(channels=3, num_segments=2, height=2, width=4)
    completer, features = build(dims), make_features()
    plain = complete(completer, features, everything())
    with torch.autocast("cpu", dtype=dtype):
        cast = complete(completer, features, everything())
    assert cast.details["visual_scores"].dtype == torch.float32
    assert torch.equal(cast.pseudo_visual, plain.pseudo_visual)


def _worlds(count: int) -> Features:
    """Four kinds of clips; the sound of a kind follows from its picture and from nothing else."""
    generator = rng.named(3, "kinds")
    sounds, pictures = torch.randn(2, 4, 8, generator=generator)
    kind = torch.arange(count) % 4
    noise = 0.1 * torch.randn(count, 1, 8, generator=generator)
    return Features(
        audio=sounds[kind][:, None],
        visual=(pictures[kind][:, None] + noise)[..., None, None],
        question=torch.zeros(count, 8),
    )


def test_renormalised_recalls_and_the_paper_returns_the_mean() -> None:
    """What design and chapter claim, in small: Eq. 2 ends where one learned vector ends."""
    dims = GridDims(channels=8, num_segments=1, height=1, width=1)
    features, errors = _worlds(64), {}
    availability = torch.ones(64, 1, 2, dtype=torch.bool)
    availability[..., Modality.AUDIO] = False
    for name in ("paper", "renormalised", "slot_mean"):
        if name == "slot_mean":
            completer = SlotMean(SlotMeanConfig(), dims)
        else:
            completer = build(dims, addressing=name, num_slots=12)
        optimiser = torch.optim.Adam(completer.parameters(), lr=0.1)
        for _ in range(60):
            done = complete(completer, features, availability)
            loss = completer.loss(features, done, availability, torch.ones_like(availability))
            optimiser.zero_grad()
            loss.total().backward()
            optimiser.step()
        errors[name] = float(loss.means()["recall_audio"])
    assert errors["renormalised"] < 0.1 * errors["slot_mean"]
    assert errors["paper"] > 0.5 * errors["slot_mean"]


def test_impossible_configs_are_refused() -> None:
    with pytest.raises(ConfigError, match="num_slots >= 1"):
        RMMConfig(num_slots=0)
    with pytest.raises(ConfigError, match="slot_init_std > 0"):
        RMMConfig(slot_init_std=0.0)
