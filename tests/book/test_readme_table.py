"""The README shows the results that are stored, and its picture is there and small."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from avqa_core.experiments.results import Stored
from book.tools import picture, readme
from book.tools.layout import BookError, Layout
from tests.experiments.stored_results import stored

LAYOUT = Layout(Path(__file__).resolve().parents[2])
SCENARIOS = ("complete", "audio_missing", "visual_missing", "both_missing")
README = f"# Title\n\n{readme.BEGIN}\nold\n{readme.END}\n\nAfter.\n"


def results() -> Stored:
    right = {"zeros": (30, 31, 29), "recommended": (42, 42, 42)}
    return stored(
        {
            f"plug_in/{name}": {one: [(count, 20) for count in of] for one in SCENARIOS}
            for name, of in right.items()
        }
    )


def test_the_readme_shows_what_is_stored() -> None:
    assert readme.problems(LAYOUT) == []


def test_the_picture_is_there_and_small() -> None:
    named = re.findall(r"!\[[^\]]{40,}\]\(([^)]+)\)", (LAYOUT.root / "README.md").read_text())
    assert named == ["book/_static/toggles.png"]
    content = (LAYOUT.root / named[0]).read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) <= picture.LARGEST
    width, height = struct.unpack(">II", content[16:24])
    assert width >= 600 and height >= 400


def test_the_table_stands_between_floor_and_ceiling_with_the_best_marked() -> None:
    lines = readme.table(results()).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:6]]
    assert [row[0] for row in rows] == ["*floor*", "zeros", "recommended", "*ceiling*"]
    assert rows[0][1:] == ["*40.0*"] * 4 + ["–"]  # noqa: RUF001
    # 50, 51 and 49 of 100: mean 50, and 4.303 standard errors of 1 / sqrt(3) on each side
    assert rows[1][1:] == ["50.0 ± 2.5"] * 4 + ["3"]
    # with both halves present there is nothing to stand in for
    assert rows[2][1:] == ["62.0 ± 0.0", *["▲ 62.0 ± 0.0"] * 3, "3"]
    assert "+12.0 points" in readme.table(results())
    assert "2026-01-31" in readme.table(results())


def test_of_our_questions_what_is_contradicted_is_told_and_what_holds_for_others_is_not() -> None:
    right = {"recommended": 40, "recommended_recall_only": 45, "recommended_answers_only": 30}
    found = stored(
        {
            f"plug_in/{name}": {one: [(count, 20)] * 2 for one in SCENARIOS}
            for name, count in right.items()
        }
    )
    rows = [line for line in readme.table(found).splitlines() if line.startswith("| the ")]
    against = "contradicted here: -5.0 (-5.0 to -5.0)"
    assert rows == [f"| the answer loss adds to the recall loss | {against} | {against} |"]
    assert "95 % over 2 seeds" in readme.table(found)


def test_every_claim_of_the_paper_is_told_whatever_became_of_it() -> None:
    right = {"plug_in/zeros": 20, "table4/none": 20, "table4/rmm": 25, "table4/paper": 20}
    found = stored(
        {name: {one: [(count, 20)] * 2 for one in SCENARIOS} for name, count in right.items()}
    )
    text = readme.table(found)
    says = {line.split(" | ")[0][2:]: line for line in text.splitlines() if "(+" in line}
    holds, against = "holds here: +5.0 (+5.0 to +5.0)", "contradicted here: -5.0 (-5.0 to -5.0)"
    assert says["RMM alone lifts plain AVST"].endswith(f" | {holds} | {holds} |")
    assert f"| AVR adds to RMM | {against} | {against} |" in text
    assert "not told apart: +0.0 (+0.0 to +0.0)" in says["RMM and AVR lift plain AVST"]
    assert "Of 9 claims of the paper that were run: 2 hold, 2 are contradicted, 5 are" in text
    assert "verdicts on short runs" in text and "for 5 steps" in text


def test_the_text_around_the_table_stays() -> None:
    text = readme.written(README, results())
    assert text.startswith("# Title\n\n") and text.endswith("\n\nAfter.\n")
    assert "old" not in text and "▲ 62.0" in text
    assert readme.written(text, results()) == text
    assert "make results" in readme.written(text, Stored("book"))


def test_an_old_table_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README)
    assert "python -m book.tools readme" in readme.problems(Layout(tmp_path))[0]
    readme.write(Layout(tmp_path))
    assert readme.problems(Layout(tmp_path)) == []


def test_a_lost_marker_is_told() -> None:
    with pytest.raises(BookError, match="expected the lines"):
        readme.written(README.replace(readme.END, ""), results())


def test_a_single_seed_shows_no_interval() -> None:
    found = stored({"plug_in/zeros": {one: [(30, 20)] for one in SCENARIOS}})
    (row,) = [line for line in readme.table(found).splitlines() if line.startswith("| zeros")]
    assert row == "| zeros | 50.0 | 50.0 | 50.0 | 50.0 | 1 |"


def test_a_picture_needs_a_built_page(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="make book"):
        picture.take(Layout(tmp_path))
