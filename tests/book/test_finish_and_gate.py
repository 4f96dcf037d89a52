"""A finished notebook is fit for the page; every fault of an executed one is caught."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from book.tools import __main__ as book_tools
from book.tools import cells, expect, finish, gate_notebook
from book.tools.layout import BookError, Layout

GIVEN = {"profile": "smoke", "seed": 1, "num_seeds": 2, "device": "cpu", "steps": 2}
PICTURE = {"image/png": "iVBORw0KGgo="}
GOOD_FIGURE = {
    "figure": {"caption": "It rises.", "name": "fig-rise"},
    "image": {"alt": "Line plot that rises."},
}


def executed(script: Path) -> NotebookNode:
    """What papermill would leave behind, without the seconds that a kernel takes."""
    notebook = cells.from_script(script)
    for number, cell in enumerate(cells.code(notebook), start=1):
        cell.execution_count = number
        cell.metadata["papermill"] = {"duration": 0.1}
        cell.metadata["execution"] = {"iopub.execute_input": "now"}
    assignments = "\n".join(f"{name} = {value!r}" for name, value in GIVEN.items())
    injected = nbformat.v4.new_code_cell(
        f"# Parameters\n{assignments}\n",
        metadata={"tags": [cells.INJECTED], "papermill": {"duration": 0.0}},
        execution_count=9,
    )
    notebook.cells.insert(3, injected)
    notebook.metadata["papermill"] = {"duration": 1.0}
    notebook.metadata["widgets"] = {"state": {}}
    return notebook


@pytest.fixture
def page(layout: Layout, chapter: Path) -> NotebookNode:
    facts = finish.facts(chapter, GIVEN, seconds=1.2, mark="abc", cpu_seconds=0.6, slowness=1.5)
    return finish.finished(executed(chapter), facts)


@pytest.fixture
def problems(layout: Layout, page: NotebookNode) -> Callable[[], list[str]]:
    """Return a function that stores the page and asks the gate about it."""

    def ask() -> list[str]:
        cells.write(page, layout.executed("smoke") / "01_tiny.ipynb")
        return gate_notebook.problems(layout, "smoke")

    return ask


def last_code(page: NotebookNode) -> NotebookNode:
    return cells.code(page)[-1]


def show(page: NotebookNode, data: dict, settings: dict | None = None) -> None:
    """Let the last code cell show something."""
    cell = last_code(page)
    cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    if settings is not None:
        cell.metadata["mystnb"] = settings


def test_run_time_metadata_is_gone(page: NotebookNode) -> None:
    assert not {"papermill", "widgets"} & set(page.metadata)
    assert not any({"papermill", "execution"} & set(cell.metadata) for cell in page.cells)
    nbformat.validate(page)


def test_the_first_parameters_are_folded_and_the_injected_ones_announced(
    page: NotebookNode,
) -> None:
    (original,) = cells.tagged(page, cells.PARAMETERS)
    (injected,) = cells.tagged(page, cells.INJECTED)
    assert "hide-cell" in cells.tags(original)
    assert "hide-cell" not in cells.tags(injected)
    before = page.cells[page.cells.index(injected) - 1]
    assert before.source == finish.INJECTED_NOTE


def test_finishing_leaves_its_input_alone(layout: Layout, chapter: Path) -> None:
    notebook = executed(chapter)
    before = nbformat.writes(notebook)
    finish.finished(notebook, finish.facts(chapter, GIVEN, 1.0, "abc", 1.0, 1.0))
    assert nbformat.writes(notebook) == before


def test_the_footer_says_what_made_the_page(page: NotebookNode) -> None:
    footer = page.cells[-1].source
    for row in (
        "| profile | smoke |",
        "| seeds | 1, 2 |",
        "| time | 1 s, of the processor 1 s |",
        "| machine | 1.5 times as slow as the one that budgets are for |",
        "| made from |",
    ):
        assert row in footer


def test_a_good_page_passes(problems) -> None:
    assert problems() == []


def test_a_chapter_that_was_not_run_is_found(layout: Layout) -> None:
    assert "not executed under smoke" in gate_notebook.problems(layout, "smoke")[0]


def test_an_unexecuted_cell_is_found(page, problems) -> None:
    last_code(page).execution_count = None
    assert "never executed" in problems()[0]


def test_a_stored_error_is_found(page, problems) -> None:
    last_code(page).outputs = [
        nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    ]
    assert "stores an error, ValueError" in problems()[0]


def test_a_visible_warning_is_found(page, problems) -> None:
    last_code(page).outputs = [nbformat.v4.new_output("stream", name="stderr", text="old!")]
    assert "stderr" in problems()[0]


def test_widget_state_is_found(page, problems) -> None:
    page.metadata["widgets"] = {}
    assert "widget state" in problems()[0]


def test_a_described_picture_passes(page, problems) -> None:
    show(page, PICTURE, GOOD_FIGURE)
    assert problems() == []


@pytest.mark.parametrize(
    ("group", "key", "value", "said"),
    [
        ("figure", "caption", "", "without caption"),
        ("figure", "name", "", "without name"),
        ("image", "alt", "", "without alt text"),
        ("image", "alt", "It rises.", "repeats the caption"),
        ("image", "alt", "plot_1.png", "file name"),
    ],
)
def test_a_badly_described_picture_is_found(page, problems, group, key, value, said) -> None:
    settings = json.loads(json.dumps(GOOD_FIGURE))
    settings[group][key] = value
    show(page, PICTURE, settings)
    assert any(said in problem for problem in problems())


@pytest.mark.parametrize(
    ("html", "good"),
    [
        ('<img src="a.png" alt="A stage.">', True),
        ('<img src="a.png" alt="">', True),
        ('<img src="a.png">', False),
        ('<img src="a.png" alt="a.png">', False),
    ],
)
def test_pictures_within_html_are_looked_at(page, problems, html: str, good: bool) -> None:
    show(page, {"text/html": html, **PICTURE})
    assert (problems() == []) == good


def test_a_figure_name_used_twice_is_found(page, problems) -> None:
    show(page, PICTURE, GOOD_FIGURE)
    cells.code(page)[0].metadata["mystnb"] = GOOD_FIGURE
    assert any("used twice" in problem for problem in problems())


def test_a_large_output_is_found(page, problems) -> None:
    show(page, {"text/plain": "x" * (gate_notebook.OUTPUT_BYTES + 1)})
    assert any("at most 1000000" in problem for problem in problems())


def test_other_parameters_than_the_profile_gave_are_found(page, problems) -> None:
    (injected,) = cells.tagged(page, cells.INJECTED)
    injected.source = injected.source.replace("steps = 2", "steps = 20")
    assert "injected parameters" in problems()[0]


def test_a_page_without_the_parameters_of_its_run_is_found(page, problems) -> None:
    page.cells.remove(*cells.tagged(page, cells.INJECTED))
    assert "injected parameters" in problems()[0]


def test_a_page_that_was_not_finished_is_found(page, problems) -> None:
    del page.metadata["avqa"]
    assert any("no provenance" in problem for problem in problems())


def test_a_large_notebook_is_found(page, problems) -> None:
    almost = "x" * (gate_notebook.OUTPUT_BYTES - 1000)
    last_code(page).outputs = [nbformat.v4.new_output("stream", text=almost) for _ in range(6)]
    (problem,) = problems()
    assert "at most 5000000: show less" in problem


def test_a_page_of_another_profile_is_found(page, problems) -> None:
    page.metadata["avqa"]["profile"] = "book"
    assert "instead of 'smoke'" in problems()[0]


def test_a_page_of_another_version_of_its_script_is_found(problems, edit) -> None:
    edit("# ## It adds up", "# ## It multiplies")
    assert problems() == ["01_tiny: was executed from another version of its script: run it again"]


def test_a_number_that_is_none_is_found(page, problems) -> None:
    glue(page, "accuracy", "nan")
    assert problems() == [
        "01_tiny: glues nan as 'accuracy', which the text would show: find out why"
    ]


def test_a_broken_promise_of_time_is_told_and_spoils_no_page(page, layout, problems) -> None:
    page.metadata["avqa"] |= {"seconds": 62.0, "cpu_seconds": 61.0, "slowness": 1.0}
    assert problems() == []
    assert "promised at most 60 s" in gate_notebook.slow(layout, "smoke")[0]


def test_a_slow_machine_has_more_seconds_and_a_fast_one_no_fewer(page, layout, problems) -> None:
    def told(seconds: float, slowness: float) -> list[str]:
        page.metadata["avqa"] |= dict.fromkeys(("seconds", "cpu_seconds"), seconds)
        page.metadata["avqa"]["slowness"] = slowness
        assert problems() == []
        return gate_notebook.slow(layout, "smoke")

    assert told(seconds=62, slowness=1.1) == []
    assert "promised at most 60 s, on this slower machine 66 s" in told(67, slowness=1.1)[0]
    assert told(seconds=59, slowness=0.5) == []


def test_a_busy_machine_breaks_no_promise(page, layout, problems) -> None:
    page.metadata["avqa"] |= {"seconds": 200.0, "cpu_seconds": 20.0, "slowness": 1.0}
    assert problems() == []
    assert gate_notebook.slow(layout, "smoke") == []


@pytest.mark.parametrize(
    "told, is_ours", [("1", True), ("true", True), ("", False), ("0", False), ("false", False)]
)
def test_a_broken_promise_stops_our_machines_and_not_a_readers(
    page, layout, problems, monkeypatch, capsys, told, is_ours
) -> None:
    page.metadata["avqa"] |= {"seconds": 62.0, "cpu_seconds": 61.0, "slowness": 1.0}
    assert problems() == []
    monkeypatch.setenv("CI", told)
    given = argparse.Namespace(profile="smoke")
    if is_ours:
        with pytest.raises(BookError, match="promised at most 60 s"):
            book_tools.STEPS["gate"][0](layout, given)
    else:
        book_tools.STEPS["gate"][0](layout, given)
        assert "a note: 01_tiny: took 61 s" in capsys.readouterr().out


def glue(page: NotebookNode, name: str, text: str) -> None:
    last_code(page).outputs.append(
        nbformat.v4.new_output(
            "display_data",
            data={"application/papermill.record/text/plain": text},
            metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}},
        )
    )


def test_stored_expectations_have_to_be_met(layout: Layout, page, problems) -> None:
    glue(page, "accuracy", "50.0")
    glue(page, "label", "'zeros'")
    glue(page, "spread", "0.0")
    for of_a_clock in ("plain_seconds", "wait_zeros"):
        glue(page, of_a_clock, "3.0")
    assert problems() == []
    path = expect.store(layout, "01_tiny", "smoke", tolerance=0.1)
    assert json.loads(path.read_text())["values"] == {
        "accuracy": {"value": 50.0, "tolerance": 5.0},
        "spread": {"value": 0.0, "tolerance": expect.LEAST_TOLERANCE},
    }
    assert problems() == []
    last_code(page).outputs[0].data["application/papermill.record/text/plain"] = "55.5"
    assert "accuracy is 55.5, expected 50.0 ± 5.0" in problems()[0]
    last_code(page).outputs[0].data["application/papermill.record/text/plain"] = "nan"
    assert any("accuracy is nan" in problem for problem in problems())
    with pytest.raises(BookError, match="expected finite numbers"):
        expect.store(layout, "01_tiny", "smoke", tolerance=0.1)
    last_code(page).outputs = []
    assert "accuracy is None" in problems()[0]


def test_nothing_to_expect_is_an_error(layout: Layout, problems) -> None:
    problems()
    with pytest.raises(BookError, match="expected glued numbers"):
        expect.store(layout, "01_tiny", "smoke", tolerance=0.1)


def test_a_page_whose_media_are_gone_counts_as_not_made(layout: Layout, chapter: Path) -> None:
    given = GIVEN | {"out_dir": str(layout.root / "out")}
    media = layout.root / "out" / "01_tiny_media"
    media.mkdir(parents=True)
    for name in ("a.mp3", "b.webp"):
        (media / name).write_bytes(b"sound")
    facts = finish.facts(chapter, given, 1.0, "abc", 1.0, 1.0)
    assert facts.media == ["a.mp3", "b.webp"]
    path = layout.executed("smoke") / "01_tiny.ipynb"
    cells.write(finish.finished(executed(chapter), facts), path)
    assert finish.mark_of(path) == "abc"
    (media / "a.mp3").unlink()
    assert finish.mark_of(path) is None
    assert finish.mark_of(layout.root / "none.ipynb") is None
