"""The commands about data: what they say, and what goes wrong in one line."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from avqa_core import cli
from avqa_core.features.clip_files import ClipFile
from tests.data.npy_folders import content, packed, picture_path, sound_path, write_folder
from tests.data.samples import make_row, write_rows


def test_a_name_of_any_bytes_is_told(tmp_path, capsys):
    folder = write_folder(tmp_path / "npy")
    with open(os.fsencode(folder / "vggish") + b"/\xff\x1b[31m.npy", "wb"):
        pass
    assert cli.main(["pack", str(folder), "--out", str(tmp_path / "store")]) == 0
    assert "skipped, no clip id: 1 clip (\\udcff\\x1b[31m)" in capsys.readouterr().out
    assert cli.main(["inspect", str(tmp_path / "store")]) == 0
    assert "skipped, no clip id: 1 clip (\\udcff\\x1b[31m)" in capsys.readouterr().out


def test_the_command_reports_what_it_did(tmp_path, capsys):
    folder = write_folder(tmp_path / "npy")
    picture_path(folder, "c0").unlink()
    os.truncate(sound_path(folder, "c1"), 300)
    questions = write_rows(tmp_path / "q.json", [make_row(video_id=f"c{n}") for n in range(4)])
    out = tmp_path / "store"
    arguments = ["pack", str(folder), "--out", str(out), "--questions", str(questions)]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"2 clips in {out}"
    assert "no visual: 1 clip (c0)" in said
    assert "skipped, truncated: 1 clip (c1)" in said
    assert "asked about, but without any file: 1 clip (c3)" in said
    # c0 has its sound of 1088 bytes, c2 that and a picture of 2048; of each a sixth of the seconds
    # is kept at half the size, 80 + 80 + 160 bytes: 4224 / 320 = 13.2.
    assert said[-2] == "4.22 kB in, 320 B out: 13.2 times smaller"
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"2 clips in {out}, 2 of them before"


def test_a_clip_that_has_more_files_than_when_it_was_packed_is_told(tmp_path, capsys):
    folder = write_folder(tmp_path / "npy")
    later = picture_path(folder, "c1").rename(tmp_path / "c1.npy")
    arguments = ["pack", str(folder), "--out", str(tmp_path / "store")]
    assert cli.main(arguments) == 0
    assert "packed earlier" not in capsys.readouterr().out
    later.rename(picture_path(folder, "c1"))
    assert cli.main(arguments) == 0
    told = "packed earlier with fewer files than there are now: 1 clip (c1); pack into a new folder"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["{nowhere}", "--out", "{out}"],
        ["{npy}", "--out", "{out}", "--visual", "res18"],
        ["{npy}", "--out", "{out}", "--segments", "7"],
        ["{npy}", "--out", "{out}", "--extra", "patches"],
        ["{npy}", "--out", "{out}", "--questions", "{nowhere}"],
        ["{npy}", "--out", "{file}"],
        ["{npy}", "--out", "{damaged}"],
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, arguments):
    (tmp_path / "file").write_text("")
    packed(write_folder(tmp_path / "npy"), tmp_path / "damaged")
    (tmp_path / "damaged" / "journal.jsonl").write_text("{}\n")
    places = {one: tmp_path / one for one in ("nowhere", "npy", "out", "file", "damaged")}
    assert cli.main(["pack", *(one.format(**places) for one in arguments)]) == 2
    lines = [one for one in capsys.readouterr().err.splitlines() if one and "clip/s" not in one]
    assert len(lines) == 1 and lines[0].startswith("error: ") and "expected" in lines[0]


def test_help_needs_no_torch():
    program = (
        "import sys\n"
        "from avqa_core import cli\n"
        "try:\n"
        "    cli.main(['pack', '--help'])\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage: avqa pack" in done.stdout


def test_an_interruption_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    folder, real = write_folder(tmp_path / "npy"), ClipFile.read

    def interrupted(self, seconds):
        if self.path == sound_path(folder, "c1"):
            raise KeyboardInterrupt
        return real(self, seconds)

    arguments = ["pack", str(folder), "--out", str(tmp_path / "store")]
    with monkeypatch.context() as patched:
        patched.setattr(ClipFile, "read", interrupted)
        assert cli.main(arguments) == 130
    assert "the same command goes on where this stopped" in capsys.readouterr().err
    assert cli.main(arguments) == 0
    assert "3 clips in" in capsys.readouterr().out
    packed(folder, tmp_path / "whole")
    assert content(tmp_path / "store") == content(tmp_path / "whole")
