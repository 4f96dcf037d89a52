from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.data.availability import (
    AUDIO_MISSING,
    BOTH_MISSING,
    COMPLETE,
    VISUAL_MISSING,
    Scenario,
    TrainingAvailability,
    mixed,
)
from avqa_core.errors import ConfigError, ModalityError

IDS = list(range(2000))


@pytest.mark.parametrize(
    ("scenario", "audio", "visual"),
    [
        (COMPLETE, True, True),
        (AUDIO_MISSING, False, True),
        (VISUAL_MISSING, True, False),
        (BOTH_MISSING, False, False),
    ],
)
def test_the_four_whole_scenarios(scenario, audio, visual):
    availability = scenario.availability(IDS[:5], 3, seed=1)
    expected = torch.tensor([audio, visual]).expand(5, 3, 2)
    assert availability.dtype == torch.bool
    assert torch.equal(availability, expected)


@pytest.mark.parametrize(
    "text",
    [
        *("complete", "audio_missing", "visual_missing", "both_missing"),
        *("mixed(0.3,0.2)", "mixed(0,0.5)", "mixed(1,0.25)", "mixed(1e-05,0)"),
        *("audio_drops(3)", "visual_drops(1)", "audio_drops(3)+visual_drops(1)"),
        *("audio_missing+visual_drops(2)", "mixed(0.3,0.2)+audio_drops(1)"),
    ],
)
def test_a_name_and_its_scenario_are_one(text):
    assert str(Scenario.parse(text)) == text


def test_names_are_canonical():
    assert str(Scenario.parse("mixed(1, 0)")) == "audio_missing"
    assert str(Scenario.parse("mixed(0.30, .2)")) == "mixed(0.3,0.2)"
    assert str(mixed(0, 0)) == "complete"


@settings(deadline=None)
@given(
    st.builds(
        Scenario,
        audio_missing=st.floats(0, 1),
        visual_missing=st.floats(0, 1),
        audio_drops=st.integers(0, 10),
        visual_drops=st.integers(0, 10),
    )
)
def test_parse_undoes_str(scenario):
    assert Scenario.parse(str(scenario)) == scenario


@pytest.mark.parametrize(
    "text",
    [
        *("", "nothing", "mixed", "mixed(0.3)", "mixed(a,b)", "mixed(0.3,0.2,0.1)", "mixed(-1,0)"),
        *("audio_drops()", "audio_drops(-1)", "audio_drops(1.5)", "complete+", "Complete"),
        *("audio_missing+visual_missing", "audio_drops(1)+audio_drops(2)", "mixed(2,0)"),
    ],
)
def test_what_is_no_scenario_is_refused(text):
    with pytest.raises(ConfigError, match="expected"):
        Scenario.parse(text)


def test_impossible_fields_are_refused():
    with pytest.raises(ConfigError, match="audio_missing"):
        Scenario(audio_missing=math.nan)
    with pytest.raises(ConfigError, match="visual_drops"):
        Scenario(visual_drops=-1)
    with pytest.raises(ModalityError, match="at most 3"):
        Scenario(audio_drops=4).availability(IDS, 3, seed=0)


def test_a_question_meets_the_same_fate_in_any_batch():
    scenario = Scenario.parse("mixed(0.4,0.4)+audio_drops(2)")
    whole = scenario.availability(torch.tensor(IDS[:50]), 6, seed=3)
    backwards = scenario.availability(IDS[:50][::-1], 6, seed=3, epoch=7)
    alone = torch.cat([scenario.availability([key], 6, seed=3) for key in IDS[:50]])
    assert torch.equal(whole, backwards.flip(0))
    assert torch.equal(whole, alone)
    assert not torch.equal(whole, scenario.availability(IDS[:50], 6, seed=4))


def test_each_modality_drops_out_at_a_time_of_its_own():
    kept = Scenario(audio_drops=2, visual_drops=2).availability(IDS, 6, seed=0)
    starts = kept.float().argmin(dim=1)
    together = (starts[:, 0] == starts[:, 1]).float().mean().item()
    # five places each: one in five by chance, within four standard errors
    assert abs(together - 0.2) < 4 * math.sqrt(0.2 * 0.8 / len(IDS))


def test_mixed_misses_each_modality_by_itself():
    missing = ~mixed(0.3, 0.2).availability(IDS, 4, seed=0)
    assert torch.equal(missing.all(dim=1), missing.any(dim=1))
    audio, visual = missing[:, 0].unbind(dim=-1)
    # four standard errors of a mean over 2,000 questions
    for drawn, probability in ((audio, 0.3), (visual, 0.2), (audio & visual, 0.06)):
        error = math.sqrt(probability * (1 - probability) / len(IDS))
        assert abs(drawn.float().mean().item() - probability) < 4 * error


def test_a_higher_ratio_only_adds_to_those_who_miss():
    few = ~mixed(0.2, 0).availability(IDS, 1, seed=0)
    many = ~mixed(0.6, 0).availability(IDS, 1, seed=0)
    assert bool((many | ~few).all())
    assert many.sum() > few.sum()


def test_drops_are_runs_of_segments_that_start_anywhere():
    availability = Scenario(audio_drops=3).availability(IDS, 5, seed=0)
    assert bool(availability[..., 1].all())
    runs = {tuple(row) for row in (~availability[..., 0]).int().tolist()}
    assert runs == {(1, 1, 1, 0, 0), (0, 1, 1, 1, 0), (0, 0, 1, 1, 1)}
    assert not Scenario(visual_drops=5).availability([1], 5, seed=0)[..., 1].any()


def test_training_draws_anew_each_epoch_in_the_given_shares():
    policy = TrainingAvailability(
        p_complete=0.4, p_audio_missing=0.3, p_visual_missing=0.2, p_both_missing=0.1
    )
    first = policy.availability(IDS, 4, seed=0, epoch=0)
    assert torch.equal(first, policy.availability(IDS, 4, seed=0, epoch=0))
    assert not torch.equal(first, policy.availability(IDS, 4, seed=0, epoch=1))
    assert torch.equal(first, first[:, :1].expand_as(first))
    seen = first[:, 0].tolist()
    shares = [
        seen.count(pair) / len(IDS)
        for pair in ([True, True], [False, True], [True, False], [False, False])
    ]
    assert shares == pytest.approx([0.4, 0.3, 0.2, 0.1], abs=0.05)


def test_training_probabilities_sum_to_one():
    with pytest.raises(ConfigError, match="sum to 1"):
        TrainingAvailability(p_complete=0.5, p_audio_missing=0.3)
    with pytest.raises(ConfigError, match="sum to 1"):
        TrainingAvailability(p_complete=1.5, p_audio_missing=-0.5)
