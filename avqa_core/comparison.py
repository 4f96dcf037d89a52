"""Two reports about the same questions, compared question by question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avqa_core.data.availability import Scenario
from avqa_core.errors import ConfigError
from avqa_core.metrics import Interval, Tally, clustered_bootstrap, mcnemar
from avqa_core.report import Answered, Report


@dataclass(frozen=True, slots=True)
class Compared:
    """Two models on the same questions of one scenario.

    Attributes:
        scenario: in which both answered.
        ours: right answers of one.
        theirs: right answers of the other.
        gain: ours minus theirs, with its 95 % interval from redrawing whole clips.
        p_value: of McNemar's exact test that both are equally often right, which takes questions
            as independent; the interval does not.
    """

    scenario: str
    ours: Tally
    theirs: Tally
    gain: Interval
    p_value: float


def compared(ours: Report, theirs: Report, *, generator: np.random.Generator) -> Sequence[Compared]:
    """Compare two reports in every scenario that both kept their answers in.

    Raises:
        ConfigError: there is none, or they are not about the same questions.
    """
    names = {one.scenario for one in theirs.answered}
    shared = [one for one in ours.answered if one.scenario in names]
    if not shared:
        raise ConfigError(
            "comparison: expected answers of both reports in one scenario at least, got "
            f"{', '.join(one.scenario for one in ours.answered) or 'none'} and "
            f"{', '.join(sorted(names)) or 'none'}: evaluate both with --keep-answers"
        )
    found = []
    for mine in shared:
        difference = gain(ours, theirs, mine.scenario, generator=generator)
        other = _answered(theirs, mine.scenario)
        found.append(
            Compared(
                mine.scenario,
                Tally(sum(mine.is_correct), len(mine.is_correct)),
                Tally(sum(other.is_correct), len(other.is_correct)),
                difference,
                mcnemar(mine.is_correct, other.is_correct),
            )
        )
    return found


def table(rows: Sequence[Compared]) -> str:
    """Return the comparison for a terminal."""
    head = (
        f"{'scenario':<18}{'questions':>10}{'ours':>8}{'theirs':>8}{'gain':>8}{'95 %':>18}{'p':>9}"
    )
    lines = [head]
    for one in rows:
        bounds = f"{100 * one.gain.low:+.1f} to {100 * one.gain.high:+.1f}"
        lines.append(
            f"{one.scenario:<18}{one.ours.total:>10}{100 * one.ours.accuracy:>8.1f}"
            f"{100 * one.theirs.accuracy:>8.1f}{100 * one.gain.estimate:>+8.1f}{bounds:>18}"
            f"{one.p_value:>9.2g}"
        )
    return "\n".join(lines) + "\n"


def gain(
    ours: Report, theirs: Report, scenario: str, *, generator: np.random.Generator
) -> Interval:
    """Return by how much ``ours`` is more often right, with an interval from redrawing clips.

    Whole clips are redrawn, because questions about one clip are not independent. The interval
    tells how far the gain depends on these clips; it does not tell about other training seeds.

    Args:
        ours: with its answers kept.
        theirs: with its answers kept, to the same questions.
        scenario: in which both were evaluated.
        generator: source of the redraws.

    Raises:
        ConfigError: answers were not kept, or not to the same questions.
    """
    mine, other = _answered(ours, scenario), _answered(theirs, scenario)
    asked = ("question_ids", "video_ids", "truth")
    if any(getattr(mine, name) != getattr(other, name) for name in asked):
        raise ConfigError(
            f"comparison: expected answers to the same questions, got {len(mine.question_ids)} and "
            f"{len(other.question_ids)} that differ: evaluate both on one split of one data folder"
        )
    if ours.seed != theirs.seed and _is_drawn(scenario):
        raise ConfigError(
            f"comparison: expected one seed, which decides who misses what in {scenario}, got "
            f"{ours.seed} and {theirs.seed}: evaluate both with one --seed"
        )
    return clustered_bootstrap(
        mine.is_correct, other.is_correct, mine.video_ids, generator=generator
    )


def _is_drawn(scenario: str) -> bool:
    """Say whether a seed decides who misses what."""
    one = Scenario.parse(scenario)
    shares = {one.audio_missing, one.visual_missing}
    return not shares <= {0.0, 1.0} or one.audio_drops > 0 or one.visual_drops > 0


def recovered_share(accuracy: float, control: float, ceiling: float) -> float:
    """Return which share of what was lost and could be had again is had again.

    0 is the control, 1 is the perfect observer of what is present.

    Raises:
        ConfigError: the control leaves nothing to recover.
    """
    if not control < ceiling:
        raise ConfigError(
            f"comparison: expected a control below the ceiling, got {control} and {ceiling}: "
            "there is nothing to recover, so the share has no meaning"
        )
    return (accuracy - control) / (ceiling - control)


def _answered(report: Report, scenario: str) -> Answered:
    for one in report.answered:
        if one.scenario == scenario:
            return one
    raise ConfigError(
        f"comparison: expected the answers of scenario {scenario!r}, got "
        f"{', '.join(one.scenario for one in report.answered) or 'none'}: evaluate with "
        "--keep-answers"
    )
