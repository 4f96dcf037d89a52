"""The steps together, on a book in miniature; the slow ones start kernels and the page builder."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from book.tools import cells, gate_html, gate_notebook, run
from book.tools.__main__ import main
from book.tools.alone import alone
from book.tools.layout import BookError, Layout


def step(layout: Layout, *arguments: str) -> int:
    return main([*arguments, "--root", str(layout.root), "--profile", "smoke"])


def test_problems_are_one_message_and_exit_code_two(layout: Layout, edit, capsys) -> None:
    edit("steps = None", "stops = None")
    assert step(layout, "check") == 2
    said = capsys.readouterr().err
    assert said.startswith("error: check: ")
    assert "'steps'" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "09"), "expected a chapter, one of 01_tiny"),
        (("run", "-p", "stepps=3"), "did you mean 'steps'"),
        (("run", "-p", "steps"), "expected -p NAME=VALUE"),
        (("run", "--jobs", "0"), "--jobs: expected at least 1"),
        (("stage",), "run 'python -m book.tools run 01_tiny' first"),
    ],
)
def test_bad_requests_start_nothing(layout: Layout, capsys, arguments, said: str) -> None:
    assert step(layout, *arguments) == 2
    assert said in capsys.readouterr().err
    assert not layout.executed("smoke").exists()


def test_a_process_that_dies_is_told_with_its_chapter() -> None:
    future: Future = Future()
    future.set_exception(BrokenProcessPool("a process was killed"))
    outcomes = [run._outcome("01_tiny", future), run.Outcome("02_other", 1.0)]
    with pytest.raises(BookError, match="01_tiny: BrokenProcessPool: a process was killed"):
        run.report(iter(outcomes))


def test_media_of_an_earlier_run_do_not_outlive_it(layout: Layout, chapter: Path) -> None:
    given = {"profile": "smoke", "out_dir": str(layout.root / "out")}
    job = run.Job(layout.root, chapter, "smoke", given, "mark", threads=1)
    of_more_cards = layout.root / "out" / "01_tiny_media" / "fourth.mp3"
    for path in (of_more_cards, job.finished):
        path.parent.mkdir(parents=True)
        path.write_text("from an earlier run")
    run._forget(job)
    assert not of_more_cards.exists()
    assert not job.finished.exists()


def test_a_cell_may_take_what_its_chapter_promises(layout: Layout, chapter: Path) -> None:
    job = run.Job(layout.root, chapter, "full", {"profile": "full"}, "mark", threads=1)
    assert run._cell_limit(job) == run.CELL_LIMIT_SECONDS
    table = layout.notebooks / "profiles" / "01_tiny.yml"
    table.write_text(table.read_text().replace("full: 60", "full: 7200"))
    assert run._cell_limit(job) == 14400


def test_whatever_a_page_shows_decides_whether_it_is_made_again(
    layout: Layout, chapter: Path, edit, monkeypatch
) -> None:
    def mark(**given) -> str:
        return run._job(layout, chapter, "smoke", given).mark

    marks = [mark(), mark(steps=3)]
    (layout.results / "main.json").write_text("{}")
    marks.append(mark())
    edit("total\n", "total + 1\n")
    marks.append(mark())
    monkeypatch.setattr(run.fingerprint, "of_package", lambda: "another package")
    marks.append(mark())
    monkeypatch.setattr(run, "version", lambda name: "9.9" if name == "matplotlib" else "1.0")
    marks += [mark(), mark()]
    assert len(set(marks)) == len(marks) - 1, "all but the last, before which nothing changed"


def test_a_given_value_wins_over_the_profile(layout: Layout, chapter: Path) -> None:
    assert run._job(layout, chapter, "smoke", {"steps": 3}).given["steps"] == 3


@pytest.fixture
def jobs(layout: Layout, chapter: Path, monkeypatch) -> list[run.Job]:
    """Return the jobs in the order in which a pool gets them; a second chapter takes longer."""
    more, profiles = layout.notebooks / "02_more.py", layout.notebooks / "profiles"
    more.write_text(chapter.read_text().replace("01_tiny", "02_more"))
    table = (profiles / "01_tiny.yml").read_text()
    (profiles / "02_more.yml").write_text(table.replace("smoke: 60", "smoke: 90"))
    given: list[run.Job] = []

    class Pool:
        def __init__(self, *_) -> None: ...

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_) -> None: ...

        def submit(self, _, job: run.Job) -> Future:
            given.append(job)
            done: Future = Future()
            done.set_result(run.Outcome(job.script.stem, 1.0))
            return done

    monkeypatch.setattr(run, "ProcessPoolExecutor", Pool)
    return given


def test_the_longest_chapter_starts_first_and_each_has_a_core(layout: Layout, jobs) -> None:
    assert {one.chapter for one in run.run(layout, "smoke")} == {"01_tiny", "02_more"}
    assert [job.script.stem for job in jobs] == ["02_more", "01_tiny"]
    assert {job.threads for job in jobs} == {1}


def test_a_chapter_alone_has_all_cores(layout: Layout, jobs, monkeypatch) -> None:
    monkeypatch.setattr(run.os, "cpu_count", lambda: 6)
    list(run.run(layout, "smoke", ["01"]))
    assert [job.threads for job in jobs] == [6]


@pytest.mark.parametrize("name", ["gate", "gate-html"])
def test_a_gate_that_finds_something_stops_the_machine(
    layout: Layout, monkeypatch, capsys, name: str
) -> None:
    gate = {"gate": gate_notebook, "gate-html": gate_html}[name]
    monkeypatch.setattr(gate, "problems", lambda *_: ["01_tiny: shows nothing"])
    monkeypatch.delenv("CI", raising=False)
    assert step(layout, name) == 2
    assert f"error: {name}: 1 problem(s)\n  - 01_tiny: shows nothing" in capsys.readouterr().err


def test_a_release_stops_at_a_readme_that_shows_no_results(layout: Layout, capsys) -> None:
    assert step(layout, "fresh") == 2
    assert "expected the README of the book" in capsys.readouterr().err


def test_a_stopped_machine_says_how_to_go_on(layout: Layout, monkeypatch, capsys) -> None:
    def stopped(*_) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(gate_html, "problems", stopped)
    assert step(layout, "gate-html") == 130
    assert "goes on where it stopped" in capsys.readouterr().err


def test_a_second_process_waits_for_the_first(layout: Layout, capsys) -> None:
    layout.html.mkdir(parents=True)
    layout.told_profile.write_text("smoke\n")
    second = threading.Thread(target=step, args=(layout, "zip"))
    with alone(layout):
        second.start()
        second.join(0.5)
        assert second.is_alive()
        assert "waiting: another process" in capsys.readouterr().out
    second.join(60)
    assert "zip: build/missing-avqa-book-smoke.zip" in capsys.readouterr().out


def test_a_chapter_is_found_by_name_or_number(layout: Layout, chapter: Path) -> None:
    assert {layout.chapter(name) for name in ("01", "tiny", "01_tiny")} == {chapter}
    with pytest.raises(BookError, match="expected a chapter"):
        layout.chapter("02")


@pytest.mark.notebook
@pytest.mark.slow
def test_a_chapter_runs_once_and_again_after_a_change(layout: Layout, edit) -> None:
    def outcomes(**more):
        return [(one.chapter, one.skipped, one.error) for one in run.run(layout, "smoke", **more)]

    assert outcomes() == [("01_tiny", False, None)]
    assert outcomes() == [("01_tiny", True, None)]
    page = cells.read(layout.executed("smoke") / "01_tiny.ipynb")
    assert page.cells[-3].outputs[0].data["text/plain"] == "5"
    assert outcomes(overrides={"steps": 10}) == [("01_tiny", False, None)]
    page = cells.read(layout.executed("smoke") / "01_tiny.ipynb")
    assert page.cells[-3].outputs[0].data["text/plain"] == "21"
    edit("total\n", "1 / 0\n")
    ((_, skipped, error),) = outcomes()
    assert not skipped
    assert "ZeroDivisionError: division by zero" in error
    assert error.startswith("cell 4 ('total = run.seed")
    assert not (layout.executed("smoke") / "01_tiny.ipynb").exists()


@pytest.mark.notebook
@pytest.mark.slow
def test_the_whole_machine_and_what_stops_it(layout: Layout, edit, capsys) -> None:
    (layout.results / "old.json").write_text("{}")
    assert step(layout, "all") == 0, capsys.readouterr().err
    page = (layout.html / "notebooks" / "01_tiny.html").read_text()
    assert "Some stored results are older" in page
    assert "mathjax/tex-svg-full.js" in page
    assert "Provenance of this page" in page
    offered = json.loads((layout.html / "_sources/notebooks/01_tiny.ipynb").read_text())
    assert "{term}" not in json.dumps(offered)
    assert step(layout, "zip") == 0
    assert step(layout, "fresh") == 2
    edit("{term}`sum`", "{term}`difference`")
    assert step(layout, "run") == 0
    assert step(layout, "stage") == 0
    assert step(layout, "build") == 2
    assert "difference" in capsys.readouterr().err
