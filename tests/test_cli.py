"""The commands do what their help says; what goes wrong is one line and exit code 2."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avqa_core import cli, cli_experiments, cli_training, commands
from avqa_core.losses import ObjectiveConfig
from avqa_core.presets import SIZES, preset
from avqa_core.report import Report
from avqa_core.training import runs
from avqa_core.training.settings import TrainConfig
from tests.training.worlds import write_world

TWICE = ("complete", "complete")
TINY = [
    *("--size", "tiny", "--steps", "3", "--batch-size", "12", "--device", "cpu"),
    *("--evaluate-every", "0", "--checkpoint-every", "2"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("cli") / "world")


def train(world: Path, out: Path, *more: str) -> int:
    return cli.main(["train", "--data", str(world), "--out", str(out), *TINY, *more])


@pytest.fixture(scope="module")
def run(world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("cli") / "run"
    assert train(world, out, "--regime", "plain") == 0
    return out


def test_training_and_evaluating_end_to_end(world, run, capsys):
    scenarios = ["complete", "audio_missing", "mixed(0.5,0.25)"]
    arguments = ["--run", str(run), "--data", str(world), "--device", "cpu"]
    assert cli.main(["evaluate", *arguments, "--scenarios", *scenarios, "--keep-answers"]) == 0
    said = capsys.readouterr().out
    report = Report.load(run / "report.json")
    assert report.table() in said
    assert report.scenarios == tuple(scenarios)
    assert report.total("complete").tally.total == 24
    # The floor is known wherever there are questions; this world has no ceiling.
    assert report.total("complete").floor is not None
    assert report.total("complete").ceiling is None
    assert report.provenance["run"]["step"] == 3
    assert report.provenance["data_hash"] == runs.data_hash(world)
    assert len(report.answered) == 3
    path = str(run / "report.json")
    assert cli.main(["compare", path, path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == scenarios
    assert all("+0.0 to +0.0" in line for line in lines[1:]), "a model is as good as itself"


def test_the_same_command_goes_on_where_it_stopped(world, run, capsys):
    before = (run / "events.jsonl").read_text()
    assert train(world, run, "--regime", "plain") == 0
    assert (run / "events.jsonl").read_text().startswith(before[: before.rfind('{"event": "Fin')])
    assert "3 steps" in capsys.readouterr().out


def test_fields_are_set_by_their_path(world, tmp_path):
    out = tmp_path / "run"
    fields = ["completer=rmm", "completer.num_slots=5", "objective.recall_weight=0.25"]
    assert train(world, out, "--set", *fields, "training.warmup_steps=2") == 0
    config = runs.load_run(out)[2]
    assert config.model.completer.num_slots == 5
    assert config.objective.recall_weight == 0.25
    assert config.training.warmup_steps == 2


def test_a_run_like_another_differs_in_what_is_set_alone(world, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    fields = ["completer=rmm", "completer.num_slots=5", "training.warmup_steps=2"]
    assert train(world, first, "--set", *fields, "--schedule", "cosine") == 0
    arguments = ["train", "--data", str(world), "--out", str(second), "--like", str(first)]
    assert cli.main([*arguments, "--set", "training.seed=1"]) == 0
    one, other = (runs.load_run(folder)[2] for folder in (first, second))
    assert other.training.seed == 1
    assert replace(other, training=one.training) == one
    assert replace(other.training, seed=0) == one.training

    capsys.readouterr()
    assert cli.main([*arguments, "--batch-size", "8"]) == 2
    assert "--like: expected no --batch-size beside it, got 8" in capsys.readouterr().err
    missing = [*arguments[:-1], str(tmp_path / "nowhere")]
    assert cli.main(missing) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("regime", "selection"),
    [("plain", ("complete", "both_missing")), ("joint", ("complete",))],
)
def test_a_run_like_another_is_chosen_as_it_was(world, tmp_path, regime, selection):
    """But one that is made plain has a random completer, which must not choose."""
    first, second = tmp_path / "first", tmp_path / "second"
    fields = ['training.selection=["complete", "both_missing"]']
    assert train(world, first, "--regime", regime, "--set", *fields) == 0
    arguments = ["train", "--data", str(world), "--out", str(second), "--like", str(first)]
    assert cli.main([*arguments, "--set", "objective.regime=plain"]) == 0
    assert runs.load_run(second)[2].training.selection == selection


def test_a_plain_run_is_chosen_by_what_it_trains(world, run, tmp_path):
    assert runs.load_run(run)[2].training.selection == ("complete",)
    out, fields = tmp_path / "run", ['training.selection=["complete", "both_missing"]']
    assert train(world, out, "--regime", "plain", "--set", *fields) == 0
    assert runs.load_run(out)[2].training.selection == ("complete", "both_missing")


@pytest.mark.parametrize(
    ("flag", "assigned", "selection"),
    [("joint", "plain", ("complete",)), ("plain", "joint", TrainConfig(num_steps=1).selection)],
)
def test_the_regime_that_is_trained_decides_what_chooses(
    world, tmp_path, flag, assigned, selection
):
    out = tmp_path / "run"
    assert train(world, out, "--regime", flag, "--set", f"objective.regime={assigned}") == 0
    assert runs.load_run(out)[2].training.selection == selection


def test_an_exchanged_part_comes_at_the_size_of_the_preset(world, tmp_path):
    assert train(world, tmp_path / "run", "--set", "completer=rmm") == 0
    assert runs.load_run(tmp_path / "run")[2].model.completer.num_slots == 12


def test_a_part_within_a_part_comes_at_the_size_of_the_preset_too():
    model, _, _ = commands.compose(
        preset("paper", "tiny"),
        ObjectiveConfig(),
        TrainConfig(num_steps=1),
        ["enhancer.denoiser=light", "backbone=pano_avqa"],
        "tiny",
    )
    assert model.enhancer.denoiser.hidden_channels == SIZES["tiny"]["hidden_channels"]
    assert model.backbone.channels == SIZES["tiny"]["channels"]


def test_plugging_into_a_trained_run(world, run, tmp_path):
    out = tmp_path / "plugged"
    assert train(world, out, "--regime", "plug_in", "--init-from", str(run)) == 0
    backbones = [runs.load_run(path)[0].backbone.state_dict() for path in (run, out)]
    assert all((backbones[0][name] == backbones[1][name]).all() for name in backbones[0])


@pytest.mark.parametrize("what", ["run", "checkpoint", "world", "features", "report"])
def test_inspect_tells_what_is_there(world, run, what, capsys):
    cli.main(["evaluate", "--run", str(run), "--data", str(world), "--scenarios", "complete"])
    path, expected = {
        "run": (run, "best: step-00000003"),
        "checkpoint": (run / "checkpoints" / "step-00000003", "backbone: "),
        "world": (world, "train: 72 questions about 24 clips"),
        "features": (world / "features", "audio: 4 x 6 float16"),
        "report": (run / "report.json", "95 % interval"),
    }[what]
    capsys.readouterr()
    assert cli.main(["inspect", str(path)]) == 0
    assert expected in capsys.readouterr().out


def test_env_tells_what_this_machine_has(capsys):
    assert cli.main(["env"]) == 0
    said = capsys.readouterr().out
    assert "Python 3" in said and "torch" in said and "WRONG" not in said


def _damaged(world: Path, tmp_path: Path) -> Path:
    questions = json.loads((world / "json" / "avqa-test.json").read_text())
    questions[0]["anser"] = "theremin"
    copy = tmp_path / "world"
    (copy / "json").mkdir(parents=True)
    (copy / "json" / "avqa-test.json").write_text(json.dumps(questions))
    (copy / "features").symlink_to(world / "features")
    for split in ("train", "val"):
        text = (world / "json" / f"avqa-{split}.json").read_text()
        (copy / "json" / f"avqa-{split}.json").write_text(text)
    return copy


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "{nowhere}", "--out", "{out}"], "data folder"),
        (["train", "--data", "{world}", "--out", "{out}", "--steps", "0"], "num_steps"),
        (["train", "--data", "{world}", "--out", "{out}", "--set", "completer.slots=1"], "slots"),
        (["train", "--data", "{world}", "--out", "{out}", "--set", "completer"], "FIELD=VALUE"),
        (["train", "--data", "{world}", "--out", "{out}", "--set", "completer=magic"], "magic"),
        (["train", "--data", "{world}", "--out", "{out}", "--set", "objective=1"], "objective"),
        (["train", "--data", "{world}", "--out", "{out}", "--regime", "plug_in"], "init-from"),
        (
            [
                *("train", "--data", "{world}", "--out", "{out}", "--regime", "plug_in"),
                *("--init-from", "{run}", "--init-parts", "completer"),
            ],
            "expected backbone among them",
        ),
        (["train", "--data", "{world}", "--out", "{out}", "--device", "cuda:99"], "device"),
        (["train", "--data", "{world}", "--out", "{run}", "--seed", "5"], "instead of"),
        (["train", "--data", "{world}", "--out", "{out}", "--batch-size", "1000"], "batch"),
        (["evaluate", "--run", "{nowhere}", "--data", "{world}"], "train first"),
        (["evaluate", "--run", "{run}", "--data", "{nowhere}"], "data folder"),
        (["evaluate", "--run", "{run}", "--data", "{world}", "--scenarios", "dark"], "dark"),
        (["evaluate", "--run", "{run}", "--data", "{damaged}"], "theremin"),
        (
            ["evaluate", "--run", "{run}", "--data", "{world}", "--out", "{world}"],
            "a file to write",
        ),
        (["evaluate", "--run", "{run}", "--data", "{world}", "--batch-size", "0"], "--batch-size"),
        (["calibrate", "--run", "{run}", "--data", "{world}", "--batch-size", "-1"], "at least 1"),
        (["evaluate", "--run", "{run}", "--data", "{world}", "--scenarios"], "at least one"),
        (
            [*("evaluate", "--run", "{run}", "--data", "{world}"), "--scenarios", *TWICE],
            "expected each once",
        ),
        (["world", "--out", "{nowhere}", "--workers", "0"], "--workers"),
        (["encoders", "--out", "{nowhere}", "--visual-steps", "0"], "visual_steps: expected"),
        (["encoders", "--visual-steps", "1"], "name a folder with --out"),
        (["encoders", "--out", "{nowhere}", "--replace-stored"], "got two"),
        (["train", "--data", "{world}", "--out", "{world}"], "a folder for the run alone"),
        (
            ["train", "--data", "{world}", "--out", "{out}", "--set", "training.weight_decay=NaN"],
            "a finite number, got NaN",
        ),
        *(
            (
                ["train", "--data", "{world}", "--out", "{out}", "--set", one],
                f"expected {one.partition('.')[2].replace('=', ' >= 1, got ')}",
            )
            for one in ("completer.num_heads=0", "backbone.channels=0")
        ),
        (["compare", "{run}", "{run}", "--seed", "-3"], "--seed: expected at least 0, got -3"),
        (
            ["results", "--profile", "smoke", "--data", "{world}", "--beginnings", "{world}"],
            "--beginnings: expected a file to write to",
        ),
        (["inspect", "{nowhere}"], "got no such file or folder"),
        (["results", "--data", "{world}", "--only", "tables"], "did you mean 'table"),
        (["results", "--data", "{nowhere}", "--list"], "data folder"),
        (["results", "--data", "{world}", "--jobs", "0"], "--jobs"),
        (["world", "--out", "{out}", "--clips", "3"], "at least 11"),
        (["world", "--out", "{out}", "--coupling", "2"], "coupling"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(world, run, tmp_path, capsys, arguments, message):
    places = {
        "nowhere": tmp_path / "nowhere",
        "out": tmp_path / "out",
        "world": world,
        "run": run,
        "damaged": _damaged(world, tmp_path),
    }
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    capsys.readouterr()
    size = ["--size", "tiny"] if arguments[0] == "train" else []
    assert cli.main([one.format(**places) for one in arguments] + size) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "question/s" not in line]
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert message in lines[0]
    untouched = {path: content for path, content in before.items() if path.name != "lock"}
    assert {path: path.read_bytes() for path in untouched} == untouched


@pytest.mark.parametrize("assigned", [[], ["--set", "completer.width=64"]])
def test_what_breaks_in_a_part_is_laid_on_what_was_set(
    world, tmp_path, capsys, monkeypatch, assigned
):
    """With nothing set it is the part's author who wants to see where."""

    def broken(*_, **__):
        raise RuntimeError("no such shape")

    monkeypatch.setattr(commands, "Trainer", broken)
    arguments = ["train", "--data", str(world), "--out", str(tmp_path / "run"), "--size", "tiny"]
    if not assigned:
        with pytest.raises(RuntimeError, match="no such shape"):
            cli.main(arguments)
        return
    assert cli.main([*arguments, *assigned]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no such shape: change what was set, completer.width=64" in line


def test_what_the_system_refuses_is_one_line_too(world, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert train(world, tmp_path / "file") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        line.startswith("error: ") and str(tmp_path / "file") in line and "check the path" in line
    )


def test_an_interruption_says_how_to_go_on(world, tmp_path, capsys, monkeypatch):
    from avqa_core.training.gradients import Gradients

    real = Gradients.backward

    def interrupted(self, step, parts):
        if step == 2:
            raise KeyboardInterrupt
        return real(self, step, parts)

    with monkeypatch.context() as patched:
        patched.setattr(Gradients, "backward", interrupted)
        assert train(world, tmp_path / "run") == 130
    assert "interrupted after step 2: the same command goes on" in capsys.readouterr().err
    assert train(world, tmp_path / "run") == 0


def _world_stops_with(error, tmp_path, monkeypatch) -> int:
    """Run ``avqa world`` whose build raises ``error``."""

    def events(*_, **__):
        yield from ()
        raise error

    monkeypatch.setattr(commands, "world_events", events)
    return cli.main(["world", "--out", str(tmp_path / "world"), "--workers", "1"])


def test_a_world_that_was_interrupted_goes_on(tmp_path, capsys, monkeypatch):
    assert _world_stops_with(KeyboardInterrupt(), tmp_path, monkeypatch) == 130
    assert "interrupted: the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BrokenProcessPool("terminated abruptly"), "got one that was killed: was there memory"),
        (MemoryError("Unable to allocate 90.0 GiB"), "got Unable to allocate 90.0 GiB: ask"),
        (MemoryError(), "got too little: ask"),
        (torch.OutOfMemoryError("CUDA out of memory.\nTried 9 GiB"), "memory. Tried 9 GiB: ask"),
    ],
)
def test_where_memory_ends_is_one_line_too(tmp_path, capsys, monkeypatch, error, message):
    assert _world_stops_with(error, tmp_path, monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: expected ") and message in line


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_argument_of_a_command_is_explained(command):
    """What ``--help`` shows beside an option is its line in the docstring."""
    function = cli.COMMANDS[command]
    told = set(re.findall(r"^ {8}(\w+): \S", function.__doc__, flags=re.MULTILINE))
    assert told == set(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    "command",
    ["", "train", "evaluate", "results", "grid", "compare", "world", "encoders", "inspect"],
)
def test_help_needs_no_torch(command):
    program = (
        "import sys\n"
        "from avqa_core import cli\n"
        "try:\n"
        f"    cli.main([*{[command] if command else []}, '--help'])\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"usage: avqa {command}".rstrip() in done.stdout


def test_choices_of_the_command_line_are_those_of_the_library():
    from typing import get_args

    from avqa_core import losses, presets
    from avqa_core.bandstand.world import QuestionFormat
    from avqa_core.experiments.budgets import BUDGETS
    from avqa_core.profiles import PROFILES
    from avqa_core.training.starting import PARTS

    assert tuple(BUDGETS) == PROFILES
    assert get_args(cli_training.Preset) == get_args(presets.PresetName)
    assert get_args(cli_experiments.Profile) == PROFILES
    assert get_args(cli_training.Size) == get_args(presets.SizeName)
    assert get_args(cli_training.Regime) == get_args(losses.Regime)
    assert get_args(cli_training.PartName) == PARTS
    assert get_args(cli.QuestionFormat) == get_args(QuestionFormat)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_gets_no_traceback(unbuffered):
    command = [sys.executable, "-m", "avqa_core.cli", "audit", "--help"]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 141 and said == ""
