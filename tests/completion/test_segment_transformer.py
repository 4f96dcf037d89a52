"""The segment transformer: what a token is made of, and what its recall error is counted over."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from avqa_core import rng
from avqa_core.completion.segment_transformer import SegmentTransformer, SegmentTransformerConfig
from avqa_core.types import Completion, Features, Modality
from tests.features import GRID, everything, make_features, patchy, without


def build() -> SegmentTransformer:
    config = SegmentTransformerConfig(width=GRID.channels, cell_width=2, num_layers=1, num_heads=1)
    with rng.initialising(0):
        return SegmentTransformer(config, GRID).eval()


def complete(
    completer: SegmentTransformer, features: Features, availability: torch.Tensor
) -> Completion:
    with torch.no_grad():
        return completer.complete(features, availability, generator=rng.named(0, "unused"))


def test_a_token_adds_both_halves_or_their_stand_ins_the_place_and_the_question_by_hand() -> None:
    """Sound 1, or 2 if it is gone; picture 10 or 20; place 100 and 200; question 1000."""
    completer, features = build(), make_features()
    features = replace(
        features,
        audio=torch.full_like(features.audio, 1.0),
        visual=torch.full_like(features.visual, 10.0),
        question=torch.full_like(features.question, 1000.0),
    )
    for layer in (
        completer.audio_in,
        completer.cell_in,
        completer.visual_in,
        completer.question_in,
    ):
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    with torch.no_grad():
        completer.absent.copy_(torch.tensor([[2.0], [20.0]]))
        completer.segment.copy_(torch.tensor([[100.0], [200.0]]))
    completer.layers = completer.audio_out = nn.Identity()
    tokens = complete(completer, features, patchy()).pseudo_audio
    by_hand = torch.tensor([[1112.0, 1211], [1111, 1221], [1122, 1211], [1111, 1211]])
    assert torch.equal(tokens, by_hand[..., None].expand_as(tokens))


def test_a_segment_is_filled_in_from_the_others_too() -> None:
    completer, features, gone = build(), make_features(), without(Modality.AUDIO)
    before = complete(completer, features, gone).pseudo_audio
    features.visual[:, 1] = features.visual[:, 1].flip(0)
    after = complete(completer, features, gone).pseudo_audio
    assert not torch.isclose(before[:, 0], after[:, 0]).all(dim=-1).any()


def test_recall_loss_by_hand() -> None:
    completer, features = build(), make_features()
    availability, present = everything(), everything()
    availability[:3, 0, Modality.AUDIO] = availability[:2, 1, Modality.VISUAL] = False
    present[0] = False
    done = replace(
        complete(completer, features, availability),
        pseudo_audio=features.audio + 2,
        pseudo_visual=features.visual + 3,
    )
    terms = completer.loss(features, done, availability, present)
    assert terms.counts().tolist() == [2, 1]
    assert terms.means() == {
        "recall_audio": pytest.approx(4.0),
        "recall_visual": pytest.approx(9.0),
    }
    assert terms.total().item() == pytest.approx(20 * (4 + 9))


def test_the_targets_are_not_moved() -> None:
    completer, features, nothing = build(), make_features(), ~everything()
    done = complete(completer, features, nothing)
    features.audio.requires_grad_()
    features.visual.requires_grad_()
    terms = completer.loss(features, done, nothing, ~nothing)
    assert not terms.total().requires_grad
