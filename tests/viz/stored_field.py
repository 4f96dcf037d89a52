"""Stored counts of failing sensors in which every number can be checked by hand."""

from __future__ import annotations

from collections.abc import Mapping

from avqa_core.abstention import binned
from avqa_core.metrics import Interval
from avqa_core.studies import sensor_failures
from avqa_core.studies.field_results import FieldResults, FieldRun
from avqa_core.studies.sensor_failures import Count, Failures, Sureness
from avqa_core.studies.stored_counts import Provenance

TOTAL = 100
MADE_BY = Provenance(
    package_version="0.1",
    commit="c",
    torch_version="2",
    python_version="3",
    device="CPU",
    source_hash="h",
    source_modules=("avqa_core.types",),
)


def failures(complete: int, audio: int, visual: int, both: int, drop: int) -> Failures:
    """Return counts in which each dropped segment costs ``drop`` and ratios are straight lines."""
    ends = dict(zip(sensor_failures.WHOLE, (complete, audio, visual, both), strict=True))
    counts = dict(ends)
    for scenario in sensor_failures.drop_scenarios(10):
        lost = scenario.audio_drops + scenario.visual_drops
        counts[str(scenario)] = complete - drop * lost
    for scenario in sensor_failures.ratio_scenarios():
        a, v = scenario.audio_missing, scenario.visual_missing
        mean = (
            (1 - a) * (1 - v) * complete + a * (1 - v) * audio + (1 - a) * v * visual + a * v * both
        )
        counts[str(scenario)] = round(mean)
    return Failures(
        total=TOTAL,
        counts=tuple(Count(scenario=name, correct=one) for name, one in counts.items()),
        sureness=tuple(
            Sureness(
                scenario=name,
                fitted=fitted,
                temperature=1.5,
                error=Interval(error, error - 0.01, error + 0.02),
                # Half of the questions at this confidence, all right; the others at 0.3.
                confidences=binned([sure] * 50 + [0.3] * 50, [True] * 50 + [False] * 50),
            )
            for name in sensor_failures.WHOLE
            for fitted, error, sure in (
                ("none", 0.2, 0.99),
                ("complete", 0.1, 0.9),
                ("scenarios", 0.08, 0.7),
                ("own", 0.05, 0.85),
            )
        ),
    )


def field(counts: Mapping[str, list[Failures]]) -> FieldResults:
    """Return stored counts: experiment -> one entry a seed."""
    return FieldResults(
        date="2026-01-31",
        command="avqa field --profile book",
        provenance=MADE_BY,
        made_by=(MADE_BY,),
        num_clips=20,
        num_segments=10,
        runs=tuple(
            FieldRun(
                experiment=name,
                about=f"about {name}",
                seed=seed,
                identity=f"{name}{seed}",
                made_by=0,
                failures=one,
            )
            for name, of in counts.items()
            for seed, one in enumerate(of)
        ),
    )
