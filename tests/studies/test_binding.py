"""Counting without binding: every number here can be worked out by hand."""

from __future__ import annotations

import pytest

from avqa_core.errors import ConfigError
from avqa_core.studies import binding
from tests.studies.scenes import SOUNDING, question, scene_of

SILENT = "How many instruments in the video did not sound from beginning to end?"
SCENES = {
    "both": scene_of({"cello": 1, "flute": 2}, ("cello", "flute")),
    "one": scene_of({"piano": 1, "tuba": 2}, ("piano", "drum")),
    "none": scene_of({"erhu": 2, "pipa": 1}, ("drum", "suona")),
    "many": scene_of({"violin": 3}, ("violin",)),
}


def test_counts_do_not_tell_who_sounds():
    alike = {binding.Counts.of(SCENES[name]) for name in ("both", "one", "none")}
    assert alike == {binding.Counts(players=3, kinds=2, sounds=2)}
    assert binding.Counts.of(SCENES["many"]) == binding.Counts(players=3, kinds=1, sounds=1)


def test_the_observer_answers_what_was_most_frequent_for_equal_counts():
    learned = [
        question("both", "three"),
        question("both", "three"),
        question("one", "one"),
        *[question("many", "two")] * 4,
        question("one", "zero", SILENT),
    ]
    observer = binding.CountingObserver(learned, SCENES)
    assert observer.answer(question("none", "zero"), SCENES["none"]) == "three"
    assert observer.answer(question("none", "two", SILENT), SCENES["none"]) == "zero"
    assert observer.answer(question("many", "two", SILENT), SCENES["many"]) == "zero"  # template
    assert observer.answer(question("many", "x", "Another?"), SCENES["many"]) == "two"  # any
    with pytest.raises(ConfigError, match="training questions"):
        binding.CountingObserver([], SCENES)


def test_answers_dealt_anew_lose_what_is_known_beyond_counts():
    """Truth is three, one, zero for equal counts: each answer fits its own question alone."""
    asked = [
        question("both", "three"),
        question("one", "one"),
        question("none", "zero"),
        question("many", "three"),
    ]
    observer = binding.CountingObserver([question("both", "three")], SCENES)
    knows, counts = ["three", "one", "zero", "one"], ["three", "three", "three", "three"]
    (row,) = binding.rows(asked, SCENES, [knows, counts], observer)
    assert row.template == SOUNDING and row.total == 4 and row.num_alike == 3
    assert row.networks == (0.75, 0.5) and row.observer == 0.5
    assert row.own == pytest.approx((1.0, 1 / 3))
    assert row.dealt == pytest.approx((0.0, 1 / 3))


def test_without_clips_of_equal_counts_nothing_can_be_dealt():
    observer = binding.CountingObserver([question("both", "three")], SCENES)
    (row,) = binding.rows([question("many", "three")], SCENES, [["three"]], observer)
    assert row.num_alike == 0 and row.own[0] != row.own[0] and row.dealt[0] != row.dealt[0]
