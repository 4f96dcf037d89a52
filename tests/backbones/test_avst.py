from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from avqa_core import rng
from avqa_core.backbones.avst import AVST, AVSTConfig, QuestionOverTime
from avqa_core.backbones.question_encoder import QuestionEncoder
from avqa_core.errors import ConfigError
from avqa_core.types import FeatureDims
from tests.backbones.hooks import given_to
from tests.factories import DIMS, make_batch

PAPER_DIMS = FeatureDims(
    audio_width=128,
    visual_width=512,
    num_segments=10,
    grid_height=14,
    grid_width=14,
    num_words=93,
    num_tokens=14,
    num_answers=42,
)


def _avst(**options: object) -> AVST:
    with rng.initialising(0):
        return AVST(AVSTConfig(**{"channels": 8, **options}), DIMS).eval()


def test_parameter_count_is_the_published_one() -> None:
    with torch.device("meta"):
        model = AVST(AVSTConfig(), PAPER_DIMS)
    assert sum(one.numel() for one in model.parameters()) == 7_916_716


def test_grounding_golden() -> None:
    """Two locations, C=4: unit vectors along axes 0 and 1, audio along axis 0."""
    with rng.initialising(0):
        model = AVST(
            AVSTConfig(channels=4), dataclasses.replace(DIMS, grid_height=1, grid_width=2)
        ).eval()
    visual = torch.zeros(1, 1, 4, 1, 2)
    visual[0, 0, 0, 0, 0] = 3.0
    visual[0, 0, 1, 0, 1] = 5.0
    audio = torch.tensor([[[2.0, 0.0, 0.0, 0.0]]])
    token, weights = model.ground(audio, visual)
    # cosines are 1 and 0, so the softmax gives e/(e+1) and 1/(e+1)
    expected = torch.tensor([0.7310586, 0.2689414])
    assert torch.allclose(weights[0, 0, 0], expected, atol=1e-6)
    pooled = torch.tensor([1.5, 2.5, 0.0, 0.0])
    grounded = torch.tensor([0.7310586, 0.2689414, 0.0, 0.0])
    by_hand = functional.linear(
        torch.tanh(torch.cat([pooled, grounded])),
        model.visual_token.weight,
        model.visual_token.bias,
    )
    assert torch.allclose(token[0, 0], by_hand, atol=1e-6)


def test_question_encoder_reads_padding_and_uses_hidden_then_cell() -> None:
    with rng.initialising(1):
        encoder = QuestionEncoder(5, 3)
    tokens = torch.tensor([[1, 2, 0]])
    question, states = encoder(tokens)
    embedded = torch.tanh(encoder.embedding(tokens))
    hidden, cell = torch.zeros(1, 3), torch.zeros(1, 3)
    for step in range(3):
        gates = functional.linear(
            embedded[:, step], encoder.lstm.weight_ih_l0, encoder.lstm.bias_ih_l0
        ) + functional.linear(hidden, encoder.lstm.weight_hh_l0, encoder.lstm.bias_hh_l0)
        enter, forget, candidate, leave = gates.chunk(4, dim=-1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
        hidden = leave.sigmoid() * cell.tanh()
        assert torch.allclose(states[:, step], hidden, atol=1e-6)
    by_hand = encoder.project(torch.tanh(torch.cat([hidden, cell], dim=-1)))
    assert torch.allclose(question, by_hand, atol=1e-6)
    other = encoder(torch.tensor([[1, 2]]))[0]
    assert not torch.allclose(question, other)


@pytest.mark.parametrize("positions", ["none", "learned"])
def test_order_in_time_matters_only_with_positions(positions: str) -> None:
    model, batch = _avst(positions=positions), make_batch()
    features = model.encode(batch)
    backwards = dataclasses.replace(
        features, audio=features.audio.flip(1), visual=features.visual.flip(1)
    )
    mirrored = dataclasses.replace(features, visual=features.visual.flip(4))
    answers = model.answer(features).logits
    for changed in (backwards, mirrored):
        same = torch.allclose(answers, model.answer(changed).logits, atol=1e-5)
        assert same == (positions == "none")


def test_reader_binds_content_to_place_and_time() -> None:
    """Swapping what stands where, or what comes when, changes the state; both pass the means."""
    model, batch = _avst(positions="learned"), make_batch()
    assert model.reader is not None
    features = model.encode(batch)
    assert features.words is not None and features.tokens is not None
    words = model.question_encoder.embedding(features.tokens)
    asked = (features.question, words, features.words, features.tokens)
    plain = model.reader(features.audio, features.visual, *asked)
    for audio, visual in (
        (features.audio, features.visual.flip(4)),
        (features.audio.flip(1), features.visual),
        (features.audio, features.visual.flip(1)),
    ):
        assert not torch.allclose(plain, model.reader(audio, visual, *asked), atol=1e-4)


def test_reader_is_given_the_sound_and_the_picture() -> None:
    """C = 8: what it reads begins with their means over time."""
    model = _avst(positions="learned")
    assert model.reader is not None
    seen_by, read = given_to(model.reader.seen), given_to(model.reader.read)
    with torch.no_grad():
        features = model.encode(make_batch())
        model.answer(features)
        heard = model.reader.audio_norm(features.audio)
        seen = model.reader.visual_norm(features.visual.mean(dim=(-2, -1)))
    assert torch.allclose(seen_by[0][0], seen, atol=1e-5)
    means = torch.cat([heard.mean(dim=1), seen.mean(dim=1)], dim=-1)
    assert torch.allclose(read[0][0][:, :16], means, atol=1e-5)


@pytest.mark.parametrize("modality", [0, 1])
def test_reader_ties_sound_and_picture_to_a_time_of_their_own(modality: int) -> None:
    model, batch = _avst(positions="learned"), make_batch()
    assert model.reader is not None
    with torch.no_grad():
        features = model.encode(batch)
        before = model.answer(features).logits
        model.reader.time[modality] += 1.0
        assert not torch.allclose(before, model.answer(features).logits, atol=1e-4)


def test_mentions_never_point_at_padding_and_survive_an_empty_question() -> None:
    mentions = _avst(positions="learned").reader.mentions
    words, states = (torch.randn(2, 6, 8, generator=rng.named(0, name)) for name in ("w", "s"))
    question = torch.zeros(2, 8)
    is_word = torch.tensor([[True] + [False] * 5, [False] * 6])
    pointed = mentions(words, states, question, is_word)
    assert pointed.shape == (2, 3, 8)
    # one word only: every mention is that word, whatever the weights
    assert torch.allclose(pointed[0, :2], words[0, :1].expand(2, -1))
    assert torch.isfinite(pointed).all()


def test_forget_bias_carries_the_question_through_the_padding() -> None:
    """Two questions that differ in one early word stay apart after ten pads, not without it."""
    apart = []
    for bias in (0.0, 4.0):
        with rng.initialising(0):
            encoder = QuestionEncoder(11, 32, bias)
        tokens = torch.zeros(2, 14, dtype=torch.long)
        tokens[:, :4] = torch.tensor([[1, 2, 3, 4], [1, 2, 9, 4]])
        question, _ = encoder(tokens)
        apart.append(((question[0] - question[1]).norm() / question[0].norm()).item())
    assert apart[1] > 10 * apart[0]


def test_match_loss_counts_positives_and_negatives() -> None:
    model, batch = _avst(), make_batch()
    features = model.encode(batch)
    terms = model.loss(features, model.answer(features), batch)
    assert set(terms) == {"match"}
    assert terms["match"].count.item() == 2 * 4 * 3
    assert terms["match"].weight == 0.5
    without = dataclasses.replace(batch, negative_visual=None)
    assert len(model.loss(features, model.answer(features), without)) == 0


@pytest.mark.parametrize(
    ("channels", "num_heads", "message"),
    [
        (6, 6, "divisible by 4 and by num_heads=6, got 6"),
        (18, 6, "divisible by 4 and by num_heads=6, got 18"),
        (16, 3, "divisible by 4 and by num_heads=3, got 16"),
        (16, 0, "num_heads >= 1, got 0"),
        (16, -2, "num_heads >= 1, got -2"),
    ],
)
def test_channels_have_to_fit_both_the_matching_head_and_the_heads(
    channels: int, num_heads: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        AVSTConfig(channels=channels, num_heads=num_heads)
    AVSTConfig(channels=12, num_heads=6)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ConfigError, match="divisible"):
        AVSTConfig(channels=10)


def test_a_blank_place_in_the_picture_gives_a_finite_gradient():
    avst = _avst()
    visual = torch.randn(2, DIMS.num_segments, 8, 2, 4, generator=rng.named(0, "visual"))
    visual[:, :, :, 0, 0] = 0.0
    visual.requires_grad_(True)
    audio = torch.randn(2, DIMS.num_segments, 8, generator=rng.named(0, "audio"))
    token, _ = avst.ground(audio, visual)
    token.sum().backward()
    assert visual.grad is not None and bool(visual.grad.isfinite().all())


def _prompted(model: AVST, value: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the logits without prompts and with eight equal ones in every row but the first."""
    features = model.encode(make_batch())
    prompts = torch.full((4, 2, 8, model.channels), value)
    prompts[0] = 0.0
    with torch.no_grad():
        plain = model.answer(features).logits
        answers = model.answer(dataclasses.replace(features, prompts=prompts))
    return plain, answers.logits


def test_prompts_are_looked_at_and_a_row_of_zeros_is_none() -> None:
    plain, prompted = _prompted(_avst(), 1.0)
    assert torch.allclose(plain[0], prompted[0], atol=1e-6)
    assert not torch.isclose(plain[1:], prompted[1:]).all(dim=1).any()


def test_the_first_half_of_the_prompts_are_keys_the_second_values() -> None:
    """With projections that pass everything on, one head: a key along the query wins its value."""
    over_time = QuestionOverTime(2, 1, 0.0).eval()
    with torch.no_grad():
        over_time.attention.in_proj_weight.copy_(torch.eye(2).repeat(3, 1))
        over_time.attention.out_proj.weight.copy_(torch.eye(2))
    prompts = torch.tensor([[[100.0, 0.0], [7.0, 3.0]]])
    with torch.no_grad():
        found, weights = over_time(torch.tensor([[1.0, 0.0]]), torch.zeros(1, 3, 2), prompts)
        value = torch.tensor([[7.0, 3.0]])
        expected = over_time.norm(value + over_time.feed_forward(value))
    assert torch.allclose(found, expected, atol=1e-5)
    assert weights.shape == (1, 3) and torch.allclose(weights, torch.zeros(1, 3), atol=1e-6)
