"""A report adds up, survives its file and prints its bounds."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace
from pathlib import Path

import pytest

from avqa_core.errors import CheckpointError
from avqa_core.metrics import Tally
from avqa_core.report import Answered, Report, ReportRow

REPORT = Report(
    split="test",
    seed=0,
    rows=(
        ReportRow(
            scenario="complete",
            group="Audio",
            kind="Counting",
            correct=3,
            total=4,
            floor=0.5,
            ceiling=1.0,
        ),
        ReportRow(
            scenario="complete",
            group="Audio",
            kind="Comparative",
            correct=1,
            total=1,
            floor=0.0,
            ceiling=0.5,
        ),
        ReportRow(scenario="complete", group="Visual", kind="Location", correct=0, total=5),
    ),
    answered=(
        Answered(
            scenario="complete",
            question_ids=(1, 2),
            video_ids=("a", "b"),
            predicted=("yes", "no"),
            truth=("yes", "yes"),
            confidence=(0.75, 0.5),
        ),
    ),
    provenance={"seed": 0, "nested": {"list": [1, 2]}},
)


def test_totals_are_micro_averages_of_counts_floors_and_ceilings():
    audio = REPORT.total("complete", "Audio")
    assert audio.tally == Tally(4, 5)
    assert audio.floor == pytest.approx((4 * 0.5 + 1 * 0.0) / 5)
    assert audio.ceiling == pytest.approx((4 * 1.0 + 1 * 0.5) / 5)
    everything = REPORT.total("complete")
    assert everything.tally == Tally(4, 10)
    # One category has no bound, so the average has none.
    assert everything.floor is None and everything.ceiling is None
    assert REPORT.accuracy("complete") == 0.4


def test_answers_know_which_are_right():
    assert REPORT.answered[0].is_correct == [True, False]


def test_a_report_survives_its_file(tmp_path):
    REPORT.save(tmp_path / "deep" / "report.json")
    assert Report.load(tmp_path / "deep" / "report.json") == REPORT
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.json"]


def test_a_byte_order_mark_in_front_of_a_report_is_no_part_of_it(tmp_path):
    path = tmp_path / "report.json"
    REPORT.save(path)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert Report.load(path) == REPORT


def test_the_table_shows_counts_intervals_and_bounds():
    lines = REPORT.table().splitlines()
    assert " ".join(lines[0].split()) == "complete right of accuracy 95 % interval floor ceiling"
    audio = next(line for line in lines if line.startswith("Audio"))
    assert audio.split() == ["Audio", "4", "5", "80.00", "37.55", "-", "96.38", "40.00", "90.00"]
    visual = next(line for line in lines if line.startswith("Visual"))
    assert visual.split()[-2:] == ["-", "-"]
    assert len({line.index("accuracy") for line in lines if "accuracy" in line}) == 1


def test_the_table_of_the_training_split_says_that_its_floor_was_fitted_on_it():
    told = "floor: fitted on these very questions"
    assert told not in REPORT.table()
    assert told in replace(REPORT, split="train").table().splitlines()[-1]
    unknown = tuple(replace(row, floor=None) for row in REPORT.rows)
    assert told not in replace(REPORT, split="train", rows=unknown).table()


def test_a_scenario_that_was_not_evaluated_is_a_typed_error():
    with pytest.raises(CheckpointError, match="out of complete, got 'audio_missing'"):
        REPORT.accuracy("audio_missing")


def _edited(path: Path, **changes: object) -> Path:
    REPORT.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"surprise": 1},
        {"rows": "none"},
        {"rows": [{"scenario": "complete"}]},
        {"answered": [{"scenario": "complete", "colour": "red"}]},
    ],
)
def test_anything_else_is_a_typed_error(tmp_path, changes):
    with pytest.raises(CheckpointError, match="expected a report at"):
        Report.load(_edited(tmp_path / "report.json", **changes))


def test_more_right_than_asked_is_refused(tmp_path):
    path = tmp_path / "report.json"
    REPORT.save(path)
    path.write_text(path.read_text().replace('"correct": 3', '"correct": 5'))
    with pytest.raises(CheckpointError, match="5 right out of 4"):
        Report.load(path)


def test_a_category_counted_twice_is_refused(tmp_path):
    path = tmp_path / "report.json"
    REPORT.save(path)
    path.write_text(path.read_text().replace("Comparative", "Counting"))
    with pytest.raises(CheckpointError, match="counted twice"):
        Report.load(path)


@pytest.mark.parametrize("name", ["question_ids", "video_ids", "predicted", "truth", "confidence"])
def test_answers_of_unequal_number_are_refused(tmp_path, name):
    path = tmp_path / "report.json"
    REPORT.save(path)
    content = json.loads(path.read_text())
    content["answered"][0][name].pop()
    path.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=rf"unequal length for complete \(.*\b{name} 1\b"):
        Report.load(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", "[" * 100_000])
def test_a_damaged_file_is_a_typed_error(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match="avqa evaluate"):
        Report.load(path)
