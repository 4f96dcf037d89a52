"""FLOPs and parameters, against counts by hand."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from avqa_core.backbones import backbones
from avqa_core.backbones.avst import AVSTConfig
from avqa_core.completion import completers
from avqa_core.completion.retrieval import RetrievalConfig
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.model import ModelConfig
from avqa_core.presets import SIZES, preset, resize
from avqa_core.studies import cost as cost_module
from avqa_core.studies.cost import cost


def _around(completer, channels=512) -> ModelConfig:
    backbone = AVSTConfig(channels=channels)
    return ModelConfig(backbone=backbone, completer=completer, enhancer=IdentityConfig())


def test_avst_at_the_papers_size_by_hand():
    found = cost(_around(ZerosConfig()), "plain")
    assert (found.backbone, found.completer, found.enhancer) == (7_916_716, 0, 0)
    c, t, places = 512, 10, 196
    question = 14 * 2 * c * 4 * c + 2 * c * c
    audio = t * (128 * c + c * c)
    # cosine with each place, then two sums over places, then the token
    grounding = t * (places * c + 2 * places * c + 2 * c * c)
    # query; keys and values of T tokens; weights and their sum; out; two layers of feed-forward
    over_time = c * c + 2 * t * c * c + 2 * t * c + c * c + 2 * c * c
    answer = 2 * c * c + 42 * c
    by_hand = 2 * (question + audio + grounding + 2 * over_time + answer)
    assert found.complete == pytest.approx(by_hand, rel=1e-3)
    assert found.missing == found.complete


@pytest.mark.slow
def test_what_completes_is_paid_for_and_its_parameters_are_told_apart():
    paper = cost(preset("paper", "tiny"), "joint")
    plain = cost(_around(ZerosConfig(), channels=16), "plain")
    assert paper.backbone == plain.backbone
    assert paper.completer > 0 and paper.enhancer > 0
    assert paper.missing > paper.complete >= plain.complete
    assert paper.training > 3 * plain.training


def test_a_bank_is_searched_whole():
    costs = [
        cost(_around(RetrievalConfig(bank_size=size), channels=16), "modality_dropout").missing
        for size in (8, 64)
    ]
    assert costs[1] > costs[0]


MODELS = {
    **{
        name: ModelConfig(
            backbone=backbones.config(name)(),
            completer=ZerosConfig(),
            enhancer=IdentityConfig(),
        )
        for name in backbones
    },
    **{name: _around(completers.config(name)()) for name in completers},
    **{name: preset(name, "tiny") for name in ("paper", "released_code", "recommended")},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_leaving_the_products_out_changes_no_count(name, monkeypatch):
    model = resize(MODELS[name], SIZES["tiny"])
    without = cost(model, "joint")
    monkeypatch.setattr(cost_module, "_WithoutProducts", nullcontext)
    assert cost(model, "joint") == without
