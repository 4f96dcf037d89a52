"""Multiple choice from files to answers: through the command line, and until it is learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avqa_core import bounds, cli, commands
from avqa_core.backbones import backbones
from avqa_core.bandstand import calibration
from avqa_core.data.folder import DataFolder
from avqa_core.evaluation import evaluate
from avqa_core.losses import ObjectiveConfig
from avqa_core.presets import preset
from avqa_core.report import Report
from avqa_core.training.loop import TrainConfig, Trainer
from tests.training.worlds import INSTRUMENTS, multiple_choice, write_world

TINY = ["--size", "tiny", "--steps", "3", "--batch-size", "12", "--device", "cpu"]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("choice") / "world", ask=multiple_choice)


@pytest.fixture(scope="module")
def run(world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("choice") / "run"
    assert cli.main(["train", "--data", str(world), "--out", str(out), *TINY]) == 0
    return out


def test_the_commands_need_no_telling(world, run, capsys):
    arguments = ["--run", str(run), "--data", str(world), "--device", "cpu", "--keep-answers"]
    assert cli.main(["evaluate", *arguments]) == 0
    report = Report.load(run / "report.json")
    # 8 clips with three questions each, of three of AVQA's types, in the order of its tables.
    rows = report.select("complete")
    assert [(row.kind, row.total) for row in rows] == [("Which", 8), ("Come From", 8), ("Where", 8)]
    assert report.table() in capsys.readouterr().out
    # Guessing is the least that a floor can be.
    assert all(row.floor is not None and row.floor >= 0.25 for row in report.rows)
    said = {word for one in report.answered for word in one.predicted}
    assert said <= {*INSTRUMENTS, "slide whistle"}
    assert cli.main(["inspect", str(run)]) == 0
    assert "num_answers 0" in capsys.readouterr().out


def test_inspecting_data_tells_types_and_places(world, capsys):
    assert cli.main(["inspect", str(world)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "test: 24 questions about 8 clips" in lines
    assert "  AVQA Where: 8 (33.3 %)" in lines
    assert "  a candidate twice: none" in lines
    assert "  unknown keys: none" in lines
    assert not any("MUSIC-AVQA does not have" in line for line in lines)


def test_inspecting_a_file_counts_the_right_places_and_repeated_candidates(world, tmp_path, capsys):
    rows = json.loads((world / "json" / "avqa-val.json").read_text())[:3]
    for row, place in zip(rows, (0, 3, 3), strict=True):
        row["answer"] = place
    rows[1]["multi_choice"] = ["a", "b", "a", "c"]
    rows[2]["extra"] = 1
    (tmp_path / "q.json").write_text(json.dumps(rows))
    assert cli.main(["inspect", str(tmp_path / "q.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {
        "right candidate: no. 1 1, no. 4 2",
        "a candidate twice: 1 question",
        "unknown keys: extra (1 rows)",
    } <= set(lines)


def test_a_run_of_another_data_set_is_refused(world, run, tmp_path, capsys):
    other = write_world(tmp_path / "other")
    arguments = ["--run", str(run), "--device", "cpu"]
    assert cli.main(["evaluate", *arguments, "--data", str(other)]) == 2
    assert "expected candidates beside the question" in capsys.readouterr().err


@pytest.mark.parametrize(
    "backbone",
    [pytest.param(one, marks=[] if one == "avst" else pytest.mark.slow) for one in backbones],
)
def test_it_is_learned_until_clearly_above_what_candidates_alone_give(world, backbone):
    """A clip is of one of three instruments; the fourth candidate is never right."""
    data = DataFolder(world)
    parts = [f"backbone={backbone}", "completer=zeros", "enhancer=identity"]
    model, objective, training = commands.compose(
        preset("recommended", "tiny"),
        ObjectiveConfig(regime="plain"),
        TrainConfig(num_steps=150, batch_size=24, learning_rate=3e-3, device="cpu"),
        parts,
        "tiny",
    )
    trainer = Trainer(training, model=model, objective=objective, train=data.dataset("train"))
    for _ in trainer.run():
        pass
    report = evaluate(trainer.model, data.dataset("test"), ["complete"], seed=0)
    floors = bounds.floors(data, "test")
    assert max(floors.values()) < 0.6
    assert report.accuracy("complete") > 0.8


@pytest.mark.slow
def test_bandstand_with_four_candidates_from_world_to_film(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(calibration, "NUM_REFERENCE_SCENES", 400)
    data, out = tmp_path / "world", tmp_path / "run"
    command = ["world", "--out", str(data), "--clips", "11", "--format", "avqa", "--video"]
    assert cli.main([*command, "--workers", "1"]) == 0
    arguments = ["--data", str(data)]
    assert cli.main(["train", *arguments, "--out", str(out), *TINY]) == 0
    assert cli.main(["evaluate", *arguments, "--run", str(out), "--device", "cpu"]) == 0
    report = Report.load(out / "report.json")
    assert report.total("complete").tally.total == len(DataFolder(data).examples("test"))
    film = str(data / "media" / "70000000.mp4")
    question = [film, "What kind of instrument is the leftest instrument?", "--run", str(out)]
    capsys.readouterr()
    candidates = ["--candidates", "acoustic guitar", "tuba", "erhu", "flute"]
    assert cli.main(["ask", *question, *candidates, "--device", "cpu"]) == 0
    said = capsys.readouterr().out.splitlines()
    shares = {line.split("%")[1].strip(): float(line.split()[0]) for line in said if " %  " in line}
    assert set(shares) == {"acoustic guitar", "tuba", "erhu", "flute"}
    assert sum(shares.values()) == pytest.approx(100, abs=0.3)
    assert cli.main(["ask", *question, "--device", "cpu"]) == 2
    assert "--candidates: expected two or more" in capsys.readouterr().err
