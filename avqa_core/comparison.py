"""Two reports about the same questions, compared question by question."""

from __future__ import annotations

import numpy as np

from avqa_core.errors import ConfigError
from avqa_core.metrics import Interval, clustered_bootstrap
from avqa_core.report import Answered, Report


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
    if mine.question_ids != other.question_ids:
        raise ConfigError(
            f"comparison: expected answers to the same questions, got {len(mine.question_ids)} and "
            f"{len(other.question_ids)} that differ: evaluate both on one split"
        )
    return clustered_bootstrap(
        mine.is_correct, other.is_correct, mine.video_ids, generator=generator
    )


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
        "keep_answers=True"
    )
