from __future__ import annotations

import json
import subprocess
import sys

import pytest

from avqa_core import cli
from avqa_core.studies import floor_results
from tests.data.samples import make_row, write_rows


@pytest.fixture
def files(tmp_path):
    rows = {
        "fit.json": [("a", "yes"), ("b", "yes"), ("c", "no")],
        "more.json": [("d", "no"), ("e", "no")],
        "test.json": [("a", "yes"), ("f", "no"), ("g", "yes"), ("h", "yes")],
    }
    for name, facts in rows.items():
        made = [
            make_row(question_id=number, video_id=video, anser=answer)
            for number, (video, answer) in enumerate(facts)
        ]
        write_rows(tmp_path / name, made)
    return {name.split(".")[0]: str(tmp_path / name) for name in rows}


def test_the_command_prints_counts_with_intervals_and_writes_them(files, tmp_path, capsys):
    out = tmp_path / "new" / "floors.json"
    arguments = ["floors", "--fit", files["fit"], "--test", files["test"], "--add", files["more"]]
    assert cli.main([*arguments, "--encoder-seeds", "1", "--out", str(out)]) == 0
    printed, shown = capsys.readouterr()
    # yes in three of four; with the added file no is commoner, right in one of four
    words = " ".join(printed.split())
    assert "all 4 3 75.0 [" in words and "all 4 1 25.0 [" in words
    assert "all 4 -50.0 [" in words
    assert "1 videos are in both" in printed and str(out) in printed
    assert "encoder 1" in shown and "encoder 2" in shown
    stored = json.loads(out.read_text())
    assert stored["command"] == (
        "avqa floors --fit fit.json --add more.json --test test.json --encoder-seeds 1"
    )
    assert [one["rows"] for one in stored["files"]] == [3, 2, 4]


def test_without_encoders_only_tables_are_shown(files, capsys):
    arguments = ["floors", "--fit", files["fit"], "--test", files["test"]]
    assert cli.main([*arguments, "--encoder-seeds", "0"]) == 0
    assert "encoder" not in capsys.readouterr().out


def test_a_missing_file_is_one_line_and_exit_code_2(files, capsys):
    assert cli.main(["floors", "--fit", "nowhere.json", "--test", files["test"]]) == 2
    printed, said = capsys.readouterr()
    assert "nowhere.json" in said and "Traceback" not in said and printed == ""


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--encoder-seeds", "-1"], "expected 0 or more, got -1"),
        (["--out", "{folder}"], "got the folder {folder}: name a file in it"),
        (["--out", "{folder}/fit.json/floors.json"], "expected a file to write to"),
    ],
)
def test_what_cannot_be_measured_or_written_is_refused_at_once(
    more, message, files, tmp_path, capsys, monkeypatch
):
    def measure(*_, **__):
        raise AssertionError("refused only after the computation has begun")

    monkeypatch.setattr(floor_results, "measure", measure)
    more = [one.format(folder=tmp_path) for one in more]
    assert cli.main(["floors", "--fit", files["fit"], "--test", files["test"], *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {more[0]}: ") and message.format(folder=tmp_path) in line


def test_help_needs_no_torch_and_explains_every_argument():
    program = (
        "import sys\n"
        "from avqa_core import cli\n"
        "try:\n"
        "    cli.main(['floors', '--help'])\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for option in ("--fit", "--test", "--add", "--encoder-seeds", "--out"):
        assert option in done.stdout
