"""The full product of registered parts keeps every contract; planted faults break them."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest
import torch
from _pytest.mark.structures import ParameterSet

from avqa_core import contracts
from avqa_core.backbones import backbones
from avqa_core.backbones.avst import AVST
from avqa_core.completion import Completer, CompleterConfig, completers
from avqa_core.completion.zeros import Zeros, ZerosConfig
from avqa_core.enhancement import enhancers
from avqa_core.model import MissingModalityAVQA
from avqa_core.types import Features, Modality

# Every part is in a fast test once; the rest of the product belongs to the slow ones.
PLAIN, PAPER = ("zeros", "identity", "avst"), ("rmm", "avr_diffusion", "avst")


def _with_marks(model: tuple[str, str, str]) -> ParameterSet:
    others = sum(one != plain for one, plain in zip(model, PLAIN, strict=True))
    is_fast = others <= 1 or model == PAPER
    return pytest.param(*model, marks=[] if is_fast else [pytest.mark.slow])


PRODUCT = [_with_marks(one) for one in product(completers, enhancers, backbones)]


@pytest.mark.parametrize("contract", contracts.CONTRACTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize(("completer", "enhancer", "backbone"), PRODUCT)
def test_every_model_keeps(
    contract: contracts.Contract, completer: str, enhancer: str, backbone: str
) -> None:
    contract(contracts.small_model(completer, enhancer, backbone))


@pytest.mark.parametrize("backbone", list(backbones))
def test_every_backbone_keeps_them_with_multiple_choice(backbone: str) -> None:
    checked = contracts.check(backbone=backbone, dims=contracts.MULTIPLE_CHOICE)
    assert not [one for one in checked if one.broken]


@pytest.mark.parametrize("completer", list(completers))
def test_every_completer_hands_the_candidates_on(completer: str) -> None:
    checked = contracts.check(completer, dims=contracts.MULTIPLE_CHOICE)
    assert not [one for one in checked if one.broken]


@pytest.mark.parametrize(("completer", "enhancer", "backbone"), PRODUCT)
def test_every_model_builds_without_memory(completer: str, enhancer: str, backbone: str) -> None:
    with torch.device("meta"):
        model = contracts.small_model(completer, enhancer, backbone)
    assert all(one.is_meta for one in model.parameters())


class Faulty(Zeros):
    """A completer whose one fault is planted by each test below."""

    fault = ""

    def __init__(self, config: ZerosConfig, dims: object) -> None:
        super().__init__(config, dims)
        self.unused = torch.nn.Parameter(torch.ones(3))
        self.unused.requires_grad_(self.fault == "dead parameter")

    def complete(self, features: Features, availability: torch.Tensor, *, generator):
        done = super().complete(features, availability, generator=generator)
        audio = done.features.audio
        if self.fault == "mixes rows":
            audio = audio + audio.mean(dim=0, keepdim=True)
        elif self.fault == "global generator":
            audio = audio + torch.randn_like(audio)
        elif self.fault == "edits in place":
            features.audio.add_(1.0)
        return dataclasses.replace(done, features=dataclasses.replace(done.features, audio=audio))


def plant(fault: str) -> MissingModalityAVQA:
    model = contracts.small_model("zeros", "identity", "avst")
    kind = type("Planted", (Faulty,), {"fault": fault})
    model.completer = kind(ZerosConfig(), None).eval()
    return model


class Leaking(MissingModalityAVQA):
    """A model that forgets to blank: the fault that the whole project is about."""

    def encode(self, batch):
        return self.backbone.encode(batch)

    def respond(self, features, availability, *, generator):
        mixed = dataclasses.replace(
            features, question=features.question + 1e-3 * features.audio.mean(dim=1)
        )
        return super().respond(mixed, availability, generator=generator)


@pytest.mark.parametrize(
    ("fault", "contract"),
    [
        ("mixes rows", contracts.rows_do_not_mix),
        ("global generator", contracts.generator_rules),
        ("dead parameter", contracts.gradients_reach_everything),
    ],
)
def test_a_planted_fault_is_caught(fault: str, contract: contracts.Contract) -> None:
    with pytest.raises(AssertionError):
        contract(plant(fault))


def test_an_answer_layer_that_is_not_the_last_is_caught() -> None:
    model = contracts.small_model("zeros", "identity", "avst")
    earlier = property(lambda backbone: backbone.fusion)
    model.backbone.__class__ = type("Odd", (AVST,), {"answer_layer": earlier})
    with pytest.raises(AssertionError, match="without the answer layer"):
        contracts.the_answer_layer_is_last(model)


def test_a_leak_is_caught() -> None:
    sound = contracts.small_model("zeros", "identity", "avst")
    leaking = Leaking(sound.config, contracts.DIMS).eval()
    with pytest.raises(AssertionError):
        contracts.absent_means_absent(leaking)
    with pytest.raises(AssertionError):
        contracts.losses_ignore_absent(leaking)


def test_filled_features_come_from_the_completer_alone() -> None:
    """Where absent the pair is the pseudo one; what is present stays bit for bit.

    A completer may say that it does not keep what is present, and then it does not; whole segments
    stay in any case.
    """
    for completer in completers:
        model = contracts.small_model(completer, "identity", "avst")
        batch = contracts.some_absent(contracts.make_batch(), "segments")
        prediction = model(batch, generator=torch.Generator().manual_seed(0))
        pair, completion = prediction.enhancement.features, prediction.completion
        there, whole = batch.availability[..., Modality.AUDIO], batch.availability.all(dim=-1)
        real = prediction.features.audio
        assert torch.equal(pair.audio[whole], real[whole])
        assert torch.equal(pair.audio[there], real[there]) == model.completer.keeps_present
        assert torch.allclose(pair.audio[~there], completion.pseudo_audio[~there])


def test_registering_is_enough_to_be_enrolled() -> None:
    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class MineConfig(CompleterConfig):
        """A reader's own completer."""

    @completers.register("mine", MineConfig)
    class Mine(Zeros):
        """Zeros under another name."""

    try:
        assert issubclass(Mine, Completer)
        assert not any(one.broken for one in contracts.check("mine"))
    finally:
        completers.unregister("mine")


def test_a_check_names_the_contract_that_is_broken_and_what_broke_it() -> None:
    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class LeakyConfig(CompleterConfig):
        """A completer with a parameter that it never uses."""

    @completers.register("leaky", LeakyConfig)
    class Leaky(Faulty):
        """Planted."""

        fault = "dead parameter"

    try:
        broken = {one.contract: one.broken for one in contracts.check("leaky") if one.broken}
    finally:
        completers.unregister("leaky")
    assert broken == {"gradients_reach_everything": "no gradient reaches ['completer.unused']"}
