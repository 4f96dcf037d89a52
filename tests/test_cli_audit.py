from __future__ import annotations

import json
from pathlib import Path

import pytest

from avqa_core import cli
from tests.audit.tables import write_csv
from tests.data.samples import make_row, write_rows

STORED = Path(__file__).resolve().parents[1] / "book" / "results" / "paper"


def test_a_published_table_is_told_row_by_row(capsys):
    assert cli.main(["audit", str(STORED / "table1_full.csv")]) == 0
    said = capsys.readouterr().out
    assert "test files: avqa-test.original (9185 questions), avqa-test (9129 questions)" in said
    assert said.count("every average follows") == 14
    assert "printed 69.95, cells give 66.95 (153 right answers fewer)" in said
    assert "the same Audio cells 79.84, 64.81 in: AVSD+Ours, audio; AVST+Ours, audio" in said


def test_a_table_of_ones_own_against_ones_own_questions(tmp_path, capsys):
    counting = {"type": json.dumps(["Audio", "Counting"])}
    rows = [make_row(question_id=n, **(counting if n < 3 else {})) for n in range(10)]
    questions = write_rows(tmp_path / "mine.json", rows)
    names = ["method", "A_cnt", "AV_exist", "all_avg"]
    # 2 of 3 and 5 of 7 make 7 of 10; a third row has no fraction of 3
    table = write_csv(
        tmp_path / "t.csv", names, ["a", "66.67", "71.43", "70.00"],
        ["b", "66.67", "71.43", "71.00"], ["c", "50.00", "71.43", "70.00"],
    )  # fmt: skip
    store = tmp_path / "counts.json"
    command = ["audit", str(table), "--questions", str(questions), "--store", str(store)]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "mine, columns as headed: every average follows" in said
    assert "All printed 71.00, cells give 70.00" in said
    assert "with 70.00 for 71.00 in All: every average would follow" in said
    assert "mine: of 2 cells at least 1 no fraction of its questions (Audio Counting)" in said
    assert cli.main(["audit", str(table), "--questions", str(store)]) == 0
    assert capsys.readouterr().out == said


def test_of_many_explanations_a_few_are_told(tmp_path, capsys):
    kinds = ("Counting", "Comparative", "Location", "Existential", "Temporal")
    rows = [
        make_row(question_id=n, type=json.dumps(["Audio-Visual", kinds[n % 5]])) for n in range(10)
    ]
    questions = write_rows(tmp_path / "mine.json", rows)
    names = ["method", "AV_cnt", "AV_comp", "AV_loc", "AV_exist", "AV_temp"]
    table = write_csv(tmp_path / "t.csv", names, ["a", *["50.00"] * 5])
    assert cli.main(["audit", str(table), "--questions", str(questions)]) == 0
    lines = capsys.readouterr().out.splitlines()
    # every order of five columns with two questions each explains five halves: the row, and all
    assert lines.count("  and 112 more: these digits do not decide") == 2
    assert len(lines) < 30


def test_counts_of_no_questions_are_not_stored(tmp_path, capsys):
    store = tmp_path / "counts.json"
    assert cli.main(["audit", str(STORED / "table1_full.csv"), "--store", str(store)]) == 2
    printed, said = capsys.readouterr()
    assert said.startswith("error: --store: expected annotation files to count")
    assert "--questions" in said and printed == "" and not store.exists()


def test_counts_go_into_a_new_folder_and_not_over_one(tmp_path, capsys):
    questions = write_rows(tmp_path / "mine.json", [make_row()])
    table = write_csv(tmp_path / "t.csv", ["method", "AV_exist"], ["a", "100.00"])
    command = ["audit", str(table), "--questions", str(questions), "--store"]
    store = tmp_path / "new" / "deep" / "counts.json"
    assert cli.main([*command, str(store)]) == 0
    assert json.loads(store.read_text())["rows_in_common"] == 1
    capsys.readouterr()
    assert cli.main([*command, str(store.parent)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --store: expected a file to write the counts to")


@pytest.mark.parametrize("what", ["table", "questions"])
def test_what_cannot_be_read_is_one_line_and_exit_code_2(what, tmp_path, capsys):
    table = write_csv(tmp_path / "t.csv", ["method", "score"], ["a", "66.67"])
    more = ["--questions", str(tmp_path / "nowhere.json")] if what == "questions" else []
    assert cli.main(["audit", str(table), *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: expected")
