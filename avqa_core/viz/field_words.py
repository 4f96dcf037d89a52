"""The numbers that the prose of the chapter on failing sensors quotes, by their glued names."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from avqa_core.ledger import least_spread, ledger, paired
from avqa_core.studies.field_results import FieldResults
from avqa_core.studies.sensor_failures import DROPS, RATIOS, WHOLE, Fitted
from avqa_core.viz.field_guide import NOT_COMPARED, choose
from avqa_core.viz.field_views import label_of, ratio_name, training_points
from avqa_core.viz.points import in_words, seeds_text
from avqa_core.viz.result_words import NOT_RUN, gap_text, verdicts_text
from avqa_core.viz.tables import counted

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored
    from avqa_core.metrics import Interval

ZEROS, OURS = "plug_in/zeros", "plug_in/recommended"
# What each form of ``recommended`` is compared with: the backbone frozen, or trained on.
AGAINST = {
    OURS: (ZEROS, "plug_in/slot_mean", "plug_in/rmm"),
    "joint/recommended": ("joint/modality_dropout",),
}
SENSES = {"audio": "sound", "visual": "picture"}
MISSING = ("audio_missing", "visual_missing")


def words(found: FieldResults | None, stored: Stored, at_least: float) -> dict[str, str]:
    """Return every quoted number as text; what is not stored says so.

    Args:
        found: stored counts.
        stored: results over seeds.
        at_least: how sure an answer has to be.
    """
    least = least_spread(stored)
    figure_5 = [one for one in ledger(stored) if one.claim.source == "Fig. 5"]
    return {
        "at_least": f"{100 * at_least:.0f} %",
        "figure_5": verdicts_text(figure_5),
        "counted": _counted(found),
        "apart": _apart(found, stored),
        **_drops(found, least),
        "behind": _behind(found, least),
        **_ratios(found, least),
        **_gaps(stored),
        **_errors(found),
        **_sure(found, at_least, least),
    }


def _counted(found: FieldResults | None) -> str:
    """Say how many runs were counted on how many questions."""
    if found is None:
        return "No runs were counted yet; 'avqa field' counts them"
    runs, questions = len(found.runs), found.runs[0].failures.total
    of = seeds_text(len({one.seed for one in found.runs}))
    asked = f"{questions:,} test questions each"
    return f"{runs} stored runs of {of} were counted by 'avqa field', on {asked}"


def _apart(found: FieldResults | None, stored: Stored) -> str:
    """Return how far mean accuracies lie from those of the same runs on other pages, at most.

    The networks that were counted need not be those whose results are stored: the same run on
    another processor ends with other weights.
    """
    if found is None:
        return NOT_RUN
    gaps = [
        abs(found.accuracy(name, one).estimate - stored.accuracy(name, one).estimate)
        for name in found.names
        if stored.has(name)
        for one in ("complete", *MISSING)
    ]
    return f"{100 * max(gaps):.1f} points" if gaps else NOT_RUN


def _drops(found: FieldResults | None, least: float) -> dict[str, str]:
    """Return what three dropped segments, and all of them, cost the frozen backbone."""
    told = {}
    for method, name in (("zeros", ZEROS), ("recommended", OURS)):
        for modality in ("audio", "visual"):
            for words_, scenario in (
                ("three", f"{modality}_drops(3)"),
                ("all", f"{modality}_missing"),
            ):
                told[f"{method}_{modality}_{words_}"] = _lost(found, name, scenario, least)
    return told


def _behind(found: FieldResults | None, least: float) -> str:
    """Say where ``recommended`` is behind a control that is trained alike, told apart, by a gap."""
    if found is None:
        return NOT_RUN
    pairs = [(ours, control) for ours, controls in AGAINST.items() for control in controls]
    told = []
    for (ours, control), modality, segments in product(pairs, SENSES, DROPS):
        if {ours, control} <= set(found.names):
            scenario = f"{modality}_drops({segments})"
            mine, theirs = (found.accuracies(one, scenario) for one in (ours, control))
            gap, num_shared = paired(mine, theirs, least)
            if gap is not None and gap.high < 0:
                lost = f"{counted(segments, 'segment')} without {SENSES[modality]}"
                told.append(f"{label_of(control)}, {lost}: {in_words(gap, num_shared)}")
    return "; ".join(told) or "nowhere"


def _lost(found: FieldResults | None, name: str, scenario: str, least: float) -> str:
    if found is None or name not in found.names:
        return NOT_RUN
    whole, left = (found.accuracies(name, one) for one in ("complete", scenario))
    return _in_words(*paired(whole, left, least))


def _in_words(gap: Interval | None, num_shared: int) -> str:
    return NOT_COMPARED if gap is None else in_words(gap, num_shared)


def _ratios(found: FieldResults | None, least: float) -> dict[str, str]:
    """Return by how much the curves of Fig. 5 leave a straight line, and who loses less."""
    if found is None or not {ZEROS, OURS} <= set(found.names):
        return dict.fromkeys(("bend", "less_audio_missing", "less_visual_missing"), NOT_RUN)
    told = {"bend": f"{100 * _bend(found):.1f} points"}
    for scenario in MISSING:
        lost = {}
        for name in (ZEROS, OURS):
            whole, left = (found.accuracies(name, one) for one in ("complete", scenario))
            lost[name] = {seed: whole[seed] - left[seed] for seed in whole}
        told[f"less_{scenario}"] = _in_words(*paired(lost[ZEROS], lost[OURS], least))
    return told


def _bend(found: FieldResults) -> float:
    """Return the largest distance of any mean from the line between its two ends."""
    distances = []
    for name in found.names:
        for missing in MISSING:
            ends = [found.accuracy(name, one).estimate for one in ("complete", missing)]
            for ratio in RATIOS:
                line = (1 - ratio) * ends[0] + ratio * ends[1]
                came = found.accuracy(name, ratio_name(missing, ratio)).estimate
                distances.append(abs(came - line))
    return max(distances)


def _gaps(stored: Stored) -> dict[str, str]:
    """Return what the highest missing rate while training costs, with nothing missing in use."""
    told = {}
    for method, points in training_points(stored).items():
        for scenario in ("complete", *MISSING):
            told[f"gap_{method}_{scenario}"] = (
                gap_text(stored, points[0.0], points[max(points)], scenario)
                if 0.0 in points
                else NOT_RUN
            )
    return told


def _errors(found: FieldResults | None) -> dict[str, str]:
    """Return mean calibration errors of the frozen backbone fed with zeros, in points."""
    quoted: tuple[tuple[str, Fitted], ...] = (
        ("complete", "none"),
        ("complete", "scenarios"),
        ("complete", "own"),
        ("visual_missing", "none"),
        ("visual_missing", "complete"),
        ("visual_missing", "own"),
    )
    told = {}
    for scenario, fitted in quoted:
        text = NOT_RUN
        if found is not None and ZEROS in found.names:
            errors = [one.error.estimate for one in found.sureness(ZEROS, scenario, fitted)]
            text = f"{100 * sum(errors) / len(errors):.1f}"
        told[f"error_{scenario}_{fitted}"] = text
    return told


def _sure(found: FieldResults | None, at_least: float, least: float) -> dict[str, str]:
    """Return coverage and accuracy of the best method in each scenario, before and after."""
    temperatures: dict[str, Fitted] = {"raw": "none", "sure": "own"}
    told = {}
    for scenario in WHOLE:
        for word, fitted in temperatures.items():
            text = NOT_RUN
            if found is not None:
                choice = choose(found, found.names, scenario, least)
                answered, right = found.pooled(choice.best, scenario, fitted).answered_at(at_least)
                of_them = f", {100 * right.accuracy:.0f} % of them right" if right.total else ""
                share = 100 * answered.accuracy
                text = f"{share:{'.1f' if 0 < share < 1 else '.0f'}} % answered{of_them}"
                text += f" ({choice.label})"
            told[f"{word}_{scenario}"] = text
    return told
