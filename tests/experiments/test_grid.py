"""The grid: any part with any other, each row once, and one table at the end."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import pytest

from avqa_core import cli
from avqa_core.backbones import backbones
from avqa_core.completion import completers
from avqa_core.enhancement import enhancers
from avqa_core.errors import ConfigError
from avqa_core.experiments import grid, making, table
from avqa_core.experiments.budgets import BUDGETS
from avqa_core.experiments.experiment import SCENARIOS
from tests.experiments.stored_results import stored
from tests.training.worlds import write_world


def _plan(**changes):
    asked = {
        "backbone_names": ["avst"],
        "completer_names": ["zeros", "rmm"],
        "enhancer_names": ["identity"],
        "regimes": ["plug_in", "joint"],
        "seeds": [0],
    }
    return grid.plan("smoke", **{**asked, **changes})


@pytest.mark.slow
def test_the_full_product_of_registered_parts_can_be_planned() -> None:
    runs = _plan(
        backbone_names=list(backbones),
        completer_names=list(completers),
        enhancer_names=list(enhancers),
        regimes=["plain", "joint", "modality_dropout", "plug_in"],
        seeds=[0, 1],
    )
    rows = len(completers) * len(enhancers) * 3
    assert len(runs) == 2 * len(backbones) * (1 + rows)
    assert len({one.key for one in runs}) == len(runs)
    seen = set()
    for one in runs:
        assert one.parent is None or (one.parent, one.seed) in seen, "parents come first"
        seen.add(one.key)


def test_rows_of_a_regime_take_equal_steps_and_the_same_missing_schedule() -> None:
    runs = [one for one in _plan() if one.objective.regime == "joint"]
    assert len(runs) == 2
    assert {one.num_steps for one in runs} == {BUDGETS["smoke"].joint}
    assert {one.objective.both_missing_rate for one in runs} == {0.1}


def test_beside_a_frozen_backbone_only_what_can_learn_is_trained() -> None:
    steps = {one.name: one.num_steps for one in _plan(regimes=["plug_in"])}
    assert steps[grid.row_name("avst", "zeros", "identity", "plug_in")] == 0
    assert steps[grid.row_name("avst", "rmm", "identity", "plug_in")] == BUDGETS["smoke"].plug_in


def test_parts_come_at_the_size_of_the_profile_with_the_light_denoiser() -> None:
    run = _plan(backbone_names=["pano_avqa"], enhancer_names=["avr_diffusion"])[-1]
    assert run.model.backbone.channels == 16
    assert type(run.model.enhancer.denoiser).__name__ == "LightConfig"
    assert run.model.enhancer.denoiser.hidden_channels == 8


def test_the_recommended_backbone_is_one_of_them() -> None:
    assert _plan(backbone_names=["recommended"])[0].model.backbone.positions == "learned"


def test_scenarios_are_all_or_the_named_ones() -> None:
    assert _plan()[0].scenarios == SCENARIOS
    assert _plan(scenarios=["mixed(0.3, 0)"])[0].scenarios == ("mixed(0.3,0)",)
    assert _plan(scenarios=["all", "mixed(0.3,0)"])[0].scenarios == (*SCENARIOS, "mixed(0.3,0)")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone_names": ["avsst"]}, "--backbones.*got 'avsst'; did you mean 'avst'"),
        ({"completer_names": []}, "--completers: expected at least one, got none"),
        ({"regimes": ["joint", "joint"]}, "--regimes: expected each once, got joint, joint"),
        ({"enhancer_names": ["avr"]}, "--enhancers: expected one of"),
        ({"scenarios": ["deaf"]}, "--scenarios: scenario: expected complete"),
        ({"seeds": []}, "--seeds: expected at least one"),
    ],
)
def test_what_nobody_knows_is_refused(changes: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _plan(**changes)


COUNTS = {
    "grid/a": {"complete": [(30, 20), (36, 24)], "audio_missing": [(12, 8), (18, 12)]},
    "grid/b": {"complete": [(60, 40), (60, 40)], "audio_missing": [(30, 20), (30, 20)]},
}


def test_the_table_has_counts_intervals_floors_ceilings_and_cost(tmp_path: Path) -> None:
    """Of 100 questions 50 and 60 are right: 0.55 on average; the floor is 0.6 * 0.5 + 0.4 / 4."""
    assert table.write_csv(stored(COUNTS), tmp_path / "table.csv") == 4
    with (tmp_path / "table.csv").open() as file:
        first = next(iter(csv.DictReader(file)))
    assert (first["experiment"], first["scenario"], first["seeds"]) == ("grid/a", "complete", "0 1")
    assert (first["correct"], first["total"]) == ("50 60", "100")
    assert float(first["accuracy"]) == pytest.approx(0.55)
    assert float(first["low"]) < 0.5 < 0.6 < float(first["high"])
    assert float(first["floor"]) == pytest.approx(0.4)
    assert float(first["ceiling"]) == pytest.approx(0.9)
    assert (first["total_parameters"], first["steps"], first["seconds"]) == ("30", "5", "2.5")


def test_the_table_for_the_terminal_is_aligned() -> None:
    lines = table.text(stored(COUNTS)).splitlines()
    assert len(lines) == 1 + 2 + 2
    assert lines[1].startswith("grid/a") and "55.0 ± 63.5" in lines[1]
    assert lines[-2].startswith("floor") and "40.0" in lines[-2]
    assert lines[-1].startswith("ceiling") and "90.0" in lines[-1]


@pytest.mark.slow
def test_a_grid_runs_from_the_command_line_and_is_skipped_when_finished(
    tmp_path, capsys, monkeypatch
):
    write_world(tmp_path / "world", {"train": 24, "val": 8, "test": 8})
    arguments = [
        *("grid", "--profile", "smoke", "--data", str(tmp_path / "world")),
        *("--out", str(tmp_path / "grid"), "--seeds", "0", "1"),
        *("--backbones", "avst", "pano_avqa", "--completers", "slot_mean"),
        *("--regimes", "plug_in", "plain"),
    ]
    assert cli.main([*arguments, "--list"]) == 0
    assert "grid/pano_avqa/slot_mean/identity/plug_in" in capsys.readouterr().out
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "8 runs, 0 of them finished" in said and "grid/avst/zeros/identity/plain" in said
    with (tmp_path / "grid" / "smoke" / "table.csv").open() as file:
        found = list(csv.DictReader(file))
    assert len(found) == 4 * len(SCENARIOS)
    assert cli.main(arguments) == 0
    assert "grid, profile smoke: 8 runs, 8 of them finished, 0 to do" in capsys.readouterr().out

    def fail(*_: object, **__: object) -> None:
        raise ConfigError("expected 8 runs to end well, 1 failed")

    monkeypatch.setattr(making.Making, "run", fail)
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert "1 failed" in said.err and "grid/avst/zeros/identity/plain" in said.out
    monkeypatch.setattr(making.Making, "describe", fail)
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert "1 failed" in said.err and said.out == "", (
        "the table of an earlier call is not this one's"
    )


@pytest.mark.slow
@pytest.mark.parametrize("backbone", list(backbones))
def test_the_full_product_runs_at_profile_smoke(backbone, tmp_path):
    """Every completer with every enhancer around every backbone: trained, answered and counted."""
    write_world(tmp_path / "world", {"train": 24, "val": 8, "test": 8})
    arguments = [
        *("grid", "--profile", "smoke", "--data", str(tmp_path / "world"), "--jobs", "1"),
        *("--out", str(tmp_path / "grid"), "--seeds", "0", "--backbones", backbone),
        *("--completers", *completers, "--enhancers", *enhancers, "--regimes", "joint"),
    ]
    assert cli.main(arguments) == 0
    with (tmp_path / "grid" / "smoke" / "table.csv").open() as file:
        found = list(csv.DictReader(file))
    names = {grid.row_name(backbone, *parts, "joint") for parts in product(completers, enhancers)}
    assert {row["experiment"] for row in found} == names | {grid.plain_name(backbone)}
    for row in found:
        assert int(row["total"]) > 0 and 0 <= int(row["correct"]) <= int(row["total"]), row


def test_a_part_with_fields_is_a_row_of_its_own() -> None:
    slots, paper = "rmm:num_slots=5,addressing=paper", "avr_diffusion:denoiser=unet"
    runs = _plan(
        backbone_names=["avst", "avst:positions=learned"],
        completer_names=["rmm", slots],
        enhancer_names=[paper],
        regimes=["joint"],
    )
    models = {one.name: one.model for one in runs}
    assert len(models) == 6
    changed = models[grid.row_name("avst:positions=learned", slots, paper, "joint")]
    assert changed.backbone.positions == "learned"
    assert (changed.completer.num_slots, changed.completer.addressing) == (5, "paper")
    assert type(changed.enhancer.denoiser).__name__ == "UNetConfig"
    assert changed.enhancer.denoiser.stem_channels == 8, "an exchanged part has the size of all"
    usual = models[grid.row_name("avst", "rmm", paper, "joint")]
    assert usual.completer.num_slots == 12
    assert usual.backbone.positions != "learned"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmm:slots=5", "rmm:slots=5: .*num_slots"),
        ("rmm:num_slots", "PART:FIELD=VALUE"),
        ("rmm:num_slots=many", "num_slots"),
        ("rmn:num_slots=5", "--completers.*'rmm'"),
    ],
)
def test_a_wrong_field_is_named_before_anything_runs(name: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        _plan(completer_names=[name])
