"""The benchmarks in small form: they count what they say they count."""

from __future__ import annotations

import json

import pytest
import torch

from avqa_core.made_up import MUSIC_AVQA
from avqa_core.model import MissingModalityAVQA
from avqa_core.presets import preset
from benchmarks import speed, step
from benchmarks.__main__ import main

CPU = torch.device("cpu")


@pytest.mark.slow
def test_flops_are_proportional_to_rows():
    one, three = (step.take("paper", "tiny", rows, "cpu", False, True) for rows in (1, 3))
    # Broadcast sums cost nothing here, and every product runs over rows.
    assert three["flop"] == pytest.approx(3 * one["flop"], rel=0.01)


@pytest.mark.slow
def test_recomputing_costs_flops_and_leaves_models_without_a_sampler_alone():
    plain, again = (step.take("paper", "tiny", 1, "cpu", one, True) for one in (False, True))
    assert 1.1 * plain["flop"] < again["flop"] < 2 * plain["flop"]
    config = preset("recommended", "tiny")
    if config.enhancer == step.with_recompute(config, False).enhancer:
        assert step.with_recompute(config, True) == config


def test_a_step_at_the_papers_size_has_the_papers_parameters():
    of = MUSIC_AVQA
    with torch.device("meta"):
        model = MissingModalityAVQA(preset("released_code", "paper"), of)
    counts = {
        "denoiser": sum(one.numel() for one in model.enhancer.process.denoiser.parameters()),
        "slots": sum(one.numel() for one in model.completer.parameters()),
    }
    assert counts == {"denoiser": 4_685_120, "slots": 7_603_200}


def test_rates_are_positive_and_named():
    found = speed.measure("tiny", 2, 0.01, threads=1, device="cpu")
    assert len({(one.what, one.model) for one in found}) == len(found) == 8
    assert all(one.per_second > 0 for one in found)
    assert "questions, audio missing" in speed.table(found)


@pytest.mark.slow
def test_everything_is_printed_and_stored_under_the_name_of_the_device(tmp_path, capsys):
    main(device="cpu", out=tmp_path, step_size="tiny", seconds=0.1)
    said = capsys.readouterr().out
    (path,) = tmp_path.glob("cpu-*.json")
    content = json.loads(path.read_text())
    assert content["device"].startswith("CPU")
    assert [one["preset"] for one in content["step"]["figures"]] == list(step.PRESETS)
    for one in content["step"]["figures"]:
        assert 0 < one["gflop"] <= one["gflop_with_recompute"]
        assert one["peak_memory_gb"] > 0.05
        assert one["preset"] in said
    benchmarks = {"step", "speed", "reading", "toggle"}
    for name in benchmarks:
        assert {"source_hash", "source_modules", "device"} <= set(content[name]["provenance"])
    main(only=("speed",), device="cpu", out=tmp_path, step_size="tiny", seconds=0.1)
    assert set(json.loads(path.read_text())) == {"device", *benchmarks}
