from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from avqa_core import rng
from avqa_core.backbones.pstp_net import HybridLayer, PSTPNet, PSTPNetConfig, Selection
from avqa_core.errors import ConfigError
from avqa_core.types import FeatureDims
from tests.backbones.hooks import given_to
from tests.factories import DIMS, make_batch

MINUTE = FeatureDims(
    audio_width=128,
    visual_width=512,
    num_segments=60,
    grid_height=7,
    grid_width=7,
    num_words=93,
    num_tokens=77,
    num_answers=42,
)
TEN_SECONDS = replace(DIMS, num_segments=10, grid_height=4, grid_width=6)


def _pstp(dims: FeatureDims = TEN_SECONDS, **options: object) -> PSTPNet:
    with rng.initialising(0):
        return PSTPNet(PSTPNetConfig(**{"channels": 8, **options}), dims).eval()


def _fused_tokens(model: PSTPNet, dims: FeatureDims) -> int:
    """Return how many tokens the last layer fuses."""
    given = given_to(model.fuse)
    with torch.no_grad():
        model.answer(model.encode(make_batch(2, dims)))
    return given[0][0].shape[1]


def test_a_minute_is_fused_from_the_published_597_tokens() -> None:
    """130 of sound (60 + 60 + 10), 390 of the picture (60 + 60 + 10 + 250 + 10), 77 words."""
    model = _pstp(MINUTE)
    assert (model.part_length, model.top_parts, model.top_places) == (5, 2, 25)
    assert _fused_tokens(model, MINUTE) == 597
    assert _fused_tokens(_pstp(MINUTE, fusion="avw"), MINUTE) == 197


def test_ten_seconds_are_five_parts_of_two() -> None:
    model = _pstp()
    assert (model.part_length, model.top_parts, model.top_places) == (2, 2, 12)


def test_the_largest_shares_are_kept_in_their_order_and_keep_their_gradient() -> None:
    """One head, d = 2: the query is (1, 0) and the scores are the first coordinates over sqrt 2."""
    select = Selection(2, 1)
    with torch.no_grad():
        select.query.weight.zero_()
        select.query.bias.copy_(torch.tensor([1.0, 0.0]))
        select.key.weight.copy_(torch.eye(2))
    items = torch.tensor([[[2.0, 9.0], [0.0, 9.0], [3.0, 9.0]]], requires_grad=True)
    kept, ones, shares = select(torch.zeros(1, 2), items, 2)
    weights = [math.exp(score / math.sqrt(2)) for score in (2.0, 0.0, 3.0)]
    expected = torch.tensor([[one / sum(weights) for one in weights]])
    assert torch.allclose(shares, expected, atol=1e-6)
    assert kept.tolist() == [[0, 2]]
    assert ones.tolist() == [[1.0, 1.0]]
    ones.sum().backward()
    assert items.grad is not None and items.grad[0, 1, 0] < 0, "a rival lowers the others' shares"


@pytest.mark.parametrize("score", [200.0, 126.5])
def test_a_share_too_small_for_a_number_is_kept_as_one(score: float) -> None:
    """exp(-200 / sqrt 2) is zero, exp(-126.5 / sqrt 2) has an inverse that is infinite."""
    select = Selection(2, 1)
    with torch.no_grad():
        select.query.weight.zero_()
        select.query.bias.copy_(torch.tensor([1.0, 0.0]))
        select.key.weight.copy_(torch.eye(2))
    items = torch.tensor([[[score, 9.0], [0.0, 9.0], [0.0, 9.0]]], requires_grad=True)
    _, ones, shares = select(torch.zeros(1, 2), items, 2)
    assert shares.min() < torch.finfo(torch.float32).tiny
    assert ones.tolist() == [[1.0, 1.0]]
    ones.sum().backward()
    for value in (items, *select.parameters()):
        assert value.grad is not None and value.grad.isfinite().all()


def test_a_part_is_averaged_before_it_is_squashed() -> None:
    """As published: mean over a part's seconds, sound beside picture, tanh, a linear layer."""
    model, batch = _pstp(), make_batch(2, TEN_SECONDS)
    given = given_to(model.part_token)
    with torch.no_grad():
        features = model.encode(batch)
        features = replace(features, audio=4 * features.audio)  # far enough for tanh to bend
        model.answer(features)
    pair = torch.cat([features.audio, features.visual.mean(dim=(-2, -1))], dim=-1)
    by_hand = torch.stack([(pair[:, 2 * part] + pair[:, 2 * part + 1]) / 2 for part in range(5)], 1)
    assert torch.allclose(given[0][0], by_hand.tanh(), atol=1e-6)


def test_chosen_seconds_are_whole_parts() -> None:
    model = _pstp()
    with torch.no_grad():
        details = model.answer(model.encode(make_batch(4, TEN_SECONDS))).details
    for row, shares in zip(details["seconds"].tolist(), details["part_shares"], strict=True):
        best = sorted(shares.topk(2).indices.tolist())
        assert row == [2 * part + offset for part in best for offset in (0, 1)]
    assert details["place_shares"].shape == (4, 4, 24)


def test_what_is_heard_and_what_is_seen_teach_the_choice_of_parts() -> None:
    """Forty tokens of whole streams stand before four seconds of sound and four of the picture."""
    model = _pstp()
    fused = given_to(model.fuse)
    model.answer(model.encode(make_batch(2, TEN_SECONDS)))
    for chosen in fused[0][0][:, 40:48].split(4, dim=1):
        model.zero_grad()
        chosen.sum().backward(retain_graph=True)
        gradient = model.choose_parts.key.weight.grad
        assert gradient is not None and gradient.any()


def test_sound_looks_at_places_streams_at_each_other_and_the_question_gates_the_answer() -> None:
    model = _pstp()
    listening, streams = given_to(model.sound_over_places), given_to(model.both_streams)
    fused, head = given_to(model.fuse), given_to(model.answer_head)
    with torch.no_grad():
        features = model.encode(make_batch(2, TEN_SECONDS))
        seconds = model.answer(features).details["seconds"]
        gated = torch.tanh(model.fuse(*fused[0]).mean(dim=1) * features.question)
    heard = features.audio[torch.arange(2)[:, None], seconds]
    assert torch.allclose(listening[0][0], heard.flatten(0, 1), atol=1e-6)
    pair = (features.audio, features.visual.mean(dim=(-2, -1)))
    for given, expected in zip(streams, (pair, pair[::-1]), strict=True):
        assert torch.allclose(torch.stack(given), torch.stack(expected), atol=1e-6)
    assert torch.allclose(head[0][0], gated, atol=1e-6)


def test_the_hybrid_layer_looks_at_both_streams() -> None:
    with rng.initialising(0):
        layer = HybridLayer(8, 0.0).eval()
    generator = rng.named(0, "streams")
    stream, other, third = (torch.randn(2, 5, 8, generator=generator) for _ in range(3))
    with torch.no_grad():
        found = layer(stream, other)
        assert not torch.allclose(found, layer(stream, third))
        at_itself = layer.itself(stream, stream, stream)[0]
        at_other = layer.other(stream, other, other)[0]
        mixed = layer.norm(stream + at_itself + at_other)
        assert torch.allclose(found, layer.last_norm(mixed + layer.feed_forward(mixed)), atol=1e-6)


def test_the_released_fusion_has_no_module_that_does_not_learn() -> None:
    names = {name.split(".")[0] for name, _ in _pstp(fusion="avw").named_parameters()}
    assert not names & {"choose_parts", "choose_places", "sound_over_places", "both_streams"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 9}, "channels divisible by num_heads=4, got 9"),
        ({"kept_places": 0.0}, r"kept_places in \(0, 1\], got 0.0"),
        ({"top_parts": 0}, "top_parts >= 1, got 0"),
        ({"dropout": 1.0}, "0 <= dropout < 1, got 1.0"),
    ],
)
def test_sizes_that_do_not_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _pstp(**options)
