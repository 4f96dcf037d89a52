from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avqa_core import rng
from avqa_core.backbones.pano_avqa import (
    CrossLayer,
    PanoAVQA,
    PanoAVQAConfig,
    SelfLayer,
    padding_of,
)
from avqa_core.errors import ConfigError
from tests.backbones.hooks import given_to
from tests.backbones.test_avst import PAPER_DIMS
from tests.factories import DIMS, make_batch


def _pano(**options: object) -> PanoAVQA:
    with rng.initialising(0):
        return PanoAVQA(PanoAVQAConfig(**{"channels": 8, "num_heads": 2, **options}), DIMS).eval()


def _layer(channels: int) -> int:
    """Parameters of one layer of a stream: four maps, two wide ones, two norms."""
    attention = 4 * (channels * channels + channels) + 2 * channels
    return attention + 8 * channels * channels + 5 * channels + 2 * channels


def test_parameters_at_the_size_of_the_paper_counted_by_hand() -> None:
    """C = 512: 3 + 2 + 2 layers, 2 cross layers of three streams, 93 words, 42 answers."""
    with torch.device("meta"):
        model = PanoAVQA(PanoAVQAConfig(), PAPER_DIMS)
    square = 512 * 512 + 512
    looking = 4 * square + 2 * 512
    language = 93 * 512 + 512 + 15 * 512 + 2 * 512 + 3 * _layer(512)
    streams = 2 * (square + 2 * 512 + 2 * _layer(512))
    cross = 2 * 3 * (looking + _layer(512))
    head = (1536 * 3072 + 3072) + 2 * 3072 + (3072 * 42 + 42)
    expected = (128 * 512 + 512) + language + streams + cross + 3 * square + head
    assert sum(one.numel() for one in model.parameters()) == expected


def test_a_layer_of_the_published_width_has_berts_parameters() -> None:
    """A layer of BERT-base has 7,087,872 parameters."""
    with torch.device("meta"):
        layer = SelfLayer(PanoAVQAConfig(channels=768, num_heads=12))
    assert sum(one.numel() for one in layer.parameters()) == 7_087_872 == _layer(768)


@pytest.mark.parametrize(
    ("changed", "unmoved"), [("language", "audio"), ("audio", "visual"), ("visual", "language")]
)
def test_a_stream_looks_at_what_one_other_was_at_the_start_of_the_layer(
    changed: str, unmoved: str
) -> None:
    generator = rng.named(0, "streams")
    with rng.initialising(0):
        layer = CrossLayer(PanoAVQAConfig(channels=8, num_heads=2)).eval()
    names = ("language", "audio", "visual")
    streams = {name: torch.randn(2, 4, 8, generator=generator) for name in names}
    others = {**streams, changed: torch.randn(2, 4, 8, generator=generator)}
    padding = torch.zeros(2, 4, dtype=torch.bool)
    with torch.no_grad():
        found, other = (layer(**one, padding=padding) for one in (streams, others))
        by_hand = layer.audio(layer.audio_to_visual(streams["audio"], streams["visual"]))
    assert torch.allclose(found[1], by_hand, atol=1e-6)
    same = [torch.allclose(*pair, atol=1e-6) for pair in zip(found, other, strict=True)]
    assert same == [name == unmoved for name in names]


def test_padding_is_not_looked_at() -> None:
    model, batch = _pano(), make_batch()
    tokens = batch.tokens.clone()
    tokens[:, 3:] = 0
    batch = replace(batch, tokens=tokens)
    with torch.no_grad():
        before = model.answer(model.encode(batch)).logits
        model.language.words.weight[0] += 100.0
        assert torch.allclose(before, model.answer(model.encode(batch)).logits, atol=1e-5)
    assert padding_of(tokens)[0].tolist() == [False] * 4 + [True] * 3


def test_the_first_token_of_a_stream_is_the_mean() -> None:
    model, segments = _pano(audio_layers=0), torch.randn(2, DIMS.num_segments, 8)
    with torch.no_grad():
        tokens = model.audio(segments)
        by_hand = model.audio.norm(model.audio.project(segments.mean(dim=1)))
    assert tokens.shape == (2, DIMS.num_segments + 1, 8)
    assert torch.allclose(tokens[:, 0], by_hand, atol=1e-6)


def test_the_answer_is_read_from_the_first_token_of_every_stream() -> None:
    model = _pano()
    cross, poolers = given_to(model.cross[-1]), [given_to(one) for one in model.poolers]
    with torch.no_grad():
        model.answer(model.encode(make_batch()))
        streams = model.cross[-1](*cross[0])
    for stream, pooled in zip(streams, poolers, strict=True):
        assert torch.allclose(pooled[0][0], stream[:, 0], atol=1e-6)


@pytest.mark.parametrize("stream", ["audio", "visual"])
def test_every_stream_reaches_the_answer(stream: str) -> None:
    model = _pano()
    features = model.encode(make_batch())
    changed = replace(features, **{stream: getattr(features, stream) + 1.0})
    with torch.no_grad():
        assert not torch.allclose(model.answer(features).logits, model.answer(changed).logits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 9}, "channels divisible by num_heads=2, got 9"),
        ({"dropout": -0.1}, "0 <= dropout < 1, got -0.1"),
    ],
)
def test_sizes_that_do_not_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _pano(**options)
