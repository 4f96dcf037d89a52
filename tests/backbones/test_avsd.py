from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from avqa_core import rng
from avqa_core.backbones.avsd import AVSD, AVSDConfig, FactorGraphAttention
from avqa_core.errors import ConfigError
from avqa_core.types import FeatureDims
from tests.backbones.hooks import given_to
from tests.backbones.test_avst import PAPER_DIMS
from tests.factories import DIMS, make_batch


def _avsd(dims: FeatureDims = DIMS, **options: object) -> AVSD:
    with rng.initialising(0):
        return AVSD(AVSDConfig(**{"channels": 8, **options}), dims).eval()


def _identity(layer: nn.Module) -> None:
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(layer.weight.shape[0]))
        layer.bias.zero_()


def test_parameters_at_the_size_of_the_paper_counted_by_hand() -> None:
    """With C = 512, d = 256, six utilities, 93 words, 42 answers."""
    with torch.device("meta"):
        model = AVSD(AVSDConfig(), PAPER_DIMS)
    square = 256 * 256 + 256
    words = 93 * 128
    question = 4 * 256 * (128 + 256 + 2)
    entering = (128 * 512 + 512) + 2 * (512 * 256 + 256)
    graph = 6 * (square + 256) + 36 * square + 6 * square + 6 * 8
    fusing = 4 * 256 * (256 + 256 + 2)
    answering = (512 * 256 + 256) + (256 * 42 + 42)
    expected = words + question + entering + graph + fusing + answering
    assert sum(one.numel() for one in model.parameters()) == expected


def test_attention_golden() -> None:
    """Two utilities in the plane, all maps the identity, the cosines alone are mixed.

    The first has elements along (1, 0) and (0, 1), the second one along (1, 0) and one that is
    padding. The mean cosine of both elements of the first to their own utility is 1/2; to the
    second 1 and 0. With all mixing weights 1 and no unary term the scores are 1.5 and 0.5.
    """
    attention = FactorGraphAttention(2, 2, dropout=0.0)
    for layer in [*attention.inner, *(one for row in attention.maps for one in row)]:
        _identity(layer)
    for unary, mix in zip(attention.unary, attention.mix, strict=True):
        nn.init.zeros_(unary[-1].weight)
        nn.init.ones_(mix.weight)
    first = torch.tensor([[[3.0, 0.0], [0.0, 2.0]]])
    second = torch.tensor([[[5.0, 0.0], [0.0, 9.0]]])
    masks = [torch.tensor([[True, True]]), torch.tensor([[True, False]])]
    attended, weights = attention([first, second], masks, [torch.zeros(1, 2), torch.zeros(1, 2)])
    share = math.e / (math.e + 1)
    assert torch.allclose(weights[0], torch.tensor([[share, 1 - share]]), atol=1e-6)
    assert torch.allclose(attended[0], torch.tensor([[3 * share, 2 * (1 - share)]]), atol=1e-5)
    assert torch.allclose(attended[1], torch.tensor([[5.0, 0.0]]), atol=1e-5)


def test_padding_gets_no_weight_and_the_last_word_the_prior() -> None:
    attention = FactorGraphAttention(1, 2, dropout=0.0)
    nn.init.zeros_(attention.unary[0][-1].weight)
    nn.init.zeros_(attention.mix[0].weight)
    with torch.no_grad():
        attention.mix[0].weight[0, 1] = 2.0  # of the prior
    words = torch.randn(1, 3, 2, generator=rng.named(0, "words"))
    mask = torch.tensor([[True, True, False]])
    _, (weights,) = attention([words], [mask], [torch.tensor([[0.0, 1.0, 0.0]])])
    share = math.exp(2) / (math.exp(2) + 1)
    assert torch.allclose(weights, torch.tensor([[1 - share, share, 0.0]]), atol=1e-6)


def test_frames_are_evenly_spaced_and_the_grid_is_averaged_down() -> None:
    with torch.device("meta"):
        model = AVSD(AVSDConfig(), PAPER_DIMS)
    assert model.frames == (0, 3, 6, 9)
    assert model.grid == (7, 7)
    assert _avsd().frames == (0, 1, 2)
    assert _avsd(num_frames=1).frames == (0,)


def test_only_the_sampled_frames_reach_the_answer() -> None:
    dims = replace(DIMS, num_segments=10)
    model = _avsd(dims, num_frames=4)
    features = model.encode(make_batch(dims=dims))
    visual = features.visual.detach().requires_grad_()
    model.answer(replace(features, visual=visual)).logits.sum().backward()
    assert visual.grad is not None
    reached = visual.grad.abs().sum(dim=(0, 2, 3, 4))
    assert reached.nonzero().flatten().tolist() == [0, 3, 6, 9]


def test_weights_over_words_cells_and_segments_sum_to_one() -> None:
    model, batch = _avsd(), make_batch()
    with torch.no_grad():
        details = model.answer(model.encode(batch)).details
    assert details["word_weights"].shape == (4, DIMS.num_tokens)
    assert details["cell_weights"].shape == (4, 3, DIMS.grid_height * DIMS.grid_width)
    for weights in details.values():
        assert torch.allclose(weights.sum(dim=-1), torch.ones(weights.shape[:-1]), atol=1e-6)


def test_a_question_does_not_forget_over_its_padding() -> None:
    model, batch = _avsd(), make_batch()
    tokens = torch.tensor([[3, 1, 2]] * len(batch))
    question = []
    for padding in (0, 5):
        padded = torch.nn.functional.pad(tokens, (0, padding))
        with torch.no_grad():
            features = model.encode(replace(batch, tokens=padded))
        assert features.extras["question_states"].shape[1] == 3 + padding
        question.append(features.question)
    assert torch.allclose(*question, atol=1e-6)
    with torch.no_grad():
        other = model.encode(replace(batch, tokens=tokens.flip(1))).question
    assert not torch.allclose(other, question[0], atol=1e-3)


def test_the_question_is_the_hidden_state_then_the_cell() -> None:
    model, tokens = _avsd(), torch.tensor([[3, 1, 2]] * 4)
    with torch.no_grad():
        question = model.encode(replace(make_batch(), tokens=tokens)).question
        _, (hidden, cell) = model.question_lstm(model.embedding(tokens))
    assert torch.allclose(question, torch.cat([hidden[0], cell[0]], dim=-1), atol=1e-6)


def test_the_answer_is_read_from_the_attended_question_then_the_clip() -> None:
    model = _avsd()
    head, fusion = given_to(model.answer_head), given_to(model.fusion_lstm)
    with torch.no_grad():
        features = model.encode(make_batch())
        weights = model.answer(features).details["word_weights"]
        _, (clip, _) = model.fusion_lstm(*fusion[0])
    question = torch.einsum("bn,bnd->bd", weights, features.extras["question_states"])
    assert torch.allclose(head[0][0], torch.cat([question, clip[0]], dim=-1), atol=1e-6)


def test_a_question_without_words_is_answered() -> None:
    model = _avsd()
    batch = replace(make_batch(), tokens=torch.zeros(4, DIMS.num_tokens, dtype=torch.long))
    with torch.no_grad():
        assert model.answer(model.encode(batch)).logits.isfinite().all()


def test_a_blank_clip_has_finite_gradients() -> None:
    model, batch = _avsd(), make_batch()
    features = model.encode(batch)
    blank = replace(
        features,
        audio=torch.zeros_like(features.audio, requires_grad=True),
        visual=torch.zeros_like(features.visual, requires_grad=True),
    )
    model.answer(blank).logits.square().sum().backward()
    assert all(one.grad is None or one.grad.isfinite().all() for one in model.parameters())
    assert blank.audio.grad is not None and blank.audio.grad.isfinite().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 7}, "even number of channels, got 7"),
        ({"dropout": 1.0}, "0 <= dropout < 1, got 1.0"),
        ({"num_frames": 0}, "num_frames >= 1, got 0"),
    ],
)
def test_sizes_that_do_not_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _avsd(**options)
