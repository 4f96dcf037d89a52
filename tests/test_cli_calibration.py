"""From a trained run to one that says nothing where it is not sure, by the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from avqa_core import cli
from avqa_core.report import Report
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
    assert cli.main([*evaluate[:-1], "audio_drops(1)"]) == 2
    assert "name it among the --scenarios" in capsys.readouterr().err


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
