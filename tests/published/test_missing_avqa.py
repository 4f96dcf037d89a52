"""A checkpoint of the released program, read as the preset ``released_code``."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from avqa_core import rng
from avqa_core.diffusion.unet import UNet
from avqa_core.enhancement.avr_diffusion import AVRDiffusion
from avqa_core.errors import CheckpointError
from avqa_core.model import MissingModalityAVQA
from avqa_core.presets import preset
from avqa_core.published import (
    published_dims,
    read_missing_avqa,
    read_missing_avqa_with_report,
)
from avqa_core.published.matching import Imported
from avqa_core.types import FeatureBatch, Modality
from tests.factories import make_batch
from tests.published import oracle
from tests.published.states import (
    diffusion_tables,
    random_state,
    shapes,
    shuffled_vocabulary,
)

VOCABULARY = shuffled_vocabulary()
BANKS = ("question", "audio", "visual")
NUM_SEGMENTS = 2  # of the ten, to save time; the network takes any number


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return random_state("missing_avqa")


@pytest.fixture(scope="module")
def read(state, tmp_path_factory) -> Imported[MissingModalityAVQA]:
    path = saved(state, tmp_path_factory.mktemp("missing"))
    return read_missing_avqa_with_report(path, VOCABULARY, num_segments=NUM_SEGMENTS)


@pytest.fixture(scope="module")
def model(read) -> MissingModalityAVQA:
    return read.model


def saved(state: dict[str, torch.Tensor], folder: Path) -> Path:
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, folder / "weights.pt")
    return folder / "weights.pt"


def clips(num_rows: int, *missing: Modality) -> FeatureBatch:
    """Return random clips without the given halves; what is gone is NaN, lest anybody reads it."""
    batch = make_batch(num_rows, published_dims(VOCABULARY, NUM_SEGMENTS), negatives=False)
    availability = batch.availability.clone()
    availability[..., list(missing)] = False
    stored = {"audio": batch.audio.relu(), "visual": batch.visual.relu()}
    for modality, name in ((Modality.AUDIO, "audio"), (Modality.VISUAL, "visual")):
        if modality in missing:
            stored[name] = torch.full_like(stored[name], torch.nan)
    return replace(batch, availability=availability, **stored)


def enhancer(model: MissingModalityAVQA) -> AVRDiffusion:
    assert isinstance(model.enhancer, AVRDiffusion)
    return model.enhancer


def unet(model: MissingModalityAVQA) -> UNet:
    assert isinstance(enhancer(model).process.denoiser, UNet)
    return enhancer(model).process.denoiser


def test_every_tensor_lands_in_one_parameter_of_its_shape(state, read):
    """No two random tensors are equal, so equal values prove the place."""
    parameters = dict(read.model.named_parameters())
    assert sorted(read.report.parameters.values()) == sorted(parameters)
    turned = []
    for name, mine in read.report.parameters.items():
        if not torch.equal(parameters[mine], state[name]):
            turned.append(name)
            assert torch.equal(parameters[mine], state[name].transpose(-1, -2)), name
    assert turned == ["unet.downs.0.2.mem_kv", "unet.ups.1.2.mem_kv"]
    copies = {name for name in state if name.startswith("diffusion.model.")}
    assert {*read.report.parameters, *read.report.ignored} == set(state) - copies
    assert {name.split(".")[0] for name in read.report.ignored} == {
        *("fc_a1_pure", "fc_a2_pure", "fc_v", "fc_st", "fc", "fc_aq", "fc_vq", "norm3"),
        *("visual_net", "conv_sm", "diffusion"),
    }


def test_parts_have_the_published_sizes(model):
    """U-Net, slots, and the two 1x1 convolutions with their biases."""

    def count(part: nn.Module) -> int:
        return sum(parameter.numel() for parameter in part.parameters())

    assert count(unet(model)) == 4_685_120
    assert count(model.completer) == 7_603_200
    assert count(enhancer(model).join_convolution) == 524_800
    assert count(enhancer(model).split_convolution) == 525_312
    assert count(model.backbone) == 7_916_716
    assert model.config == preset("released_code", "paper")


def with_one_slot_that_fits(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Make slot 3 of each bank what clip 0 has in segment 0: random slots are all alike to it."""
    batch, slot = clips(2), {name: state[f"memory_network.{name}_memory"].clone() for name in BANKS}
    slot["question"][3] = oracle.question(state, batch.tokens[0])
    slot["audio"][3] = oracle.audio_feature(state, batch.audio[0, 0])
    slot["visual"][3] = batch.visual[0, 0].flatten()
    return {**state, **{f"memory_network.{name}_memory": values for name, values in slot.items()}}


def test_recall_is_that_of_the_released_program(state, tmp_path, monkeypatch):
    """In double precision: in single, what rounding leaves differs between processors."""
    fitting = with_one_slot_that_fits(state)
    read = read_missing_avqa(saved(fitting, tmp_path), VOCABULARY, num_segments=NUM_SEGMENTS)
    model = read.double()
    single = clips(2)
    # The completer raises what it reads to single precision by a call of float().
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    batch = replace(single, audio=single.audio.double(), visual=single.visual.double())
    fitting = {name: tensor.double() for name, tensor in fitting.items()}
    with torch.no_grad():
        features = model.encode(batch)
        found = model.completer.complete(
            features, batch.availability, generator=rng.named(0, "unused")
        )
        assert found.addressing is not None
        # Both cosines are 1 and the others near 0: (e / (e + 74))^2 - (1 / (e + 74))^2 = 0.0011.
        assert float(75 * found.addressing.visual_question[0, 0, 3]) == pytest.approx(1.0011, 1e-4)
        for row, tokens in enumerate(batch.tokens):
            asked = oracle.question(fitting, tokens)
            heard = oracle.audio_feature(fitting, batch.audio[row])
            for segment in range(NUM_SEGMENTS):
                seen = batch.visual[row, segment]
                audio = oracle.recalled(fitting, seen, "visual", "audio", asked)
                visual = oracle.recalled(fitting, heard[segment], "audio", "visual", asked)
                close = {"rtol": 0, "atol": 1e-12}
                torch.testing.assert_close(found.pseudo_audio[row, segment], audio, **close)
                torch.testing.assert_close(
                    found.pseudo_visual[row, segment], visual.unflatten(0, (512, 14, 14)), **close
                )


@pytest.mark.parametrize("name", ["question", "visual", "audio"])
def test_the_recall_test_sees_slots_in_another_order(state, name):
    """The three banks belong together row by row: turning one over recalls something else."""
    fitting = with_one_slot_that_fits(state)
    bank = f"memory_network.{name}_memory"
    batch = clips(2)
    seen, asked = batch.visual[0, 0], oracle.question(state, batch.tokens[0])
    before, after = (
        oracle.recalled(one, seen, "visual", "audio", asked)
        for one in (fitting, {**fitting, bank: fitting[bank].flip(0)})
    )
    assert (before - after).abs().max() > 2e-6, "ten times what the test above allows"


def test_joining_and_parting_are_the_two_convolutions(state, model):
    generator = rng.named(0, "pairs")
    audio = torch.randn(3, 512, generator=generator)
    visual = torch.randn(3, 512, 14, 14, generator=generator)
    with torch.no_grad():
        joint = enhancer(model).join(audio, visual)
        torch.testing.assert_close(joint, oracle.joined(state, audio, visual), rtol=1e-4, atol=1e-5)
        # The package cuts and shifts at the end of the chain, inside ``split``.
        found = enhancer(model).split(joint)
        for mine, expected in zip(found, oracle.parted(state, (joint + 1) / 2), strict=True):
            torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)


def doubled(network: UNet) -> UNet:
    """Return a copy in double precision; the waves of the step come in single precision."""
    copy = deepcopy(network).double()
    first = copy.step.network[0]
    first.register_forward_pre_hook(lambda _, inputs: (inputs[0].double(),))
    return copy


@pytest.mark.parametrize("step", [0, 3, 9])
def test_the_unet_is_the_released_one(state, model, step):
    double = {name: tensor.double() for name, tensor in state.items() if name.startswith("unet.")}
    noisy = torch.randn(2, 512, 14, 14, generator=rng.named(step, "noisy"))
    with torch.no_grad():
        expected = oracle.unet(double, noisy.double(), step)
        found = doubled(unet(model))(noisy.double(), torch.tensor([step, step]))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
        # Ten layers of random weights blow rounding up, hence not 1e-5.
        single = unet(model)(noisy, torch.tensor([step, step]))
        torch.testing.assert_close(single.double(), expected, rtol=0, atol=1e-3)


def test_every_tensor_of_the_unet_moves_the_output_as_in_the_released_program(state, read):
    """Gradients in double precision: equal, and none of them zero, name by name."""
    network = doubled(unet(read.model))
    theirs = {n: t.double().requires_grad_() for n, t in state.items() if n.startswith("unet.")}
    generator = rng.named(0, "gradients")
    noisy, weights = (torch.randn(2, 512, 14, 14, generator=generator).double() for _ in range(2))
    (network(noisy, torch.tensor([4, 4])) * weights).sum().backward()
    (oracle.unet(theirs, noisy, 4) * weights).sum().backward()
    mine = {f"enhancer.process.denoiser.{n}": p for n, p in network.named_parameters()}
    assert len(mine) == len(theirs) == 163
    for name, tensor in theirs.items():
        found, expected = mine[read.report.parameters[name]].grad, tensor.grad
        assert expected.abs().max() > 1e-3, name
        expected = expected.transpose(-1, -2) if found.shape != expected.shape else expected
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7, msg=name)


@pytest.mark.parametrize("missing", [Modality.AUDIO, Modality.VISUAL])
def test_a_question_about_half_a_clip_is_answered_as_the_released_program_trains(
    state, model, missing
):
    """Recall, join, ten ancestral steps, part, answer; the noise is the only thing shared."""
    batch = clips(2, missing)
    with torch.no_grad():
        found = model(batch, generator=rng.named(5, "noise")).answers.logits
        keys = [(int(one), t) for one in batch.question_id for t in range(NUM_SEGMENTS)]
        streams = rng.RowStreams(keys, generator=rng.named(5, "noise"))
        draws = [streams.normal(512, 14, 14).unflatten(0, (2, NUM_SEGMENTS)) for _ in range(9)]
        for row, tokens in enumerate(batch.tokens):
            audio = None if missing is Modality.AUDIO else batch.audio[row]
            visual = None if missing is Modality.VISUAL else batch.visual[row]
            mine = iter([draw[row] for draw in draws])
            expected = oracle.hard_missing(state, audio, visual, tokens, mine.__next__)
            torch.testing.assert_close(found[row], expected, rtol=0, atol=1e-4)


def test_a_complete_clip_is_answered_by_the_head_alone(state, model):
    batch = clips(1)
    with torch.no_grad():
        found = model(batch, generator=rng.named(0, "unused")).answers.logits[0]
        asked = oracle.question(state, batch.tokens[0])
        heard = oracle.audio_feature(state, batch.audio[0])
        expected = oracle.answer_logits(state, heard, batch.visual[0], asked)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_slots_and_steps_are_as_many_as_the_file_has(state, tmp_path):
    fewer = {
        name: tensor[:9] if name.startswith("memory_network.") else tensor
        for name, tensor in state.items()
    }
    model = read_missing_avqa(saved({**fewer, **diffusion_tables(5)}, tmp_path), VOCABULARY)
    assert model.config.completer.num_slots == 9
    assert model.config.enhancer.diffusion.num_steps == 5
    assert model.dims.num_segments == 10


def test_a_file_that_keeps_the_unet_under_one_name_is_read(state, read, tmp_path):
    """Safetensors cannot hold one tensor under two names, and whoever saves keeps either."""
    for dropped in ("unet.", "diffusion.model."):
        kept = {n: t for n, t in state.items() if not n.startswith(dropped)}
        found = read_missing_avqa(saved(kept, tmp_path), VOCABULARY, num_segments=NUM_SEGMENTS)
        for name, tensor in read.model.state_dict().items():
            assert torch.equal(found.state_dict()[name], tensor), name


def test_two_different_unets_in_one_file_are_refused(state, tmp_path):
    broken = {**state, "diffusion.model.init_conv.bias": state["unet.init_conv.bias"] + 1}
    with pytest.raises(CheckpointError, match=r"different ones for unet\.init_conv\.bias \(1 in"):
        read_missing_avqa(saved(broken, tmp_path), VOCABULARY)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("diffusion.betas", torch.linspace(1e-4, 0.02, 10)),
        ("diffusion.loss_weight", torch.ones(10)),  # what noise prediction would store
        ("diffusion.betas", torch.full((10,), torch.nan)),
    ],
)
def test_another_schedule_or_prediction_is_refused(state, name, values, tmp_path):
    with pytest.raises(CheckpointError, match=f"{name}.*other settings"):
        read_missing_avqa(saved({**state, name: values}, tmp_path), VOCABULARY)


def test_avst_alone_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(CheckpointError, match="read by read_avst"):
        read_missing_avqa(saved(random_state("avst"), tmp_path), VOCABULARY)


def test_names_of_the_unet_are_complete():
    assert sum(name.startswith("unet.") for name in shapes("missing_avqa")) == 163


def test_the_oracle_sees_a_mistake(state, model):
    """Audio and visual half of the joining convolution exchanged: same shape, other map."""
    generator = rng.named(0, "pairs")
    audio = torch.randn(1, 512, generator=generator)
    visual = torch.randn(1, 512, 14, 14, generator=generator)
    swapped = {**state, "kr.weight": state["kr.weight"].roll(512, dims=1)}
    with torch.no_grad():
        found = enhancer(model).join(audio, visual)
    assert (found - oracle.joined(swapped, audio, visual)).abs().max() > 0.1
