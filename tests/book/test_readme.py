"""What the README prints, runs as printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from avqa_core.profiles import CHECKOUT_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.S | re.M)


def shell(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=os.environ
        | {
            CHECKOUT_VARIABLE: str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_python_quick_start(tmp_path: Path) -> None:
    source, _ = blocks("python")
    assert len([line for line in source.splitlines() if line.strip()]) <= 11
    (tmp_path / "start.py").write_text(source)
    said = shell("python start.py", tmp_path)
    assert "audio_missing" in said


@pytest.mark.slow
def test_the_command_line(tmp_path: Path) -> None:
    first, again, with_kept = [block for block in blocks("bash") if "avqa evaluate" in block]
    assert "audio_missing" in shell(first, tmp_path)
    assert (tmp_path / "build/runs/mine/report.json").is_file()
    _, with_a_trained_run = blocks("python")
    (tmp_path / "ask.py").write_text(with_a_trained_run)
    assert shell("python ask.py", tmp_path).count("'") == 2 * 4, "four answers"
    assert " to " in shell(again, tmp_path).splitlines()[-1], "a difference and its interval"
    (tmp_path / "book").symlink_to(ROOT / "book")
    assert "both_missing" in shell(with_kept, tmp_path)
    assert (tmp_path / "build/runs/fed/checkpoints/best").is_file()


@pytest.mark.slow
def test_the_videos(tmp_path: Path) -> None:
    (source,) = [block for block in blocks("bash") if "avqa ask" in block]
    said = shell(source, tmp_path)
    assert "70000000.mp4: Is there a flute sound?" in said
    assert "scenario: complete" in said
    notes = [line for line in said.splitlines() if line.startswith("note:")]
    assert len(notes) == 1 and "no chances of being right" in notes[0], "and of nothing else"


@pytest.mark.slow
def test_the_page_on_your_own_data(tmp_path: Path) -> None:
    page = (ROOT / "book" / "your_own_data.md").read_text()
    said = "".join(shell(source, tmp_path) for source in blocks("bash", page))
    assert "scenario: visual_missing" in said and "scenario: audio_missing" in said
    assert "questions were answered" in said, "what --at-least says"


@pytest.mark.slow
def test_the_grid(tmp_path: Path) -> None:
    (source,) = [block for block in blocks("bash") if "avqa grid" in block]
    said = shell(source.replace("avqa grid", "avqa grid --list"), tmp_path)
    # two backbones and three completers with three seeds; a run alone is a command
    assert said.count("python") == 3 * 2 * (1 + 3)


@pytest.mark.slow
@pytest.mark.notebook
def test_papermill(tmp_path: Path) -> None:
    (source,) = [block for block in blocks("bash") if "papermill" in block]
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    shell(source, tmp_path)
    assert '"seed = 3' in (tmp_path / "out.ipynb").read_text()


def test_the_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`?make ([a-z-]+)`?", README))
    assert {"book", "test", "lab", "results"} <= named <= targets
