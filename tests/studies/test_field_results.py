"""Counts of failing sensors on disk: what is read is what was written, and what is counted anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from avqa_core import cli
from avqa_core.errors import ConfigError
from avqa_core.experiments import planning
from avqa_core.experiments.experiment import Outcome
from avqa_core.experiments.making import Making
from avqa_core.experiments.schedule import Planned
from avqa_core.metrics import Tally
from avqa_core.studies import field_plan, field_results
from avqa_core.training import runs
from tests.training.worlds import write_world
from tests.viz.stored_field import MADE_BY, failures, field

FOUND = field(
    {
        "plug_in/zeros": [failures(90, 60, 50, 30, 5), failures(92, 62, 50, 30, 5)],
        "joint/recommended": [failures(88, 70, 65, 40, 1)],
    }
)
NAMES = ("plug_in/zeros", "joint/modality_dropout")


def test_what_is_written_is_read_back_with_one_count_a_line(tmp_path):
    FOUND.write(tmp_path / "field.json")
    assert field_results.read(tmp_path / "field.json") == FOUND
    lines = (tmp_path / "field.json").read_text().splitlines()
    assert any(
        line.strip().startswith('{ "scenario": "audio_drops(3)", "correct": 75') for line in lines
    )


def test_numbers_are_by_seed():
    assert FOUND.names == ["plug_in/zeros", "joint/recommended"]
    assert FOUND.accuracies("plug_in/zeros", "audio_missing") == {0: 0.60, 1: 0.62}
    assert FOUND.accuracy("plug_in/zeros", "audio_missing").estimate == pytest.approx(0.61)
    assert len(FOUND.sureness("plug_in/zeros", "complete", "none")) == 2
    # Of each of two seeds half is at 0.85 and right.
    pooled = FOUND.pooled("plug_in/zeros", "complete", "own")
    assert pooled.answered_at(0.8) == (Tally(100, 200), Tally(100, 100))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FOUND.of("plug_in/rmm"), "got 'plug_in/rmm'.*avqa field"),
        (lambda: FOUND.accuracies("plug_in/zeros", "mixed(0.5,0)"), r"got 'mixed\(0.5,0\)'"),
        (lambda: FOUND.sureness("plug_in/zeros", "audio_drops(1)", "none"), "audio_drops"),
        (lambda: next(field_results.measure([])), "finished runs, got none"),
    ],
)
def test_what_is_not_there_is_an_error(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', "[" * 100_000])
def test_a_damaged_file_is_one_error_with_the_command(tmp_path, content):
    path = tmp_path / "field.json"
    assert field_results.read(path, missing_ok=True) is None
    path.write_text(content)
    with pytest.raises(ConfigError, match="avqa field"):
        field_results.read(path, missing_ok=True)


def test_another_format_is_an_error(tmp_path):
    replace(FOUND, format=2).write(tmp_path / "field.json")
    with pytest.raises(ConfigError, match="format 1"):
        field_results.read(tmp_path / "field.json")


def test_a_run_is_counted_again_unless_it_is_the_very_same():
    """The run reports 90, 60, 50 and 30 right, over two categories."""
    correct = {
        name: {"Audio Counting": number - 10, "Visual Location": 10}
        for name, number in zip(
            ("complete", "audio_missing", "visual_missing", "both_missing"),
            (90, 60, 50, 30),
            strict=True,
        )
    }

    experiment = planning.plan("smoke", [0])[0]

    def before(known=FOUND, provenance=MADE_BY, **changed):
        outcome = Outcome(
            **{
                "identity": "plug_in/zeros0",
                "correct": correct,
                "total": {"Audio Counting": 90, "Visual Location": 10},
                "trained_parameters": 0,
                "total_parameters": 1,
                "steps": 0,
                "seconds": 0.0,
                "evaluation_seconds": 1.0,
                "losses": {},
                "provenance": {},
                **changed,
            }
        )
        planned = Planned(
            experiment=experiment,
            folder=Path("nowhere"),
            job=None,
            outcome=outcome,
            done_steps=0,
            is_stale=False,
        )
        return field_results._counted_before(planned, known, provenance)

    assert before() == FOUND.runs[0].failures
    assert before(known=None) is None
    assert before(provenance=replace(MADE_BY, source_hash="other")) is None
    assert before(identity="another") is None
    other = correct | {"complete": {"Audio Counting": 81, "Visual Location": 10}}
    assert before(correct=other) is None, "trained anew under the same name"


def test_only_experiments_of_the_plan_can_be_asked_for(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'plug_in/zeros'"):
        field_plan.planned("smoke", tmp_path, tmp_path, ["plug_in/zero"])
    assert set(field_results.EXPERIMENTS) <= {one.name for one in planning.plan("book", [0])}


@pytest.mark.slow
def test_the_counts_of_finished_runs_are_those_that_the_runs_report(tmp_path, capsys):
    data = write_world(tmp_path / "data")
    making = Making("smoke", tmp_path / "runs", tmp_path, only=["plug_in", "joint"], num_seeds=1,
                    data=data, store=tmp_path / "smoke.json")  # fmt: skip
    wanted = {"complete/positions", *NAMES}
    making.experiments = [one for one in making.experiments if one.name in wanted]
    list(making.run_here())
    command = [
        "field", "--profile", "smoke", "--out", str(tmp_path / "runs"), "--data", str(data),
        "--seeds", "1", "--store", str(tmp_path / "field.json"), "--experiments", *NAMES,
    ]  # fmt: skip
    assert cli.main([*command, "plug_in/recommended"]) == 0
    said = capsys.readouterr().out
    assert "left out: plug_in/recommended seed 0, new" in said and "audio_drops(3)" in said
    found = field_results.read(tmp_path / "field.json")
    assert found is not None and found.names == list(NAMES)
    outcomes = {
        json.loads(path.with_name("job.json").read_text())["experiment"]["name"]: json.loads(
            path.read_text()
        )
        for path in tmp_path.rglob("outcome.json")
    }
    for name in NAMES:
        for scenario, correct in outcomes[name]["correct"].items():
            counted = found.accuracies(name, scenario)[0] * found.runs[0].failures.total
            assert counted == pytest.approx(sum(correct.values()))
    assert runs.is_fresh(json.loads((tmp_path / "field.json").read_text())["provenance"])
    before = (tmp_path / "field.json").read_text()
    assert cli.main(command) == 0
    assert (tmp_path / "field.json").read_text() == before.replace(" plug_in/recommended", "")


def test_counts_that_are_not_asked_for_stay_if_the_same_source_made_them():
    carried = field_results._carried([], FOUND, FOUND.provenance, FOUND.num_clips)
    assert [run for _, run in carried] == list(FOUND.runs)
    made_by, runs_of = field_results._shared(carried)
    assert [(one.experiment, one.seed) for one in runs_of] == [
        ("plug_in/zeros", 0),
        ("joint/recommended", 0),
        ("plug_in/zeros", 1),
    ]
    assert [made_by[one.made_by] for one in runs_of] == [told for told, _ in carried]
    assert field_results._carried([], None, FOUND.provenance, FOUND.num_clips) == []
    assert field_results._carried([], FOUND, FOUND.provenance, FOUND.num_clips + 1) == []
    other = replace(FOUND.provenance, source_hash="other")
    assert field_results._carried([], FOUND, other, FOUND.num_clips) == []
