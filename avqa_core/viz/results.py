"""From reports and events to what the figures take: plain mappings of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from avqa_core.report import Report
from avqa_core.training.events import EvaluationDone, Event, StepDone

Reports = Mapping[str, Sequence[Report]]
Curves = dict[str, tuple[list[int], list[float]]]


def accuracies_by_scenario(
    reports: Reports, group: str | None = None
) -> dict[str, dict[str, list[float]]]:
    """Return method -> scenario -> one fraction a seed, from one report a seed.

    Args:
        reports: method -> reports of its seeds.
        group: only questions of one group, such as ``Audio``; all if None.
    """
    return {
        method: {
            scenario: [report.accuracy(scenario, group) for report in of_seeds]
            for scenario in _shared_scenarios(of_seeds)
        }
        for method, of_seeds in reports.items()
    }


def accuracies_by_category(reports: Reports, scenario: str) -> dict[str, dict[str, list[float]]]:
    """Return method -> category -> one fraction a seed, in one scenario."""
    found: dict[str, dict[str, list[float]]] = {}
    for method, of_seeds in reports.items():
        found[method] = {}
        for report in of_seeds:
            for row in report.select(scenario):
                found[method].setdefault(str(row.category), []).append(row.tally.accuracy)
    return found


def floors_by_scenario(report: Report) -> dict[str, float]:
    """Return scenario -> what the question alone gives, where it is known."""
    return _known({name: report.total(name).floor for name in report.scenarios})


def ceilings_by_scenario(report: Report) -> dict[str, float]:
    """Return scenario -> what a perfect observer could reach, where it is known."""
    return _known({name: report.total(name).ceiling for name in report.scenarios})


def floors_by_category(report: Report, scenario: str) -> dict[str, float]:
    """Return category -> floor in one scenario, where it is known."""
    return _known({str(row.category): row.floor for row in report.select(scenario)})


def ceilings_by_category(report: Report, scenario: str) -> dict[str, float]:
    """Return category -> ceiling in one scenario, where it is known."""
    return _known({str(row.category): row.ceiling for row in report.select(scenario)})


def loss_curves(events: Iterable[Event]) -> Curves:
    """Return every loss by name as (steps, values)."""
    curves: Curves = {}
    for event in events:
        if isinstance(event, StepDone):
            for name, value in event.losses.items():
                _append(curves, name, event.step, value)
    return curves


def accuracy_curves(events: Iterable[Event]) -> Curves:
    """Return the validation accuracy of every scenario as (steps, fractions)."""
    curves: Curves = {}
    for event in events:
        if isinstance(event, EvaluationDone):
            for scenario, value in event.accuracies.items():
                _append(curves, scenario, event.step, value)
    return curves


def _append(curves: Curves, name: str, step: int, value: float) -> None:
    steps, values = curves.setdefault(name, ([], []))
    steps.append(step)
    values.append(float(value))


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _shared_scenarios(reports: Sequence[Report]) -> list[str]:
    """Return the scenarios that every seed was evaluated in; others would mix sets of seeds."""
    first, *others = reports
    return [name for name in first.scenarios if all(name in one.scenarios for one in others)]
