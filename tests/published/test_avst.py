"""A published AVST checkpoint answers here as it does in the program that wrote it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from avqa_core import rng
from avqa_core.backbones.avst import AVST
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import CheckpointError
from avqa_core.published import published_dims, read_avst, read_avst_with_report
from avqa_core.published.avst import UNUSED
from avqa_core.types import FeatureBatch
from tests.factories import make_batch
from tests.published import oracle
from tests.published.states import random_state, shapes, shuffled_vocabulary

VOCABULARY = shuffled_vocabulary()


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return random_state("avst")


@pytest.fixture(scope="module")
def model(state, tmp_path_factory) -> AVST:
    return AVST.from_reference(saved(state, tmp_path_factory.mktemp("avst")), VOCABULARY)


def saved(state: dict[str, torch.Tensor], folder: Path) -> Path:
    torch.save(state, folder / "avst.pt")
    return folder / "avst.pt"


def clips(num_rows: int, dtype: torch.dtype = torch.float32) -> FeatureBatch:
    """Return random clips at the published sizes; stored features are never negative."""
    batch = make_batch(num_rows, published_dims(VOCABULARY))
    tokens = batch.tokens.clone()
    tokens[:, 9:] = 0  # padding, which the published program reads too
    assert batch.negative_visual is not None
    return replace(
        batch,
        audio=batch.audio.relu().to(dtype),
        visual=batch.visual.relu().to(dtype),
        negative_visual=batch.negative_visual.relu().to(dtype),
        tokens=tokens,
    )


def expected_logits(state: oracle.State, batch: FeatureBatch) -> torch.Tensor:
    rows = [
        oracle.answer_logits(
            state, oracle.audio_feature(state, audio), visual, oracle.question(state, tokens)
        )
        for audio, visual, tokens in zip(batch.audio, batch.visual, batch.tokens, strict=True)
    ]
    return torch.stack(rows)


@pytest.mark.parametrize("num_rows", [1, 5])
def test_answers_are_those_of_the_published_forward_pass(state, model, num_rows):
    batch = clips(num_rows)
    with torch.no_grad():
        found = model.answer(model.encode(batch)).logits
        expected = expected_logits(state, batch)
    assert expected.std() > 0.1, "logits of a size at which 1e-5 means something"
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_rows", [1, 5])
def test_the_match_head_is_that_of_the_published_forward_pass(state, model, num_rows):
    batch = clips(num_rows)
    expected = []
    with torch.no_grad():
        features = model.encode(batch)
        for frames in (batch.visual, batch.negative_visual):
            token, _ = model.ground(features.audio, frames)
            found = model.match_head(torch.cat([features.audio, token], dim=-1))
            heard = [oracle.audio_feature(state, audio) for audio in batch.audio]
            rows = [oracle.match_logits(state, a, v) for a, v in zip(heard, frames, strict=True)]
            torch.testing.assert_close(found, torch.stack(rows), rtol=0, atol=1e-5)
            expected.append(torch.cat(rows))
        loss = model.loss(features, model.answer(features), batch).total()
    # label 1 is "belongs together", the weight in the published objective is one half
    labels = torch.cat([torch.ones(10 * num_rows), torch.zeros(10 * num_rows)]).long()
    torch.testing.assert_close(loss, 0.5 * functional.cross_entropy(torch.cat(expected), labels))


def test_every_tensor_moves_the_output_as_it_does_in_the_published_program(state, tmp_path):
    """Gradients in double precision: equal, and none of them zero, name by name."""
    double = {name: tensor.double() for name, tensor in state.items() if "visual_net" not in name}
    read = read_avst_with_report(saved(double, tmp_path), VOCABULARY)
    ours = read.model.double()
    theirs = {name: tensor.float().double().requires_grad_() for name, tensor in double.items()}
    batch = clips(2, torch.float64)
    features = ours.encode(batch)
    answers = ours.answer(features)
    (answers.logits.square().sum() + ours.loss(features, answers, batch).total()).backward()
    heard = [oracle.audio_feature(theirs, audio) for audio in batch.audio]
    logits = [
        torch.cat([oracle.match_logits(theirs, a, v) for a, v in zip(heard, frames, strict=True)])
        for frames in (batch.visual, batch.negative_visual)
    ]
    labels = torch.cat([torch.ones(20), torch.zeros(20)]).long()
    match = functional.cross_entropy(torch.cat(logits), labels)
    (expected_logits(theirs, batch).square().sum() + 0.5 * match).backward()
    parameters = dict(ours.named_parameters())
    assert sorted(read.report.parameters.values()) == sorted(parameters)
    for name, mine in read.report.parameters.items():
        found, expected = parameters[mine].grad, theirs[name].grad
        assert expected.abs().max() > 0, name
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10, msg=name)


def test_the_report_accounts_for_every_name(state, tmp_path):
    read = read_avst_with_report(saved(state, tmp_path), VOCABULARY)
    model, report = read.model, read.report
    assert {*report.parameters, *report.ignored} == set(state)
    assert not set(report.parameters) & set(report.ignored)
    assert {name.split(".")[0] for name in report.ignored} == set(UNUSED)
    # 7,916,716 is the published network's size without what it never uses.
    assert sum(parameter.numel() for parameter in model.parameters()) == 7_916_716
    assert not model.training
    assert model.config.positions == "none" and model.config.num_heads == 4


def wrapped(state, kind: str):
    if kind == "module":
        return OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    if kind == "state_dict":
        return {"epoch": 3, "state_dict": {f"module.{n}": t for n, t in state.items()}}
    if kind == "model":
        return {"model": state, "best": 71.5}
    if kind == "float16":
        return {name: t.half() if t.is_floating_point() else t for name, t in state.items()}
    if kind == "float64":
        return {name: t.double() if t.is_floating_point() else t for name, t in state.items()}
    return state


@pytest.mark.parametrize(
    "kind", ["module", "state_dict", "model", "float16", "float64", "safetensors", "pth"]
)
def test_every_way_of_keeping_a_state_dict_is_read(state, model, kind, tmp_path):
    path = tmp_path / f"avst.{'safetensors' if kind == 'safetensors' else 'pth'}"
    content = wrapped(state, kind)
    if kind == "safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)
    found = read_avst(path, VOCABULARY)
    for name, tensor in model.state_dict().items():
        mine = found.state_dict()[name]
        assert mine.dtype == torch.float32
        assert torch.equal(mine, tensor.half().float() if kind == "float16" else tensor), name


def test_unused_parameters_may_be_absent(state, tmp_path):
    kept = {n: t for n, t in state.items() if not n.startswith(tuple(f"{m}." for m in UNUSED))}
    report = read_avst_with_report(saved(kept, tmp_path), VOCABULARY).report
    assert report.ignored == () and len(kept) == len(report.parameters) == 45


def test_missing_unknown_and_misshapen_names_stand_in_one_message(state, tmp_path):
    broken = {name: tensor for name, tensor in state.items() if name != "norm2.bias"}
    broken["fc_extra.weight"] = torch.zeros(3)
    broken["fc_gl.weight"] = torch.zeros(512, 512)
    broken["fc1.bias"] = torch.zeros(512, dtype=torch.int64)
    broken["fc2.bias"] = torch.full((256,), torch.nan)
    with pytest.raises(CheckpointError) as caught:
        read_avst(saved(broken, tmp_path), VOCABULARY)
    message = str(caught.value)
    for part in (
        "missing: norm2.bias",
        "unknown: fc_extra.weight",
        "of another shape: fc_gl.weight [512, 512] instead of [512, 1024]",
        "not floating-point: fc1.bias",
        "not finite: fc2.bias",
    ):
        assert part in message


@pytest.mark.parametrize("which", ["words", "answers"])
def test_a_vocabulary_of_another_size_is_refused_with_the_reason(state, which, tmp_path):
    words, answers = VOCABULARY.words, VOCABULARY.answers
    short = Vocabulary(words[:-1], answers) if which == "words" else Vocabulary(words, answers[:-1])
    with pytest.raises(CheckpointError, match=f"{which}.*order differs between programs"):
        read_avst(saved(state, tmp_path), short)


def test_sizes_of_the_data_may_differ_from_the_published_ones(state, tmp_path):
    other = read_avst(saved(state, tmp_path), VOCABULARY, num_segments=4, grid=(7, 7))
    dims = published_dims(VOCABULARY, 4, (7, 7))
    batch = make_batch(2, dims)
    with torch.no_grad():
        found = other.answer(other.encode(batch)).logits
        torch.testing.assert_close(found, expected_logits(state, batch), rtol=0, atol=1e-5)


def test_the_oracle_sees_a_mistake(state, model):
    """Audio and visual attention exchanged: same names, same shapes, other answers."""
    batch = clips(1)
    swapped = {**state, **{n: state[n.replace("attn_a", "attn_v")] for n in state if "attn_a" in n}}
    with torch.no_grad():
        found = model.answer(model.encode(batch)).logits
        assert (found - expected_logits(swapped, batch)).abs().max() > 1e-3


def test_names_are_those_of_the_published_program():
    """61 tensors: 45 that are used, and weight and bias of eight layers that are not."""
    names = shapes("avst")
    assert len(names) == 61
    assert names["question_encoder.word2vec.weight"] == (93, 512)
    assert names["fc_ans.weight"] == (42, 512)


def test_the_order_of_the_vocabulary_is_the_callers(state, tmp_path):
    """Token k reads row k of the file's table, whatever word the vocabulary has there."""
    model = read_avst(saved(state, tmp_path), VOCABULARY)
    assert torch.equal(
        model.question_encoder.embedding.weight, state["question_encoder.word2vec.weight"]
    )
    tokens = torch.randint(0, 93, (14,), generator=rng.named(0, "tokens"))
    with torch.no_grad():
        found, _ = model.question_encoder(tokens[None])
        torch.testing.assert_close(found[0], oracle.question(state, tokens), rtol=0, atol=1e-5)
