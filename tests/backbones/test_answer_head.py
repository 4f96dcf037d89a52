"""Candidates are scored by what they say: not by their place, and not by their padding."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from avqa_core import made_up, small_models
from avqa_core.backbones import backbones
from avqa_core.backbones.answer_head import (
    after_last_word,
    last_layer,
    logits_of,
    read_candidates,
)
from avqa_core.losses import answer_loss
from avqa_core.small_models import DIMS, MULTIPLE_CHOICE

every_backbone = pytest.mark.parametrize("backbone", list(backbones))


def test_scores_by_hand():
    """<fused, W enc> with fused = (1, 2): W' fused = (1, 2) [[1, 0, 1], [0, 1, 1]] = (1, 2, 3)."""
    layer = last_layer(2, MULTIPLE_CHOICE, phrase_width=3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        layer.bias.zero_()
    candidates = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, -1.0, 0.0]]])
    scores = logits_of(layer(torch.tensor([[1.0, 2.0]])), candidates)
    assert scores.tolist() == [[1.0, 3.0, -1.0]]


def test_without_candidates_the_last_layer_is_the_answer():
    layer = last_layer(2, DIMS, phrase_width=3)
    assert isinstance(layer, nn.Linear) and layer.out_features == DIMS.num_answers
    logits = torch.arange(6.0).reshape(2, 3)
    assert logits_of(logits, None) is logits
    assert read_candidates(None, lambda tokens: tokens.float()) is None


def test_the_state_after_the_last_word_by_hand():
    states = torch.arange(9.0).reshape(3, 3, 1)  # 0 1 2 / 3 4 5 / 6 7 8
    tokens = torch.tensor([[5, 5, 0], [5, 5, 5], [0, 0, 0]])
    assert after_last_word(states, tokens)[:, 0].tolist() == [1.0, 5.0, 6.0]


def _logits(backbone: str, batch) -> torch.Tensor:
    return small_models.answer(
        small_models.small_model(backbone=backbone, dims=MULTIPLE_CHOICE), batch
    )


@every_backbone
@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(4)))
def test_another_order_of_candidates_is_the_same_order_of_logits(backbone, order):
    batch = small_models.make_batch(3, MULTIPLE_CHOICE)
    logits = _logits(backbone, batch)
    shuffled = dataclasses.replace(batch, candidates=batch.candidates[:, list(order)])
    assert logits.shape == (3, 4)
    assert not torch.allclose(logits[:, 0], logits[:, 1])
    torch.testing.assert_close(_logits(backbone, shuffled), logits[:, list(order)])


@every_backbone
def test_more_padding_changes_nothing(backbone):
    batch = small_models.make_batch(3, MULTIPLE_CHOICE)
    assert (batch.candidates == 0).any()  # some candidates are shorter than others
    padded = dataclasses.replace(batch, candidates=functional.pad(batch.candidates, (0, 2)))
    torch.testing.assert_close(_logits(backbone, padded), _logits(backbone, batch))


@every_backbone
def test_every_word_of_a_candidate_counts(backbone):
    batch = small_models.make_batch(3, MULTIPLE_CHOICE)
    first = batch.candidates.clone()
    first[:, 0, 0] = first[:, 0, 0] % (MULTIPLE_CHOICE.num_words - 1) + 1
    before = _logits(backbone, batch)
    after = _logits(backbone, dataclasses.replace(batch, candidates=first))
    assert (before[:, 0] != after[:, 0]).all()
    torch.testing.assert_close(before[:, 1:], after[:, 1:])


@every_backbone
def test_fixed_answers_keep_the_names_and_sizes_they_had(backbone):
    """The last layer is as deep in ``answer_head`` as before, 7 answers or E of a candidate."""
    names = {"avst": "", "pstp_net": "", "avsd": "3.", "pano_avqa": "3."}
    for dims, width in ((DIMS, 7), (MULTIPLE_CHOICE, 8 if backbone == "avsd" else 16)):
        state = small_models.small_model(backbone=backbone, dims=dims).backbone.state_dict()
        assert state[f"answer_head.{names[backbone]}weight"].shape[0] == width


def test_a_question_that_does_not_tell_costs_nothing():
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]])
    term = answer_loss(logits, torch.tensor([2, -1]))["answer"]
    # Four equal candidates: ln 4.
    assert (term.total / term.count).item() == pytest.approx(1.386294, abs=1e-6)


def test_made_up_candidates_have_words_and_the_old_batch_is_what_it_was():
    plain, choice = (made_up.make_batch(dims, 5) for dims in (DIMS, MULTIPLE_CHOICE))
    assert plain.candidates is None and choice.candidates.shape == (5, 4, 3)
    assert (choice.candidates[..., 0] > 0).all() and (choice.answer < 4).all()
    assert torch.equal(plain.audio, choice.audio) and torch.equal(plain.tokens, choice.tokens)
