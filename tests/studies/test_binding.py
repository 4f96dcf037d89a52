"""Counting without binding: every number here can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import Section, Source
from avqa_core.bandstand.world import WorldConfig
from avqa_core.errors import ConfigError
from avqa_core.studies import binding
from avqa_core.types import QAExample, QuestionCategory

SOUNDING = "How many instruments are sounding in the video?"
SILENT = "How many instruments in the video did not sound from beginning to end?"
SCENE = sample_scene(WorldConfig(), "00000000")


def _scene(seen: dict[str, int], heard: tuple[str, ...]):
    return replace(
        SCENE,
        sections=tuple(
            Section(
                instrument=name,
                place=place,
                count=count,
                closeness=1,
                vigour=0,
                motion=(True,) * SCENE.num_segments,
                act=act,
            )
            for act, ((name, count), place) in enumerate(
                zip(seen.items(), ("left", "middle", "right"), strict=False)
            )
        ),
        sources=tuple(
            Source(
                instrument=name,
                pattern=(True,) * SCENE.num_segments,
                level=1,
                rate=0,
                melody=0,
                act=act,
            )
            for act, name in enumerate(heard)
        ),
    )


def _question(clip: str, answer: str | None, template: str = SOUNDING) -> QAExample:
    return QAExample(
        question_id=0,
        video_id=clip,
        category=QuestionCategory("Audio-Visual", "Counting"),
        template=template,
        slot_values=(),
        tokens=("How",),
        answer=answer,
    )


SCENES = {
    "both": _scene({"cello": 1, "flute": 2}, ("cello", "flute")),
    "one": _scene({"piano": 1, "tuba": 2}, ("piano", "drum")),
    "none": _scene({"erhu": 2, "pipa": 1}, ("drum", "suona")),
    "many": _scene({"violin": 3}, ("violin",)),
}


def test_counts_do_not_tell_who_sounds():
    alike = {binding.Counts.of(SCENES[name]) for name in ("both", "one", "none")}
    assert alike == {binding.Counts(players=3, kinds=2, sounds=2)}
    assert binding.Counts.of(SCENES["many"]) == binding.Counts(players=3, kinds=1, sounds=1)


def test_the_observer_answers_what_was_most_frequent_for_equal_counts():
    learned = [
        _question("both", "three"),
        _question("both", "three"),
        _question("one", "one"),
        *[_question("many", "two")] * 4,
        _question("one", "zero", SILENT),
    ]
    observer = binding.CountingObserver(learned, SCENES)
    assert observer.answer(_question("none", "zero"), SCENES["none"]) == "three"
    assert observer.answer(_question("none", "two", SILENT), SCENES["none"]) == "zero"
    assert observer.answer(_question("many", "two", SILENT), SCENES["many"]) == "zero"  # template
    assert observer.answer(_question("many", "x", "Another?"), SCENES["many"]) == "two"  # any
    with pytest.raises(ConfigError, match="training questions"):
        binding.CountingObserver([], SCENES)


def test_answers_dealt_anew_lose_what_is_known_beyond_counts():
    """Truth is three, one, zero for equal counts: each answer fits its own question alone."""
    asked = [
        _question("both", "three"),
        _question("one", "one"),
        _question("none", "zero"),
        _question("many", "three"),
    ]
    observer = binding.CountingObserver([_question("both", "three")], SCENES)
    knows, counts = ["three", "one", "zero", "one"], ["three", "three", "three", "three"]
    (row,) = binding.rows(asked, SCENES, [knows, counts], observer)
    assert row.template == SOUNDING and row.total == 4 and row.num_alike == 3
    assert row.networks == (0.75, 0.5) and row.observer == 0.5
    assert row.own == pytest.approx((1.0, 1 / 3))
    assert row.dealt == pytest.approx((0.0, 1 / 3))


def test_without_clips_of_equal_counts_nothing_can_be_dealt():
    observer = binding.CountingObserver([_question("both", "three")], SCENES)
    (row,) = binding.rows([_question("many", "three")], SCENES, [["three"]], observer)
    assert row.num_alike == 0 and row.own[0] != row.own[0] and row.dealt[0] != row.dealt[0]
