"""What the chapter on failing sensors shows, from counts that are known."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from avqa_core.abstention import binned
from avqa_core.experiments.results import Stored
from avqa_core.ledger import ONE_SEED
from avqa_core.metrics import Interval
from avqa_core.studies.field_results import FieldResults
from avqa_core.studies.sensor_failures import DROPS
from avqa_core.viz import field_guide, field_words
from avqa_core.viz import field_views as views
from avqa_core.viz.display import Rich
from avqa_core.viz.result_words import NOT_RUN
from tests.experiments.stored_results import content, stored
from tests.viz.stored_field import failures, field

CHAPTER = Path(__file__).parents[2] / "notebooks" / "10_sensors_in_the_field.py"
FOUND = field(
    {
        "plug_in/zeros": [failures(90, 60, 50, 30, 5), failures(92, 62, 50, 30, 5)],
        "plug_in/recommended": [failures(90, 70, 60, 35, 2), failures(92, 73, 60, 35, 2)],
        "joint/recommended": [failures(88, 70, 65, 40, 1), failures(90, 72, 66, 40, 1)],
    }
)
EMPTY = stored({})


def of_seed(found: FieldResults, seed: int, experiment: str | None = None) -> FieldResults:
    """Return the counts of one seed alone, for one experiment or all."""
    runs = (
        one
        for one in found.runs
        if one.seed == seed or one.experiment != (experiment or one.experiment)
    )
    return replace(found, runs=tuple(runs))


def audio_only(accuracies: dict[str, list[int]]) -> FieldResults:
    """Return counts that differ only where the sound is missing."""
    return field(
        {name: [failures(95, one, 50, 30, 5) for one in of] for name, of in accuracies.items()}
    )


def gaps(complete: int, audio: int) -> dict[str, list[tuple[int, int]]]:
    return {
        "complete": [(complete, 0)] * 2,
        "audio_missing": [(audio, 0)] * 2,
        "visual_missing": [(20, 0)] * 2,
    }


RUNS = {
    "plug_in/zeros": gaps(60, 50),
    "plug_in/recommended": gaps(60, 55),
    "joint/modality_dropout_wide": gaps(60, 58),
    "joint/modality_dropout": gaps(60, 40),
    "joint/recommended": gaps(60, 45),
    "field/0.8/modality_dropout": gaps(58, 30),
    "field/0.8/recommended": gaps(59, 42),
}
TRAINED = stored(RUNS)


def lines_of(figure: Figure) -> dict[str, tuple[list[float], list[float]]]:
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata()))
        for line in figure.axes[0].lines
        if len(line.get_xdata()) > 2
    }


def test_drops_run_from_nothing_to_the_whole_modality():
    found = lines_of(views.drops_figure(FOUND, "audio"))
    assert set(found) == {"zeros", "recommended", "recommended, joint"}
    # Mean of 90 and 92, less 5 a segment; the last point is the audio missing: 60 and 62.
    assert found["zeros"] == ([0, 1, 3, 5, 7, 10], [91, 86, 76, 66, 56, 61])
    assert found["recommended"][1][-1] == pytest.approx(71.5)


def test_ratios_run_between_complete_and_missing():
    found = lines_of(views.ratio_figure(FOUND, "visual_missing"))
    assert found["zeros"][0] == pytest.approx([0, 20, 40, 60, 80, 100])
    assert found["zeros"][1][0] == 91 and found["zeros"][1][-1] == 50
    both = lines_of(views.ratio_figure(FOUND, "both_missing"))
    assert both["zeros"][1][-1] == 30
    # 0.16 of 60 or 62, of 50 and of 30; 0.64 of 90 or 92: 77.6 and 79.2, as counts 77 and 79.
    assert both["zeros"][1][1] == pytest.approx((76 + 78) / 2, abs=1.0)


def test_training_rates_begin_with_the_runs_without_gaps():
    assert lines_of(views.training_rate_figure(TRAINED, "audio_missing")) == {}, "two points each"
    points = views.training_points(TRAINED)
    assert points["recommended"] == {0.0: "joint/recommended", 0.8: "field/0.8/recommended"}
    figure = views.training_rate_figure(TRAINED, "audio_missing")
    drawn = {
        str(line.get_label()): list(line.get_ydata())
        for line in figure.axes[0].lines
        if list(line.get_xdata()) == [0.0, 80.0]
    }
    assert drawn == {"modality dropout": [40.0, 30.0], "recommended": [45.0, 42.0]}


def test_sure_answers_are_drawn_and_counted_by_scenario():
    figure = views.stored_figure(FOUND, ["plug_in/zeros"], "own", views.reliability_figure)
    points = [list(line.get_ydata()) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert points == [[0.0, 100.0]]
    figure = views.stored_figure(
        FOUND,
        ["plug_in/zeros"],
        "own",
        lambda panels: views.risk_coverage_figure(panels, 0.8),
    )
    rings = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "none"]
    assert [(ring.get_xdata()[0], ring.get_ydata()[0]) for ring in rings] == [(50.0, 0.0)] * 4
    shown = views.stored_figure(
        FOUND,
        ["plug_in/zeros", "plug_in/rmm"],
        "own",
        lambda panels: views.abstention_table(panels, 0.8, caption="c"),
    )
    assert shown.text.count("zeros") == 4 and "rmm" not in shown.text
    assert shown.text.splitlines()[2].split()[-4:] == ["50.0", "100.0", "50.0", "200"]


def test_calibration_errors_are_means_within_the_hull_of_their_intervals():
    text = views.calibration_table(FOUND, ["plug_in/zeros"], caption="c").text
    assert text.count("20.0 (19.0 to 22.0)") == 4 and text.count("5.0 (4.0 to 7.0)") == 4


def guide_of(found: FieldResults, results: Stored = TRAINED) -> dict[str, field_guide.Row]:
    return {one.situation: one for one in field_guide.guide(found, results, 0.8)}


GAPS = "80 % of the training clips lack a half too"
SENSORS_GO = "A wrong answer costs more than none, both missing: at least 80 % sure"


def test_the_guide_follows_the_numbers():
    rows = guide_of(FOUND)
    three = rows["A microphone cuts out for three segments"]
    # 91 - 6 for the frozen backbone with recommended, 89 - 3 trained jointly; always one apart.
    assert three.advice == "recommended, joint"
    lead = "+1.0 points (+1.0 to +1.0, 2 seeds) over recommended"
    assert three.evidence == f"86.0 % right; {lead}"
    frozen = rows["audio missing for good, and the network in use cannot be trained again"]
    assert frozen.advice == "recommended (5 steps)"  # from the runs of chapter 5
    assert frozen.evidence == (
        "55.0 % right; +5.0 points (+5.0 to +5.0, 2 seeds) over zeros (5 steps)"
    )
    again = rows["audio missing for good, and the network can be trained again"]
    assert again.advice == "modality dropout, wider, joint (5 steps)"
    means = rows["Confidences are to mean something"]
    assert means.advice == "temperature fitted on each"
    assert means.evidence.endswith("+3.0 points (+3.0 to +3.0, 2 seeds) over fitted over all four")
    sure = rows[SENSORS_GO]
    assert sure.advice == "answer only when so sure"
    assert sure.evidence == (
        "recommended, joint: 50.0 % answered, 100.0 % of them right; "
        "+20.0 points (+20.0 to +20.0, 2 seeds) from 80 %"
    )


def test_one_seed_gives_no_verdict_in_any_line_of_the_guide():
    one_run = content({name: {of: [by[0]] for of, by in run.items()} for name, run in RUNS.items()})
    rows = guide_of(of_seed(FOUND, 1), Stored("book", one_run))
    assert len(rows) == 12
    for row in rows.values():
        assert row.advice.endswith(f"; {ONE_SEED}") and "(one seed)" in row.evidence, row
        assert "not told apart" not in row.advice


def test_three_seeds_are_counted_and_judged():
    found = audio_only({"plug_in/zeros": [60, 61, 62], "joint/recommended": [65, 66, 67]})
    choice = field_guide.choose(found, found.names, "audio_missing", least=0.0)
    assert choice.advice == "recommended, joint"
    assert choice.leads == "; +5.0 points (+5.0 to +5.0, 3 seeds) over zeros"


def test_without_stored_runs_nothing_is_advised_for_good():
    assert not any("for good" in situation for situation in guide_of(FOUND, EMPTY))


def test_every_method_that_may_be_as_good_is_named():
    """Zeros are second and always 2 behind; slot mean is third, by 20, 0 and 0."""
    found = audio_only(
        {
            "plug_in/recommended": [70, 70, 70],
            "plug_in/zeros": [68, 68, 68],
            "plug_in/slot_mean": [50, 70, 70],
        }
    )
    choice = field_guide.choose(found, found.names, "audio_missing", least=0.0)
    assert [one.label for one in choice.rivals] == ["zeros", "slot mean"]
    assert choice.advice == "recommended; not told apart from slot mean"
    assert choice.leads == "; +6.7 points (-22.0 to +35.4, 3 seeds) over slot mean"


def test_a_lead_of_one_seed_of_two_is_told_as_such():
    """Ahead by 0 and by 8: the interval of two such seeds reaches far below zero."""
    found = audio_only({"plug_in/zeros": [60, 62], "plug_in/slot_mean": [60, 70]})
    choice = field_guide.choose(found, found.names, "audio_missing", least=0.0)
    assert choice.advice == "slot mean; not told apart from zeros"


def test_methods_without_a_shared_seed_are_not_compared():
    found = audio_only({"plug_in/zeros": [60, 62], "plug_in/slot_mean": [60, 70]})
    apart = of_seed(of_seed(found, 0, "plug_in/zeros"), 1, "plug_in/slot_mean")
    choice = field_guide.choose(apart, apart.names, "audio_missing", least=0.0)
    assert (choice.advice, choice.leads) == ("slot mean; not compared with zeros", "")
    told = field_words.words(
        of_seed(of_seed(FOUND, 0, "plug_in/zeros"), 1, "plug_in/recommended"), EMPTY, 0.8
    )
    assert told["less_audio_missing"] == field_guide.NOT_COMPARED


def test_a_control_that_is_ahead_when_segments_drop_is_named():
    """A segment costs zeros 1 of 100 questions and `recommended` 2; dropout joint costs 3."""
    costs = {"plug_in/zeros": 1, "plug_in/recommended": 2}
    joint = {"joint/recommended": 1, "joint/modality_dropout": 3}
    found = field(
        {name: [failures(90, 60, 50, 30, one)] * 2 for name, one in (costs | joint).items()}
    )
    said = field_words.words(found, EMPTY, 0.8)["behind"].split("; ")
    assert len(said) == 2 * len(DROPS)
    assert said[0] == "zeros, 1 segment without sound: -1.0 points (-1.0 to -1.0, 2 seeds)"
    assert said[-1].startswith("zeros, 7 segments without picture: -7.0 points")
    assert field_words.words(FOUND, EMPTY, 0.8)["behind"] == "nowhere"
    assert field_words.words(of_seed(found, 0), EMPTY, 0.8)["behind"] == "nowhere"
    assert field_words.words(None, EMPTY, 0.8)["behind"] == NOT_RUN


def test_whoever_leads_only_by_its_seeds_is_told_to_be_behind():
    """Zeros lack the hard seed and have the higher mean; in every seed that both have they lose."""
    values = {"zeros": {0: 0.8, 1: 0.81}, "rmm": {0: 0.85, 1: 0.86, 2: 0.1}}
    choice = field_guide.compare(values, {"zeros": "zeros", "rmm": "RMM"}, least=0.0)
    assert choice.advice == "zeros; over shared seeds behind RMM"


def test_one_seed_in_common_with_some_is_said_of_those():
    values = {"a": {0: 0.9, 1: 0.9}, "b": {0: 0.8}, "c": {0: 0.7, 1: 0.7}}
    choice = field_guide.compare(values, {"a": "A", "b": "B", "c": "C"}, least=0.0)
    assert choice.advice == f"A; {ONE_SEED} on B"


@pytest.mark.parametrize(
    ("lead", "standing"),
    [
        (Interval(0.1, 0.01, 0.2), "behind"),
        (Interval(0.1, 0.0, 0.2), "open"),
        (Interval(0.0, 0.0, 0.0), "open"),
        (Interval(-0.1, -0.2, -0.01), "ahead"),
    ],
)
def test_an_interval_that_touches_zero_tells_nothing(lead, standing):
    assert field_guide.Rival("a", lead, 2).standing == standing


def test_a_frozen_backbone_with_nothing_to_complete_is_one_method():
    choice = field_guide.choose(FOUND, FOUND.names, "complete", least=0.0)
    assert (choice.label, [one.label for one in choice.rivals]) == (
        "frozen backbone, alike with each completer",
        ["recommended, joint"],
    )
    told = field_words.words(FOUND, EMPTY, 0.8)
    assert told["sure_complete"].endswith(f"({field_guide.ALIKE})")
    # Alike in number only: with the sound missing completers differ, and with two backbones too.
    tied = audio_only({"plug_in/zeros": [60, 62], "plug_in/rmm": [60, 62]})
    choice = field_guide.choose(tied, tied.names, "audio_missing", least=0.0)
    assert choice.advice == "zeros; not told apart from RMM as printed"
    other = field(
        {"plug_in/zeros": [failures(90, 1, 1, 1, 5)], "plug_in/rmm": [failures(91, 1, 1, 1, 5)]}
    )
    assert field_guide.choose(other, other.names, "complete", least=0.0).label == "RMM as printed"


def test_one_method_alone_is_not_advised_as_if_compared():
    alone = field_guide.choose(FOUND, ["plug_in/zeros"], "complete", least=0.0)
    assert (alone.advice, alone.leads) == (f"zeros; {field_guide.ALONE}", "")


def test_a_lead_that_every_seed_shares_is_advised_alone():
    choice = field_guide.choose(
        FOUND, ["plug_in/zeros", "plug_in/recommended"], "visual_missing", least=0.0
    )
    assert (choice.best, choice.advice) == ("plug_in/recommended", "recommended")


def test_gaps_are_compared_by_seed():
    """Recommended loses 1, 3 and 0, modality dropout 2, 10 and 0: 4/3 and 4 on the mean."""
    row = guide_of(FOUND)[GAPS]
    assert row.advice == "train with recommended"
    assert row.evidence == (
        "+1.3 points (+1.3 to +1.3, 2 seeds) lost, mean over both present, audio missing, visual "
        "missing; +2.7 points (+2.7 to +2.7, 2 seeds) over modality dropout; 2 methods stored"
    )


def test_gaps_pair_only_the_seeds_that_both_have():
    """A third, easy seed of the complete clips would make it a loss; without it nothing is lost."""
    easy = {scenario: [(20, 0), (20, 0), (60, 0)] for scenario in gaps(0, 0)}
    same = {scenario: [(20, 0), (20, 0)] for scenario in gaps(0, 0)}
    row = guide_of(FOUND, stored({"joint/recommended": easy, "field/0.8/recommended": same}))[GAPS]
    assert row.advice == f"train with recommended; {field_guide.ALONE}"
    assert row.evidence.startswith("+0.0 points (+0.0 to +0.0, 2 seeds) lost")
    assert row.evidence.endswith("1 method stored")


def test_gaps_that_share_no_seed_with_complete_clips_are_left_out():
    told = content({"joint/recommended": gaps(60, 45), "field/0.8/recommended": gaps(59, 42)})
    place = {"joint/recommended": 0, "field/0.8/recommended": 1}
    told["runs"] = [one for one in told["runs"] if one["seed"] == place[one["experiment"]]]
    apart = Stored("book", told)
    assert GAPS not in guide_of(FOUND, apart)
    assert field_words.words(FOUND, apart, 0.8)["gap_recommended_complete"] == NOT_RUN


def test_temperatures_that_are_not_told_apart_are_all_named():
    """Fitted on each is better by 3 points in one seed, by 2 in the other: 2.5 +- 6.4."""
    worse = [
        replace(one, error=Interval(0.06, 0.05, 0.08)) if one.fitted == "own" else one
        for one in FOUND.runs[1].failures.sureness
    ]
    runs = tuple(
        replace(one, failures=replace(one.failures, sureness=tuple(worse))) if one.seed else one
        for one in FOUND.runs
    )
    row = guide_of(replace(FOUND, runs=runs))["Confidences are to mean something"]
    # 5 and 6 against 8 and 8, and against 10 and 10; as trained is behind at 20.
    assert row.advice == (
        "temperature fitted on each; not told apart from fitted over all four and fitted on "
        "complete clips"
    )


@pytest.mark.parametrize(
    ("right", "advice"),
    [
        ([0.9, 0.91, 0.92], "answer only when so sure"),
        ([0.7, 0.9, 0.9], "answer only when so sure; not told apart from what was asked for"),
        ([0.5, 0.51, 0.52], "raise the threshold, or say nothing"),
        ([0.9], f"answer only when so sure; {ONE_SEED}"),
        ([0.7], f"raise the threshold, or say nothing; {ONE_SEED}"),
        ([], "raise the threshold, or say nothing"),
    ],
)
def test_sure_answers_are_judged_over_seeds(right, advice):
    row = guide_of(sure_of(right))[SENSORS_GO]
    assert row.advice == advice
    assert right or row.evidence == "zeros: 0.0 % answered, none"


def sure_of(right: list[float]) -> FieldResults:
    """Return one method whose sure answers are right so often; with no seed nothing is sure."""
    found = field({"plug_in/zeros": [failures(90, 60, 50, 30, 5)] * max(1, len(right))})
    runs = []
    for place, one in enumerate(found.runs):
        kept = round(100 * right[place]) if right else 0
        answers = binned([0.85 if right else 0.3] * 100, [True] * kept + [False] * (100 - kept))
        sureness = [replace(of, confidences=answers) for of in one.failures.sureness]
        runs.append(replace(one, failures=replace(one.failures, sureness=tuple(sureness))))
    return replace(found, runs=tuple(runs))


def test_what_is_not_stored_is_a_box_with_the_command():
    caption = {"caption": "c"}
    shown = (
        views.drops_figure(None, "audio"),
        views.ratio_figure(None, "audio_missing"),
        views.calibration_table(None, ["plug_in/zeros"], **caption),
        views.stored_figure(None, ["plug_in/zeros"], "none", views.reliability_figure),
        views.stored_figure(FOUND, ["plug_in/rmm"], "none", views.reliability_figure),
        field_guide.guide_table(None, EMPTY, 0.8, **caption),
    )
    for one in shown:
        assert isinstance(one, Rich) and "avqa field" in one.text
    trained = views.training_rate_figure(EMPTY, "audio_missing")
    assert isinstance(trained, Rich) and "--only field" in trained.text


def test_every_glued_name_of_the_chapter_is_made_there_or_here():
    source = CHAPTER.read_text()
    quoted = set(re.findall(r"\{glue:text\}`([a-z_0-9]+)(?::[^`]*)?`", source))
    live = set(re.findall(r'glue\(\s*"([a-z_]+)"', source))
    for found, results in ((None, EMPTY), (FOUND, TRAINED)):
        told = field_words.words(found, results, 0.8)
        assert quoted == live | set(told)


def test_the_words_are_computed():
    told = field_words.words(FOUND, TRAINED, 0.8)
    assert told["zeros_audio_three"] == "+15.0 points (+15.0 to +15.0, 2 seeds)"
    assert told["recommended_audio_all"].startswith("+19.5")
    # Zeros lose 30 and 30, recommended 20 and 19: 10.5 less.
    assert told["less_audio_missing"] == "+10.5 points (+4.1 to +16.9, 2 seeds)"
    assert float(told["bend"].split()[0]) <= 0.5  # counts are whole
    assert told["gap_recommended_audio_missing"] == "+3.0 points (+3.0 to +3.0, 2 seeds)"
    assert told["sure_both_missing"] == "50 % answered, 100 % of them right (recommended, joint)"
    assert (told["error_complete_none"], told["error_complete_own"]) == ("20.0", "5.0")
    assert told["counted"].startswith("6 stored runs of 2 seeds")
    nothing = field_words.words(None, EMPTY, 0.8)
    assert nothing["sure_complete"] == nothing["bend"] == nothing["zeros_audio_all"] == NOT_RUN


def test_the_words_of_one_seed_say_so():
    one = stored({name: {of: [by[0]] for of, by in run.items()} for name, run in RUNS.items()})
    told = field_words.words(of_seed(FOUND, 0), one, 0.8)
    assert told["zeros_audio_all"] == "+30.0 points (one seed)"
    assert told["less_visual_missing"] == "+10.0 points (one seed)"
    assert told["gap_modality_dropout_audio_missing"] == "+10.0 points (one seed)"
