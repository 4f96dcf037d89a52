"""The main finding is computed from stored counts, and says when nothing is stored."""

from __future__ import annotations

import math

import pytest

from avqa_core.experiments import plan
from avqa_core.experiments.results import Stored
from avqa_core.metrics import Interval
from avqa_core.viz import main_results, points
from avqa_core.viz.display import Rich
from tests.experiments.stored_results import stored

# Right answers out of 60 and 40 questions, three seeds; all scenarios alike but the first.
ZEROS, MEAN, OURS = (
    [(30, 20), (30, 21), (30, 19)],
    [(36, 20), (36, 21), (36, 19)],
    [(42, 24), (42, 25), (42, 23)],
)
SCENARIOS = main_results.SCENARIOS


def results() -> Stored:
    return stored(
        {
            "plug_in/zeros": {name: ZEROS for name in SCENARIOS},
            "plug_in/slot_mean": {name: MEAN for name in SCENARIOS},
            "plug_in/recommended": {name: OURS for name in SCENARIOS},
        }
    )


def lead_of(**counts: list[tuple[int, int]]) -> main_results.Lead | None:
    """Return the lead with both present, by counts of plug-ins."""
    made = stored({f"plug_in/{name}": {"complete": of} for name, of in counts.items()})
    return main_results.lead(made, "complete")


def test_every_experiment_of_the_main_finding_is_in_the_plan():
    names = {one.name for one in plan("book")}
    assert {*main_results.METHODS.values(), main_results.BACKBONE} <= names
    assert set(main_results.CONTROLS) < set(main_results.METHODS)


def test_the_lead_is_over_the_control_that_decides_and_paired():
    found = main_results.lead(results(), "audio_missing")
    assert found is not None
    assert (found.pair[1], found.num_seeds, found.verdict) == ("plug_in/slot_mean", 3, "holds")
    # 42 + 24 of 100 against 36 + 20: ten points at every seed, so the interval has no width.
    assert found.ours.estimate == pytest.approx(0.10)
    assert (found.ours.low, found.ours.high) == pytest.approx((0.10, 0.10))
    said = main_results.lead_sentence(results(), "audio_missing")
    assert "66.0 %, ahead of its closest control, slot mean:" in said
    assert said.endswith(": +10.0 points (+10.0 to +10.0, 3 seeds)")


@pytest.mark.parametrize(
    ("ours", "verdict"), [(MEAN, "open"), (ZEROS, "contradicted"), (OURS, "holds")]
)
def test_the_verdict_follows_the_interval(ours, verdict):
    found = lead_of(zeros=ZEROS, slot_mean=MEAN, recommended=ours)
    assert found is not None and found.verdict == verdict


def test_ahead_of_the_strongest_on_average_is_not_ahead_of_every_control():
    """Retrieval is behind slot mean on average, but no seed says so surely."""
    shaky = [(36, 10), (36, 30), (36, 18)]
    found = lead_of(slot_mean=MEAN, retrieval_without_question=shaky, recommended=OURS)
    assert found is not None
    assert (found.pair[1], found.verdict) == ("plug_in/retrieval_without_question", "open")


def test_rows_stand_between_floor_and_ceiling():
    first, *methods, last = main_results.main_rows(results())
    assert (first.name, last.name) == ("floor", "ceiling")
    assert [row.name for row in methods] == ["zeros", "slot_mean", "recommended"]
    # 60 questions at 0.5 and 40 at 0.25; 60 at 1 and 40 at 0.75
    assert first.accuracies == pytest.approx((0.4,) * 4)
    assert last.accuracies == pytest.approx((0.9,) * 4)
    accuracy = methods[0].accuracies[1]
    assert isinstance(accuracy, Interval) and accuracy.estimate == pytest.approx(0.5)


def test_the_figure_has_a_panel_for_each_scenario_and_a_row_for_each_method():
    figure = main_results.main_figure(results())
    assert not isinstance(figure, Rich)
    assert len(figure.axes) == 4
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == ["zeros", "slot mean", "recommended"]
    assert figure.axes[0].get_title() == "both present\nfloor 40\nceiling 90"


def test_without_stored_results_the_command_is_told():
    nothing = Stored("book")
    box = main_results.main_figure(nothing)
    assert isinstance(box, Rich) and "make results" in box.html and "make results" in box.text
    assert main_results.main_rows(nothing) == []
    assert main_results.lead(nothing, "complete") is None
    assert "make results" in main_results.lead_sentence(nothing, "complete")
    assert "make results" in main_results.length_sentence(nothing)


def test_the_length_of_the_stored_runs_is_told():
    counts = {name: {"complete": OURS} for name in ("complete/positions", "plug_in/recommended")}
    # every made-up run has 5 steps, and 2, 3 and 4 seconds
    said = main_results.length_sentence(stored(counts))
    assert said == "1,200 clips, 5 steps for the backbone (0 min), 5 for what is plugged in (0 min)"


def test_a_single_seed_has_no_interval_to_show():
    assert points.in_points(Interval(0.031, math.nan, math.nan)) == "+3.1"
