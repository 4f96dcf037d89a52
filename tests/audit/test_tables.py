from __future__ import annotations

import codecs
import json

import pytest

from avqa_core.audit import ALL, load_questions, read_table, save_questions, stored_rows_in_common
from avqa_core.audit.questions import Questions, rows_in_common
from avqa_core.audit.tables import heading_of
from avqa_core.data.annotations import CATEGORIES
from avqa_core.errors import AnnotationError
from avqa_core.types import QuestionCategory
from tests.audit.tables import SMALL, write_csv
from tests.data.samples import make_row, write_rows


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Audio Counting", CATEGORIES[0]),
        ("A_cnt", CATEGORIES[0]),
        ("A_comp", CATEGORIES[1]),
        ("V loc", CATEGORIES[3]),
        ("AV_exist", CATEGORIES[4]),
        ("Audio-Visual Temporal", CATEGORIES[8]),
        ("temporal", CATEGORIES[8]),
        ("Counting", None),  # three groups have it
        ("A_co", None),
        ("A_avg", "Audio"),
        ("Audio-Visual average", "Audio-Visual"),
        ("all_avg", ALL),
        ("Overall", ALL),
        ("method", None),
        ("", None),
    ],
)
def test_a_column_is_known_by_its_name(name, meaning):
    assert heading_of(name, CATEGORIES) == meaning


def test_a_table_keeps_texts_and_blanks(tmp_path):
    names = ["method", "A_cnt", "A_comp", "A_avg", "missing", "source"]
    path = write_csv(tmp_path / "t.csv", names, ["ours", "42.9", "-", "50.00", "audio", "a book"])
    table = read_table(path, SMALL.counts)
    (row,) = table.rows
    assert row.name == "ours, audio"
    assert [one and one.text for one in row.cells.values()] == ["42.9", None]
    assert row.averages["Audio"].text == "50.00"
    assert table.headings == tuple(SMALL.counts)[:2]


@pytest.mark.parametrize(
    ("names", "row", "message"),
    [
        (["method", "score"], ["ours", "1"], "one column for each"),
        (["A_cnt", "Audio Counting"], ["1", "1"], "two of Audio Counting"),
        (["A_cnt", "A_cnt"], ["1", "1"], "different column names"),
        (["method", "A_cnt"], ["ours", "much"], "line 2, A_cnt: expected an accuracy"),
        (["A_cnt"], None, "expected rows"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_error(tmp_path, names, row, message):
    path = write_csv(tmp_path / "t.csv", names, *([row] if row else []))
    with pytest.raises(AnnotationError, match=message):
        read_table(path, SMALL.counts)


def test_no_table_is_one_error(tmp_path):
    with pytest.raises(AnnotationError, match="expected a CSV table"):
        read_table(tmp_path / "nowhere.csv", SMALL.counts)


def test_counts_go_through_their_file_and_keep_their_provenance(tmp_path):
    counting = {"type": json.dumps(["Audio", "Counting"])}
    rows = [make_row(question_id=1, **counting), make_row(question_id=2)]
    more = [*rows, make_row(question_id=3)]
    paths = [write_rows(tmp_path / name, some) for name, some in (("a", rows), ("b", more))]
    files = [one for path in paths for one in load_questions(path)]
    existential = QuestionCategory("Audio-Visual", "Existential")
    assert [dict(one.counts) for one in files] == [
        {CATEGORIES[0]: 1, existential: 1},
        {CATEGORIES[0]: 1, existential: 2},
    ]
    assert len(files[0].provenance["sha256"]) == 64
    save_questions(files, tmp_path / "counts.json", "by hand", rows_in_common(paths))
    assert load_questions(tmp_path / "counts.json") == files
    assert stored_rows_in_common(tmp_path / "counts.json") == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 1"),
        ({"files": [{"name": "x"}]}, "damaged entry"),
        ({"files": 3}, "damaged entry"),
    ],
)
def test_damaged_counts_are_one_error(tmp_path, change, message):
    path = tmp_path / "counts.json"
    save_questions([Questions("x", SMALL.counts)], path, "by hand")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(AnnotationError, match=message):
        load_questions(path)


def test_a_changed_count_is_noticed(tmp_path):
    path = tmp_path / "counts.json"
    provenance = {"file": "x.json", "sha256": "0", "counted": "2026-11-23"}
    save_questions([Questions("x", SMALL.counts, provenance)], path, "by hand")
    assert load_questions(path)[0].total == 48
    path.write_text(path.read_text().replace('"Counting": 7', '"Counting": 8'))
    with pytest.raises(AnnotationError, match="49 questions in 48 rows"):
        load_questions(path)
    with pytest.raises(AnnotationError, match="rows in common"):
        stored_rows_in_common(path)


def test_an_empty_category_is_refused():
    with pytest.raises(AnnotationError, match="at least one question"):
        Questions("x", {CATEGORIES[0]: 0})


def test_a_byte_order_mark_in_front_of_a_table_is_no_part_of_its_first_column(tmp_path):
    path = write_csv(tmp_path / "t.csv", ["source", "A_cnt"], ["a book", "42.9"])
    plain = read_table(path, SMALL.counts)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert read_table(path, SMALL.counts) == plain


def test_an_annotation_file_with_a_byte_order_mark_is_counted(tmp_path):
    path = write_rows(tmp_path / "avqa-test.json", [make_row()])
    (plain,) = load_questions(path)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert load_questions(path)[0].counts == plain.counts
