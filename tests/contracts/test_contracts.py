"""The full product of registered parts keeps every contract; planted faults break them."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest
import torch
from _pytest.mark.structures import ParameterSet

from avqa_core import contracts, rng, small_models
from avqa_core.backbones import backbones
from avqa_core.backbones.avst import AVST, AVSTConfig
from avqa_core.backbones.pstp_net import PSTPNetConfig
from avqa_core.completion import Completer, CompleterConfig, completers
from avqa_core.completion.missing_aware_prompts import MissingAwarePromptsConfig
from avqa_core.completion.retrieval import RetrievalConfig
from avqa_core.completion.rmm import RMMConfig
from avqa_core.completion.zeros import Zeros, ZerosConfig
from avqa_core.diffusion.denoiser import LightConfig
from avqa_core.enhancement import enhancers
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.errors import RegistryError
from avqa_core.model import MissingModalityAVQA
from avqa_core.presets import preset
from avqa_core.types import Features, LossTerms, Modality

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
    contract(small_models.small_model(completer, enhancer, backbone))


@pytest.mark.parametrize("backbone", list(backbones))
def test_every_backbone_keeps_them_with_multiple_choice(backbone: str) -> None:
    checked = contracts.check(backbone=backbone, dims=small_models.MULTIPLE_CHOICE)
    assert not [one for one in checked if one.broken]


@pytest.mark.slow
@pytest.mark.parametrize("completer", list(completers))
def test_every_completer_hands_the_candidates_on(completer: str) -> None:
    checked = contracts.check(completer, dims=small_models.MULTIPLE_CHOICE)
    assert not [one for one in checked if one.broken]


# Choices that are not a default, so that no test above builds them.
VARIANTS: dict[str, dict[str, object]] = {
    "rmm with cosines": {
        "completer": RMMConfig(addressing="released_code", reduction="sum", detach_target=False)
    },
    "rmm renormalised": {"completer": RMMConfig(addressing="renormalised")},
    "prompts before the tokens": {"completer": MissingAwarePromptsConfig(form="prefix")},
    "retrieval without question": {"completer": RetrievalConfig(question_weight=0.0)},
    "light denoiser": {"enhancer": AVRDiffusionConfig(denoiser=LightConfig())},
    "enhancer of the released program": {"enhancer": preset("released_code").enhancer},
    "avst with positions": {"backbone": AVSTConfig(positions="learned")},
    "pstp_net without selections": {"backbone": PSTPNetConfig(fusion="avw")},
}


@pytest.mark.parametrize("contract", contracts.CONTRACTS, ids=lambda one: one.__name__)
@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_keeps(contract: contracts.Contract, variant: str) -> None:
    contract(small_models.small_model(**VARIANTS[variant]))


@pytest.mark.parametrize(("completer", "enhancer", "backbone"), PRODUCT)
def test_every_model_builds_without_memory(completer: str, enhancer: str, backbone: str) -> None:
    with torch.device("meta"):
        model = small_models.small_model(completer, enhancer, backbone)
    assert all(one.is_meta for one in model.parameters())


class Faulty(Zeros):
    """A completer whose one fault is planted by each test below."""

    fault = ""

    def __init__(self, config: ZerosConfig, dims: object) -> None:
        super().__init__(config, dims)
        self.unused = torch.nn.Parameter(torch.ones(3))
        self.unused.requires_grad_(
            self.fault in ("dead parameter", "dead in training", "infinite slope")
        )

    def complete(self, features: Features, availability: torch.Tensor, *, generator):
        done = super().complete(features, availability, generator=generator)
        audio = done.features.audio
        if self.fault == "mixes rows":
            audio = audio + audio.mean(dim=0, keepdim=True)
        elif self.fault == "global generator" or (
            self.fault == "global generator in training" and self.training
        ):
            audio = audio + torch.randn_like(audio)
        elif self.fault == "dead in training" and not self.training:
            audio = audio + self.unused.sum()
        elif self.fault == "edits in place":
            features.audio.add_(1.0)
        elif self.fault == "edits in place in training" and self.training:
            features.question.add_(1.0)
        elif self.fault == "cuts gradients":
            audio = audio.detach()
        elif self.fault == "one segment":
            short = dataclasses.replace(
                done.features, audio=audio[:, :1], visual=done.features.visual[:, :1]
            )
            return dataclasses.replace(done, features=short)
        elif self.fault == "not finite":
            audio = audio / 0.0
        elif self.fault == "nothing":
            return None
        elif self.fault == "renames rows":
            features.extras["question_id"].add_(1)
        elif self.fault == "infinite slope":
            audio = audio + (0.0 * self.unused.sum()).sqrt()
        return dataclasses.replace(done, features=dataclasses.replace(done.features, audio=audio))

    def loss(self, features, completion, availability, present):
        if self.fault != "learns from zeros":
            return super().loss(features, completion, availability, present)
        return LossTerms.mean("recall_audio", (features.audio - completion.pseudo_audio).square())


def plant(fault: str) -> MissingModalityAVQA:
    model = small_models.small_model("zeros", "identity", "avst")
    kind = type("Planted", (Faulty,), {"fault": fault})
    model.completer = kind(ZerosConfig(), None).eval()
    return model


class Leaking(MissingModalityAVQA):
    """A model that forgets to blank: the fault that the whole project is about."""

    def encode(self, batch):
        return self.backbone.encode(batch)

    def respond(self, features, availability, **generators):
        mixed = dataclasses.replace(
            features, question=features.question + 1e-3 * features.audio.mean(dim=1)
        )
        return super().respond(mixed, availability, **generators)


@pytest.mark.parametrize(
    ("fault", "contract"),
    [
        ("mixes rows", contracts.rows_do_not_mix),
        ("global generator", contracts.generator_rules),
        ("global generator in training", contracts.generator_rules),
        ("dead parameter", contracts.gradients_reach_everything),
        ("cuts gradients", contracts.present_halves_learn),
        ("infinite slope", contracts.finite_in_bfloat16),
        ("edits in place", contracts.inputs_stay_untouched),
        ("edits in place in training", contracts.inputs_stay_untouched),
        ("renames rows", contracts.inputs_stay_untouched),
    ],
)
def test_a_planted_fault_is_caught(fault: str, contract: contracts.Contract) -> None:
    with pytest.raises(AssertionError):
        contract(plant(fault))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda backbone: backbone.fusion, "without the answer layer"),
        (lambda backbone: backbone, "not one layer of several"),
        (lambda backbone: torch.nn.Linear(2, 2), "not one layer of several"),
    ],
)
def test_an_answer_layer_that_is_not_the_last_is_caught(layer, message) -> None:
    model = small_models.small_model("zeros", "identity", "avst")
    model.backbone.__class__ = type("Odd", (AVST,), {"answer_layer": property(layer)})
    with pytest.raises(AssertionError, match=message):
        contracts.the_answer_layer_is_last(model)


def test_a_contract_that_breaks_without_a_word_is_broken(monkeypatch) -> None:
    def silent(model: MissingModalityAVQA) -> None:
        """It breaks and does not say why."""
        raise AssertionError

    monkeypatch.setattr(contracts, "CONTRACTS", (silent,))
    assert [one.broken for one in contracts.check()] == ["AssertionError"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            "one segment",
            "completer.complete: expected features.audio of [4, 3, 16], got [4, 1, 16]",
        ),
        ("not finite", "completer.complete: expected finite features.audio, got other numbers"),
        ("nothing", "completer.complete: expected Completion, got NoneType"),
    ],
)
def test_what_comes_out_of_a_part_is_looked_at_first(fault: str, told: str, monkeypatch) -> None:
    planted = plant(fault)
    monkeypatch.setattr(contracts, "small_model", lambda *_: planted)
    first, *others = contracts.check(dims=small_models.DIMS)
    assert (first.contract, first.broken) == ("results_fit", told)
    assert {one.broken for one in others} == {contracts.NOT_TRIED}


def test_a_part_of_another_family_is_told_where_it_belongs() -> None:
    with pytest.raises(RegistryError, match=r"contracts.check\(enhancer='avr_diffusion'\)"):
        contracts.check("avr_diffusion")
    with pytest.raises(RegistryError, match="did you mean 'zeros'"):
        contracts.check("zerros")


def test_a_backbone_without_candidates_is_caught(monkeypatch) -> None:
    """Its answer layer has one row an answer of the vocabulary, of which there is none."""
    with_candidates = small_models.small_model(dims=small_models.MULTIPLE_CHOICE)
    answer = with_candidates.backbone.answer
    monkeypatch.setattr(
        with_candidates.backbone,
        "answer",
        lambda features: dataclasses.replace(found := answer(features), logits=found.logits[:, :0]),
    )
    with pytest.raises(AssertionError, match=r"backbone.answer: expected logits of \[4, 4\]"):
        contracts.results_fit(with_candidates)


def test_a_loss_that_takes_what_was_never_recorded_for_a_target_is_caught() -> None:
    model = plant("learns from zeros")
    with pytest.raises(AssertionError, match="never recorded is a target"):
        contracts.losses_ignore_absent(model)


def test_a_leak_is_caught() -> None:
    sound = small_models.small_model("zeros", "identity", "avst")
    leaking = Leaking(sound.config, small_models.DIMS).eval()
    with pytest.raises(AssertionError):
        contracts.absent_means_absent(leaking)
    with pytest.raises(AssertionError):
        contracts.losses_ignore_absent(leaking)


def test_a_parameter_that_only_training_leaves_out_is_caught() -> None:
    model = plant("dead in training")
    with pytest.raises(AssertionError, match=r"no gradient reaches \['completer.unused'\]"):
        contracts.gradients_reach_everything(model)


class LeakingWhileItLearns(Leaking):
    """The same fault where only a training step would show it."""

    def encode(self, batch):
        return super().encode(batch) if self.training else MissingModalityAVQA.encode(self, batch)


@pytest.mark.parametrize(
    "contract", [contracts.absent_means_absent, contracts.losses_ignore_absent]
)
def test_a_leak_in_training_mode_is_caught(contract: contracts.Contract) -> None:
    sound = small_models.small_model("zeros", "identity", "avst")
    with pytest.raises(AssertionError, match="in training mode"):
        contract(LeakingWhileItLearns(sound.config, small_models.DIMS).eval())


def test_an_edit_in_place_is_told_with_its_part_and_its_place() -> None:
    with pytest.raises(AssertionError, match=r"completer.complete \(complete absent\) edited"):
        contracts.inputs_stay_untouched(plant("edits in place"))


def test_filled_features_come_from_the_completer_alone() -> None:
    """Where absent the pair is the pseudo one; what is present stays bit for bit.

    A completer may say that it does not keep what is present, and then it does not; whole segments
    stay in any case.
    """
    for completer in completers:
        model = small_models.small_model(completer, "identity", "avst")
        batch = small_models.some_absent(small_models.make_batch(), "segments")
        prediction = model(batch, generator=torch.Generator().manual_seed(0))
        pair, completion = prediction.enhancement.features, prediction.completion
        there, whole = batch.availability[..., Modality.AUDIO], batch.availability.all(dim=-1)
        real = prediction.features.audio
        assert torch.equal(pair.audio[whole], real[whole])
        assert torch.equal(pair.audio[there], real[there]) == model.completer.keeps_present
        assert torch.allclose(pair.audio[~there], completion.pseudo_audio[~there])


@pytest.mark.parametrize("completer", list(completers))
def test_what_is_not_there_is_never_a_target(completer: str) -> None:
    """The model blanks what is absent, so a contract sees no difference to a target of zeros."""
    model = small_models.small_model(completer)
    features = model.encode(small_models.make_batch())
    present = torch.ones_like(small_models.make_batch().availability)
    completion = model.completer.complete(features, ~present, generator=rng.named(0, "completer"))
    counts = []
    for num_rows in (4, 1):
        present[num_rows:] = False
        terms = model.completer.loss(features, completion, torch.zeros_like(present), present)
        counts.append({name: float(term.count) for name, term in terms.items()})
    assert counts[1] == {name: count / 4 for name, count in counts[0].items()}


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
