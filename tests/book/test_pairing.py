"""The notebook beside a script: always the same, without outputs, never drifting unseen."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from book.tools import cells, pairing
from book.tools.layout import BookError, Layout


def test_a_generation_is_always_the_same(layout: Layout, chapter: Path) -> None:
    path = chapter.with_suffix(".ipynb")
    before = path.read_bytes()
    path.unlink()
    assert pairing.pair(layout) == [path]
    assert path.read_bytes() == before
    assert pairing.pair(layout) == []
    assert pairing.problems(layout) == []


def test_equal_cells_get_different_ids(chapter: Path) -> None:
    chapter.write_text(chapter.read_text() + "\n# %%\n1\n\n# %%\n1\n")
    ids = [cell.id for cell in cells.from_script(chapter).cells]
    assert len(set(ids)) == len(ids)


def test_a_new_cell_leaves_the_other_ids_alone(chapter: Path) -> None:
    before = [cell.id for cell in cells.from_script(chapter).cells]
    chapter.write_text(chapter.read_text().replace("# %%\ntotal", "# %%\n2 + 2\n\n# %%\ntotal"))
    after = [cell.id for cell in cells.from_script(chapter).cells]
    assert set(before) < set(after)


def test_the_pair_is_a_valid_paired_notebook(chapter: Path) -> None:
    content = json.loads(chapter.with_suffix(".ipynb").read_text())
    nbformat.validate(content)
    assert content["metadata"]["jupytext"] == {"formats": "ipynb,py:percent"}
    assert content["metadata"]["kernelspec"]["name"] == "python3"


def test_an_edit_of_the_script_alone_is_drift(layout: Layout, chapter: Path) -> None:
    chapter.write_text(chapter.read_text().replace("2 * run.steps", "3 * run.steps"))
    (problem,) = pairing.problems(layout)
    assert "3 * run.steps" in problem


def test_stored_output_is_refused(layout: Layout, chapter: Path) -> None:
    path = chapter.with_suffix(".ipynb")
    notebook = cells.read(path)
    cells.code(notebook)[-1]["outputs"] = [nbformat.v4.new_output("stream", text="5")]
    path.write_text(cells.text(notebook))
    assert any("stored output" in problem for problem in pairing.problems(layout))
    pairing.pair(layout)
    assert pairing.problems(layout) == []


def test_a_stored_count_is_refused(layout: Layout, chapter: Path) -> None:
    path = chapter.with_suffix(".ipynb")
    notebook = cells.read(path)
    cells.code(notebook)[-1]["execution_count"] = 3
    path.write_text(cells.text(notebook))
    assert any("stored output" in problem for problem in pairing.problems(layout))


@pytest.mark.parametrize("change", ["ids", "metadata"])
def test_a_foreign_generation_is_noticed(layout: Layout, chapter: Path, change: str) -> None:
    path = chapter.with_suffix(".ipynb")
    notebook = cells.read(path)
    if change == "ids":
        notebook.cells[0]["id"] = "random-id"
    else:
        notebook.metadata.pop("jupytext")
    path.write_text(cells.text(notebook))
    assert len(pairing.problems(layout)) == 1


def test_a_notebook_without_a_script_is_noticed(layout: Layout, chapter: Path) -> None:
    other = layout.notebooks / "02_other.ipynb"
    other.write_bytes(chapter.with_suffix(".ipynb").read_bytes())
    assert ["02_other.ipynb has no script" in one for one in pairing.problems(layout)] == [True]


def test_a_script_without_a_notebook_is_noticed(layout: Layout, chapter: Path) -> None:
    chapter.with_suffix(".ipynb").unlink()
    assert "run 'make pair'" in pairing.problems(layout)[0]


def test_a_script_without_kernelspec_is_refused(chapter: Path) -> None:
    chapter.write_text("# %%\n1\n")
    with pytest.raises(BookError, match="kernelspec"):
        cells.from_script(chapter)


def test_a_script_with_a_broken_header_is_a_typed_error(chapter: Path) -> None:
    chapter.write_text(chapter.read_text().replace("kernelspec:", "kernelspec: ["))
    with pytest.raises(BookError, match=r"01_tiny\.py: expected YAML"):
        cells.from_script(chapter)


def test_no_notebook_is_a_typed_error(tmp_path: Path) -> None:
    broken = tmp_path / "x.ipynb"
    broken.write_text("{")
    with pytest.raises(BookError, match="expected a notebook"):
        cells.read(broken)
    with pytest.raises(BookError, match="expected a notebook"):
        cells.read(tmp_path / "none.ipynb")
