from __future__ import annotations

import json

import pytest

from avqa_core.errors import AnnotationError
from avqa_core.paper_baselines import (
    CORRECTED,
    COUNTS,
    FIRST_RELEASE,
    TABLES,
    beside,
    best_of_one_half,
    printed_rows,
)
from avqa_core.profiles import checkout
from avqa_core.studies.question_floors import FloorRow

# Questions by category, as tests/data/test_annotations.py counts them in the files.
NAMES = (
    "Audio Counting",
    "Audio Comparative",
    "Visual Counting",
    "Visual Location",
    "Audio-Visual Existential",
    "Audio-Visual Location",
    "Audio-Visual Counting",
    "Audio-Visual Comparative",
    "Audio-Visual Temporal",
)
TOTALS = {
    FIRST_RELEASE: dict(
        zip(NAMES, (1022, 601, 1199, 1228, 995, 927, 1274, 1115, 824), strict=True)
    ),
    CORRECTED: dict(zip(NAMES, (1017, 594, 1197, 1225, 988, 920, 1265, 1101, 822), strict=True)),
}
ROWS = [row for missing in ("audio", "visual") for row in printed_rows(missing)]


def fits(value: float, total: int) -> bool:
    """Whether a whole number of questions is printed as this accuracy, last digit up or down."""
    return abs(100 * round(value * total) / total - 100 * value) <= 0.0051


def recomputed(row, totals) -> float:
    return sum(round(row.accuracies[name] * n) for name, n in totals.items()) / sum(totals.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.missing}")
def test_a_row_is_a_fraction_of_the_file_it_is_said_to_be_of(row):
    right = TOTALS[row.test]
    wrong = TOTALS[CORRECTED if row.test == FIRST_RELEASE else FIRST_RELEASE]
    assert all(fits(row.accuracies[name], total) for name, total in right.items())
    assert not all(fits(row.accuracies[name], total) for name, total in wrong.items())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.missing}")
def test_the_average_follows_from_the_cells_as_they_are_read(row):
    """Two printed averages are off by 0.07 and 0.3 points whichever way the columns are read."""
    allowed = {("AVST+Ours", "audio"): 0.071, ("Pano-AVQA+Ours", "audio"): 0.31}
    told = 100 * recomputed(row, TOTALS[row.test])
    assert told == pytest.approx(
        100 * row.accuracies["all"], abs=allowed.get((row.method, row.missing), 0.0051)
    )
    swapped = dict(TOTALS[row.test])
    one, other = "Audio-Visual Location", "Audio-Visual Counting"
    swapped[one], swapped[other] = swapped[other], swapped[one]
    as_printed = 100 * recomputed(row, swapped)
    assert abs(as_printed - 100 * row.accuracies["all"]) > 0.15


def test_rows_of_both_tables_come_once_and_the_headline_numbers_are_there():
    by_method = {(row.method, row.missing): row for row in ROWS}
    assert len(by_method) == len(ROWS) == 24
    assert by_method["AVST", "audio"].accuracies["all"] == pytest.approx(0.3660)
    assert by_method["AVST+DrFuse", "visual"].accuracies["all"] == pytest.approx(0.6718)
    assert {row.method for row in ROWS if row.is_plain} == {"AVSD", "Pano-AVQA", "AVST", "PSTP-Net"}


def row_with(accuracy: float):
    row = next(row for row in ROWS if row.method == "AVST")
    return type(row)(
        method="AVST",
        missing="audio",
        test=FIRST_RELEASE,
        accuracies={"all": accuracy},
    )


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [(0.40, "below"), (0.46, "not told apart"), (0.54, "not told apart"), (0.60, "above")],
)
def test_a_verdict_is_given_only_where_intervals_do_not_overlap(accuracy, verdict):
    """Floor 0.5 within 0.48 and 0.52; half the score interval of 1,000 questions is about 0.03."""
    floor = FloorRow(floor="template", scope="all", correct=(500,), total=1000, low=0.48, high=0.52)
    found = beside(row_with(accuracy), floor)
    assert found.verdict == verdict
    assert found.paper.estimate == pytest.approx(accuracy)
    assert found.floor.estimate == 0.5


def copied(tmp_path, name="", change=lambda text: text):
    """Copy what is read from the checkout, with one file changed."""
    for one in (*TABLES, COUNTS):
        text = (checkout() / "book" / "results" / "paper" / one).read_text()
        (tmp_path / one).write_text(change(text) if one == name else text)
    return tmp_path


@pytest.mark.parametrize("name", [*TABLES, COUNTS])
def test_a_missing_file_is_one_error_that_names_it(tmp_path, name):
    (copied(tmp_path) / name).unlink()
    with pytest.raises(AnnotationError, match=name):
        printed_rows("audio", tmp_path)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        # 29.56 % is a fraction of neither 1,022 nor 1,017 questions: 302 are 29.55 and 29.70 %
        ("29.56", "AVST, audio: expected an explanation"),
        ("", "AVST, audio, Audio Counting: expected an accuracy, got an empty cell"),
        ("many", "expected an accuracy in per cent"),
    ],
)
def test_a_damaged_cell_is_one_error_that_names_the_row(tmp_path, new, reason):
    def change(text):
        assert "AVST,audio,29.55," in text
        return text.replace("AVST,audio,29.55,", f"AVST,audio,{new},")

    for name in TABLES:
        with pytest.raises(AnnotationError, match=reason):
            printed_rows("audio", copied(tmp_path, name, change))


def test_a_row_that_several_files_explain_is_not_guessed(tmp_path):
    """With the corrected file listed under a second name, half of the rows fit two files."""

    def twice(text):
        content = json.loads(text)
        content["files"].append(content["files"][1] | {"name": "the same again"})
        return json.dumps(content)

    with pytest.raises(AnnotationError, match="expected one test file and order"):
        printed_rows("audio", copied(tmp_path, COUNTS, twice))


HEADS = "method,inputs,annotations,all_avg\n"


def test_the_best_network_that_never_needed_a_half(tmp_path):
    rows = "A,V+Q,update,60.00\nB,V+Q,update,61.50\nC,V+Q,old,70.00\nD,A+Q,update,50.00\n"
    (tmp_path / "complete_reference.csv").write_text(HEADS + rows)
    best = best_of_one_half("audio", tmp_path)
    assert (best.method, best.accuracy) == ("B", pytest.approx(0.615))
    assert best_of_one_half("visual", tmp_path).method == "D"


@pytest.mark.parametrize("content", [HEADS, "method,inputs\nA,V+Q\n", HEADS + "A,V+Q,update,x\n"])
def test_a_damaged_reference_is_told(tmp_path, content):
    (tmp_path / "complete_reference.csv").write_text(content)
    with pytest.raises(AnnotationError, match="expected"):
        best_of_one_half("audio", tmp_path)
    with pytest.raises(AnnotationError, match="check it out again"):
        best_of_one_half("audio", tmp_path / "nowhere")
