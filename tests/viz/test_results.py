"""Reports and events become what the figures take."""

from __future__ import annotations

from avqa_core.report import Report, ReportRow
from avqa_core.training.events import CheckpointWritten, EvaluationDone, Finished, StepDone
from avqa_core.viz import results
from avqa_core.viz.figures import accuracy_by_category, accuracy_by_scenario
from avqa_core.viz.live import watch


def report(seed: int, correct: int, scenarios=("complete", "audio_missing")) -> Report:
    rows = [
        ReportRow(
            scenario=scenario,
            group=group,
            kind="Counting",
            correct=correct,
            total=total,
            floor=0.25,
            ceiling=0.75 if scenario == "audio_missing" else None,
        )
        for scenario in scenarios
        for group, total in (("Audio", 10), ("Visual", 30))
    ]
    return Report(split="test", seed=seed, rows=tuple(rows))


REPORTS = {"rmm": [report(0, 5), report(1, 8)], "zeros": [report(0, 2)]}
EVENTS = [
    StepDone(1, {"answer": 2.0, "total": 3.0}, 1e-4, 0.1),
    StepDone(2, {"answer": 1.0, "total": 2.0}, 1e-4, 0.1),
    EvaluationDone(2, {"complete": 0.5}, 0.5, True),
    CheckpointWritten(2, "step-2", True),
    Finished(2, 0.5, 0.2),
]


def test_accuracies_are_micro_averages_by_seed():
    found = results.accuracies_by_scenario(REPORTS)
    assert found["rmm"] == {"complete": [0.25, 0.4], "audio_missing": [0.25, 0.4]}
    assert results.accuracies_by_scenario(REPORTS, "Audio")["zeros"]["complete"] == [0.2]


def test_a_scenario_that_a_seed_lacks_is_left_out():
    reports = {"rmm": [report(0, 5), report(1, 5, scenarios=("complete",))]}
    assert list(results.accuracies_by_scenario(reports)["rmm"]) == ["complete"]


def test_categories_keep_their_own_counts():
    found = results.accuracies_by_category(REPORTS, "complete")
    assert found["zeros"] == {"Audio Counting": [0.2], "Visual Counting": [2 / 30]}


def test_floors_and_ceilings_are_there_where_they_are_known():
    one = REPORTS["rmm"][0]
    assert results.floors_by_scenario(one) == {"complete": 0.25, "audio_missing": 0.25}
    assert results.ceilings_by_scenario(one) == {"audio_missing": 0.75}
    assert results.floors_by_category(one, "complete")["Audio Counting"] == 0.25
    assert results.ceilings_by_category(one, "complete") == {}


def test_figures_take_what_comes_out():
    figure = accuracy_by_scenario(
        results.accuracies_by_scenario(REPORTS),
        floors=results.floors_by_scenario(REPORTS["rmm"][0]),
        ceilings=results.ceilings_by_scenario(REPORTS["rmm"][0]),
    )
    assert [text.get_text() for text in figure.axes[0].texts] == ["32.5", "10.0"]
    one = REPORTS["rmm"][0]
    figure = accuracy_by_category(
        results.accuracies_by_category(REPORTS, "audio_missing"),
        floors=results.floors_by_category(one, "audio_missing"),
        ceilings=results.ceilings_by_category(one, "audio_missing"),
    )
    assert len(figure.axes[0].get_yticklabels()) == 2


def test_curves_come_from_events_by_name():
    assert results.loss_curves(EVENTS)["answer"] == ([1, 2], [2.0, 1.0])
    assert results.accuracy_curves(EVENTS) == {"complete": ([2], [0.5])}


def test_watching_passes_everything_on_and_draws_at_the_end():
    shown = []
    passed = list(watch(EVENTS, show=shown.append, every_seconds=1e9))
    assert passed == EVENTS
    assert len(shown) == 1
    assert shown[0].axes[0].lines[0].get_xdata()[-1] == 2


def test_watching_draws_in_between_and_after_an_early_end():
    shown = []
    list(watch(EVENTS, show=shown.append, every_seconds=0.0))
    assert len(shown) == len(EVENTS)
    shown.clear()
    list(watch(EVENTS[:2], show=shown.append, every_seconds=1e9))
    assert len(shown) == 1
    assert list(watch([], show=shown.append)) == []
