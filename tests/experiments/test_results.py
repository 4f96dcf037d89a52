"""Queries on stored results, against numbers worked out by hand."""

from __future__ import annotations

import json

import pytest

from avqa_core import experiments
from avqa_core.errors import ConfigError
from tests.experiments import stored_results

COUNTS = {
    "plug_in/zeros": {"complete": [(30, 20), (36, 24)], "audio_missing": [(12, 8), (18, 12)]},
    "plug_in/recommended": {"complete": [(30, 20), (36, 24)], "audio_missing": [(30, 8), (36, 12)]},
}


@pytest.fixture
def stored():
    return stored_results.stored(COUNTS)


def test_accuracies_are_micro_averages_by_seed(stored):
    assert stored.accuracies("plug_in/zeros", "audio_missing") == {0: 0.2, 1: 0.3}
    assert stored.accuracies("plug_in/zeros", "audio_missing", ["Audio"]) == {0: 0.2, 1: 0.3}
    of_one = stored.accuracies("plug_in/recommended", "audio_missing", ["Visual Location"])
    assert of_one == {0: 8 / 40, 1: 12 / 40}


def test_a_mean_has_the_t_interval_over_seeds(stored):
    interval = stored.accuracy("plug_in/zeros", "audio_missing")
    # Two seeds at 0.2 and 0.3: deviation 0.0707, t(0.975, 1) = 12.706, half width 12.706 * 0.05.
    assert interval.estimate == pytest.approx(0.25)
    assert interval.high - interval.estimate == pytest.approx(0.6353, abs=1e-4)


def test_floor_and_ceiling_are_weighted_by_questions(stored):
    assert stored.floor("plug_in/zeros") == pytest.approx(0.6 * 0.5 + 0.4 * 0.25)
    assert stored.ceiling("plug_in/zeros", "complete") == pytest.approx(0.6 * 1.0 + 0.4 * 0.75)
    assert stored.ceiling("plug_in/zeros", "complete", ["Visual"]) == 0.75
    assert stored.ceiling("plug_in/zeros", "both_missing") is None


def test_rows_and_reports_carry_counts_and_bounds(stored):
    rows = list(stored.rows("plug_in/zeros"))
    assert len(rows) == 2 * 2 * 2
    report = stored.report("plug_in/zeros", 1)
    assert report.accuracy("complete") == 0.6
    assert report.total("complete").floor == pytest.approx(0.4)


def test_cost_and_names(stored):
    assert stored.names("plug_in") == ["plug_in/zeros", "plug_in/recommended"]
    assert stored.names("joint") == []
    assert stored.cost("plug_in/zeros")["seconds"] == 2.5
    assert stored.seeds("plug_in/zeros") == [0, 1]
    assert stored.about("plug_in/zeros") == "about plug_in/zeros"
    assert stored.num_clips("plug_in/zeros") == 1200
    assert stored.num_clips("plug_in/zeros", "test") == 30


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.accuracy("plug_in/oracle", "complete"), "plug_in/oracle"),
        (lambda s: s.accuracy("plug_in/zeros", "both_missing"), "both_missing"),
        (lambda s: s.run("plug_in/zeros", 7), "seed 7"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_it(stored, ask, message):
    with pytest.raises(ConfigError, match=message):
        ask(stored)


def test_reading_a_file(tmp_path):
    path = tmp_path / "book.json"
    path.write_text(json.dumps(stored_results.content(COUNTS)))
    assert len(experiments.stored("book", path)) == 4
    assert len(experiments.stored("book", tmp_path / "none.json", missing_ok=True)) == 0
    with pytest.raises(ConfigError, match="avqa results --profile book"):
        experiments.stored("book", tmp_path / "none.json")
    path.write_text(path.read_text()[:-40])
    with pytest.raises(ConfigError, match="stored results at"):
        experiments.stored("book", path)
    path.write_text('{"format": 2}')
    with pytest.raises(ConfigError, match="format 2"):
        experiments.stored("book", path, missing_ok=True)
