"""From a trained run to one that says nothing where it is not sure, by the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from avqa_core import cli
from avqa_core.abstention import binned
from avqa_core.metrics import Interval
from avqa_core.report import Report
from avqa_core.run_calibration import RunCalibration, ScenarioCalibration
from tests.training.worlds import write_world


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("calibrate") / "world")


@pytest.fixture(scope="module")
def run(world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("calibrate") / "run"
    command = ["train", "--data", str(world), "--out", str(out), "--size", "tiny", "--steps", "2"]
    assert cli.main([*command, "--batch-size", "12", "--device", "cpu"]) == 0
    return out


def test_calibrating_evaluating_and_what_goes_wrong_before(world, run, capsys):
    common = ["--run", str(run), "--data", str(world), "--device", "cpu"]
    evaluate = ["evaluate", *common, "--at-least", "0.05", "--scenarios", "complete"]
    capsys.readouterr()
    assert cli.main(evaluate) == 2
    assert "make it with 'avqa calibrate'" in capsys.readouterr().err
    assert cli.main(["calibrate", *common, "--at-least", "0.05"]) == 0
    said = capsys.readouterr().out
    (path,) = run.rglob("calibration.json")
    assert path.parent.name == (run / "checkpoints" / "best").read_text().strip()
    stored = json.loads(path.read_text())
    assert str(path) in said
    found = {one["scenario"]: one["temperature"] for one in stored["scenarios"]}
    assert list(found) == ["complete", "audio_missing", "visual_missing", "both_missing"]
    for scenario, temperature in found.items():
        line = next(one for one in said.splitlines() if one.startswith(f"  {scenario} "))
        assert f" {temperature:.3f} " in line
    assert cli.main(evaluate) == 0
    said = capsys.readouterr().out
    report = Report.load(run / "report.json")
    assert report.provenance["temperatures"] == {"complete": found["complete"]}
    (answered,) = report.answered
    given = sum(one >= 0.05 for one in answered.confidence)
    line = next(one for one in said.splitlines() if one.startswith("  complete"))
    assert line.split()[1:3] == [str(given), "24"]
    dropping = [*evaluate[:-1], "audio_drops(1)"]
    assert cli.main(dropping) == 2
    assert "name it among the --scenarios" in capsys.readouterr().err
    assert cli.main(["calibrate", *common, "--scenarios", "audio_drops(1)"]) == 0
    assert cli.main(dropping) == 0
    assert cli.main(evaluate) == 0, "what was fitted before is still known"


def test_of_one_scenario_the_later_temperature_counts_and_of_other_data_none():
    error = Interval(0.1, 0.0, 0.2)

    def known(temperatures: dict[str, float], data_hash: str = "d") -> RunCalibration:
        return RunCalibration(
            scenarios=tuple(
                ScenarioCalibration(
                    scenario=name,
                    temperature=temperature,
                    before=error,
                    after=error,
                    confidences=binned([0.9], [True]),
                )
                for name, temperature in temperatures.items()
            ),
            data_hash=data_hash,
        )

    older, fitted = known({"complete": 1.0, "audio_missing": 2.0}), known({"complete": 3.0})
    together = fitted.joined_to(older)
    assert {one.scenario: one.temperature for one in together.scenarios} == {
        "audio_missing": 2.0,
        "complete": 3.0,
    }
    assert fitted.joined_to(known({"audio_missing": 2.0}, "other")) == fitted
    assert fitted.joined_to(None) == fitted


@pytest.mark.parametrize("command", ["calibrate", "evaluate"])
def test_a_threshold_out_of_range_is_one_line(world, run, capsys, command):
    capsys.readouterr()
    arguments = [command, "--run", str(run), "--data", str(world), "--at-least", "80"]
    assert cli.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --at-least") and "0.8 answers only when" in line


@pytest.mark.parametrize("command", ["calibrate", "field"])
def test_help_needs_no_torch(command):
    program = (
        "import sys\n"
        "from avqa_core import cli\n"
        "try:\n"
        f"    cli.main([{command!r}, '--help'])\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"usage: avqa {command}" in done.stdout
