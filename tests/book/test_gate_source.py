"""Every rule about a chapter's source, each shown to catch a planted fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from avqa_core.errors import AvqaError
from book.tools import gate_source, pairing, parameters
from book.tools.layout import BookError, Layout


def test_a_good_chapter_passes(layout: Layout) -> None:
    assert gate_source.problems(layout) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# # What does", "# ## What does", "one level-1 heading"),
        ("# # What does a tiny chapter show?", "# # " + "long " * 13, "at most 60"),
        ("# ## It adds up", "# # It adds up", "one level-1 heading"),
        ("# ## It adds up", "# #### It adds up", "jumps from level"),
        ('# %% tags=["parameters"]', "# %%", "got 0"),
        ("steps = None", "steps = 2 * 3", "more than literals"),
        ("steps = None", "steps = (", "more than literals"),
        ("steps = None", "steps = {[]: 1}", "more than literals"),
        ("    steps=steps,\n", "", "does not get steps=steps"),
        ("steps=steps", "steps=seed", "does not get steps=steps"),
        ("    profile,\n    seed=seed", "    seed=seed", "does not get profile=profile"),
        ('"01_tiny",', '"02_other",', "is of '02_other': name this chapter"),
        ("# %%\nfrom avqa_core", "# %%\n1\n\n# %%\nfrom avqa_core", "profiles.resolve"),
        ("total\n", "total\n" + "total\n" * 30, "at most 25"),
        ("# $1 + 1 = 2$", "# " + "word " * 130, "at most 120"),
        ("total = run.seed", "open('/etc/passwd/x')\ntotal = run.seed", "absolute path"),
        ("total = run.seed", "!pip install x\ntotal = run.seed", "installation"),
        ("total = run.seed", "import urllib.request\ntotal = run.seed", "network"),
        ("total = run.seed", "np.random.seed(0)\ntotal = run.seed", "global random state"),
        ("total = run.seed", "random.shuffle(x)\ntotal = run.seed", "global random state"),
        ("total = run.seed", "np.random.normal()\ntotal = run.seed", "global random state"),
        ("total = run.seed", "np.random.default_rng()\ntotal = run.seed", "without a seed"),
        ("# $1 + 1 = 2$", "# It answers 81.4 %", "typed result, '81.4 %'"),
        ("# %%\ntotal =", '# %% mystnb={"image": {"alt": "1.5 points"}}\ntotal =', "'1.5 points'"),
        ("at most 20 s", "at most 10 s", "does not promise '20 s'"),
        ("at most 20 s", "at most 120 s", "does not promise '20 s'"),
        ("At a glance", "In short", "one box 'At a glance'"),
        ("device = None", "devise = None", "'device' is not declared"),
        ("steps = None", "stops = None", "differ in 'steps'"),
    ],
)
def test_a_fault_is_found(layout: Layout, edit, old: str, new: str, said: str) -> None:
    edit(old, new)
    try:
        found = gate_source.problems(layout)
    except AvqaError as error:
        found = [str(error)]
    assert any(said in problem for problem in found), found


def test_too_many_cells_are_found(layout: Layout, chapter: Path) -> None:
    chapter.write_text(chapter.read_text() + "\n# %%\n1\n" * 40)
    pairing.pair(layout)
    assert any("at most 40" in problem for problem in gate_source.problems(layout))


def test_too_many_imports_are_found(layout: Layout, edit) -> None:
    imports = "\n".join(f"import module_{number}" for number in range(13))
    edit("total = run.seed", f"{imports}\ntotal = run.seed")
    assert any("imports 13 times, at most 12" in one for one in gate_source.problems(layout))


@pytest.mark.parametrize("profile", ["smoke", "full"])
def test_every_profile_has_to_have_a_budget(layout: Layout, profile: str) -> None:
    table = layout.notebooks / "profiles" / "01_tiny.yml"
    table.write_text(table.read_text().replace(f"{profile}: 60", f"{profile}: 0"))
    with pytest.raises(AvqaError, match=f"budget_seconds for profile '{profile}'"):
        gate_source.problems(layout)


def test_the_tables_of_all_profiles_are_looked_at(layout: Layout) -> None:
    table = layout.notebooks / "profiles" / "01_tiny.yml"
    table.write_text(table.read_text().replace("full: {steps: 8}", "full: {stops: 8}"))
    found = gate_source.problems(layout)
    assert [one.split(" and ")[0] for one in found] == ["01_tiny: profile full"] * 2


def test_a_formula_counts_as_one_word(layout: Layout, edit) -> None:
    edit("# $1 + 1 = 2$", "# $" + "a + " * 130 + "a$")
    assert gate_source.problems(layout) == []


def test_bars_of_a_table_are_no_words(layout: Layout, edit) -> None:
    edit("# $1 + 1 = 2$", "# " + "| " * 130)
    assert gate_source.problems(layout) == []


def test_a_chapter_missing_from_the_contents_is_found(layout: Layout, chapter: Path) -> None:
    (layout.notebooks / "02_more.py").write_text(chapter.read_text())
    with pytest.raises(BookError, match="02_more"):
        gate_source.problems(layout)


def test_contents_that_are_no_yaml_are_a_typed_error(layout: Layout) -> None:
    (layout.root / "_toc.yml").write_text("root: book/intro\n  chapters: [")
    with pytest.raises(BookError, match=r"_toc\.yml: expected YAML"):
        gate_source.problems(layout)


def test_an_unknown_parameter_stops_the_run(layout: Layout, chapter: Path) -> None:
    notebook = pairing.convert(layout, chapter)
    parameters.check(notebook, {"steps": 3})
    with pytest.raises(BookError, match="did you mean 'steps'"):
        parameters.check(notebook, {"stepps": 3})


def test_a_missing_tag_stops_the_run(layout: Layout, chapter: Path, edit) -> None:
    edit('# %% tags=["parameters"]', "# %%")
    with pytest.raises(BookError, match="one cell tagged 'parameters', got 0"):
        parameters.check(pairing.convert(layout, chapter), {"steps": 3})


def test_the_profile_gives_its_own_and_the_shared_values(layout: Layout) -> None:
    assert parameters.of_profile("01_tiny", "smoke") == {
        "profile": "smoke",
        "seed": 1,
        "num_seeds": 2,
        "device": "cpu",
        "steps": 2,
    }
