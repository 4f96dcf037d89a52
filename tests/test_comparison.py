"""Two reports on the same questions: the gain, its interval over clips, the share won back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avqa_core import comparison
from avqa_core.errors import ConfigError
from avqa_core.report import Answered, Report


def report(right: str, clips: str = "aabbccdd", first_id: int = 0) -> Report:
    """Return a report whose answers are right where ``right`` has a 1, one clip a letter."""
    answered = Answered(
        scenario="audio_missing",
        question_ids=tuple(range(first_id, first_id + len(right))),
        video_ids=tuple(clips),
        predicted=tuple("yes" if one == "1" else "no" for one in right),
        truth=("yes",) * len(right),
        confidence=(0.5,) * len(right),
    )
    return Report(split="test", seed=0, rows=(), answered=(answered,))


def gain(ours: Report, theirs: Report, scenario: str = "audio_missing"):
    return comparison.gain(ours, theirs, scenario, generator=np.random.default_rng(0))


def test_the_gain_counts_questions_and_its_interval_redraws_clips():
    found = gain(report("11110000"), report("11000000"))
    assert found.estimate == pytest.approx(2 / 8)
    # One clip of four holds the whole gain, so a redraw has 0 to 4 of it: 0 to 100 %.
    assert found.low == 0.0
    assert 0.5 <= found.high <= 1.0


def test_the_same_gain_in_every_clip_leaves_no_doubt():
    found = gain(report("10101010"), report("00000000"))
    assert (found.low, found.estimate, found.high) == (0.5, 0.5, 0.5)


def test_what_cannot_be_compared_is_told():
    with pytest.raises(ConfigError, match="same questions"):
        gain(report("11110000"), report("11110000", first_id=5))
    with pytest.raises(ConfigError, match="--keep-answers"):
        gain(report("1111", "aabb"), report("1111", "aabb"), "visual_missing")


def test_answers_to_other_clips_or_other_absences_are_not_compared():
    with pytest.raises(ConfigError, match="same questions"):
        gain(report("11110000"), report("11110000", "eebbccdd"))

    one = report("11110000")
    (answered,) = one.answered
    other = replace(answered, truth=("no", *answered.truth[1:]))
    with pytest.raises(ConfigError, match="same questions"):
        gain(one, replace(one, answered=(other,)))


@pytest.mark.parametrize("scenario", ["mixed(0.5,0)", "audio_drops(1)", "visual_drops(1)"])
def test_where_a_seed_decides_who_misses_what_it_has_to_be_the_same(scenario):
    def drawn(seed: int) -> Report:
        one = report("11110000")
        return replace(one, seed=seed, answered=(replace(one.answered[0], scenario=scenario),))

    assert gain(drawn(1), drawn(1), scenario).estimate == 0
    with pytest.raises(ConfigError, match="evaluate both with one --seed"):
        gain(drawn(0), drawn(1), scenario)


def test_the_share_won_back_is_0_at_the_control_and_1_at_the_ceiling():
    assert comparison.recovered_share(0.4, 0.4, 0.9) == 0.0
    assert comparison.recovered_share(0.9, 0.4, 0.9) == pytest.approx(1.0)
    assert comparison.recovered_share(0.5, 0.4, 0.9) == pytest.approx(0.2)
    with pytest.raises(ConfigError, match="nothing to recover"):
        comparison.recovered_share(0.5, 0.9, 0.9)


def test_two_reports_are_compared_in_every_scenario_that_both_have():
    """Right 6 and 2 of 8; where one alone is right it is always ours, 4 times: p = 2 / 2^4."""
    rows = comparison.compared(
        report("11111100"), report("11000000"), generator=np.random.default_rng(0)
    )
    (one,) = rows
    assert (one.ours.correct, one.theirs.correct, one.ours.total) == (6, 2, 8)
    assert one.gain.estimate == pytest.approx(0.5)
    assert one.p_value == pytest.approx(2 / 16)
    line = comparison.table(rows).splitlines()[1]
    assert line.split()[:5] == ["audio_missing", "8", "75.0", "25.0", "+50.0"]
    assert line.split()[-1] == "0.12"


def test_reports_without_answers_are_not_compared():
    nothing = Report(split="test", seed=0, rows=(), answered=())
    with pytest.raises(ConfigError, match="got none and audio_missing: evaluate both"):
        comparison.compared(nothing, report("1111", "aabb"), generator=np.random.default_rng(0))
