"""The numbers that the chapter on the question alone has in its prose, ready to be glued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from avqa_core.data.annotations import CATEGORIES
from avqa_core.metrics import Interval
from avqa_core.paper_baselines import (
    CORRECTED,
    FIRST_RELEASE,
    PrintedRow,
    beside,
    best_of_one_half,
)
from avqa_core.studies.floor_results import FloorResults
from avqa_core.studies.question_floors import ALL, NEW_CLIPS
from avqa_core.viz.points import spanned

Printed = Mapping[str, Sequence[PrintedRow]]


def words(found: FloorResults, fit: Sequence[str], printed: Printed) -> dict[str, str]:
    """Return every number of the page by the name it is glued under.

    Args:
        found: floors of both test files, and of a fit with more files.
        fit: files that the floors are fitted on.
        printed: missing modality -> rows of Tables 1 and 3.
    """
    measured = found.of(fit, CORRECTED)
    files = {one.name: one for one in found.files}
    told = {
        name: spanned(measured.row(name).accuracy, unit=" %")
        for name in ("constant", "category", "template", "question", "encoder")
    }
    for missing, rows in printed.items():
        plain = [row for row in rows if row.is_plain]
        for verdict in ("below", "not told apart", "above"):
            names = [row.method for row in plain if _verdict(found, fit, row) == verdict]
            told[f"{verdict}_{missing}".replace(" ", "_")] = _listed(names)
        told[f"num_plain_{missing}"] = str(len(plain))
        told |= _one_half(missing, rows)
        for verdict in ("below", "above"):
            told[f"{verdict}_by_category_{missing}"] = _by_category(found, fit, plain, verdict)
    told |= _avst(found, fit, printed["audio"]) | _others(found, fit, printed)
    first, corrected = (
        found.of(fit, test).row("template").accuracy for test in (FIRST_RELEASE, CORRECTED)
    )
    (gain,) = [
        one
        for of in found.gains
        if of.test == CORRECTED
        for one in of.rows
        if (one.floor, one.scope) == ("template", ALL)
    ]
    return told | {
        "template_first": spanned(first, unit=" %"),
        "release_points": f"{100 * abs(first.estimate - corrected.estimate):.2f}",
        "template_new": spanned(measured.row("template", NEW_CLIPS).accuracy, unit=" %"),
        "num_new": str(measured.row("template", NEW_CLIPS).total),
        "num_fitted": str(sum(files[name].rows for name in fit)),
        "num_test": str(files[CORRECTED].rows),
        "num_test_first": str(files[FIRST_RELEASE].rows),
        "num_repeated": str(files[FIRST_RELEASE].repeated_ids),
        "shared_videos": str(measured.shared_videos),
        "test_videos": str(files[CORRECTED].videos),
        "new_questions": str(measured.new_questions),
        "num_encoders": str(len(measured.readers)),
        "synthetic": spanned(Interval(gain.gain, gain.low, gain.high), "+.1f", unit=" points"),
        "command": found.command,
    }


def _one_half(missing: str, rows: Sequence[PrintedRow]) -> dict[str, str]:
    """Return how the paper's method stands beside networks that never needed the missing half."""
    best = best_of_one_half(missing)
    (method,) = (row for row in rows if row.method == "AVST+Ours" and row.test == CORRECTED)
    ours = method.accuracies[ALL]
    return {
        f"half_{missing}": f"{best.method}, {100 * best.accuracy:.2f} %",
        f"ours_{missing}": f"{100 * ours:.2f} %",
        f"over_half_{missing}": f"{100 * (ours - best.accuracy):+.2f}",
    }


def _by_category(
    found: FloorResults, fit: Sequence[str], rows: Sequence[PrintedRow], verdict: str
) -> str:
    """Return the categories in which networks have a verdict, and how many of them."""
    counted = {
        str(category): sum(_verdict(found, fit, row, str(category)) == verdict for row in rows)
        for category in CATEGORIES
    }
    said = [f"{name} ({count} of {len(rows)})" for name, count in counted.items() if count]
    return _listed(said)


def _avst(found: FloorResults, fit: Sequence[str], rows: Sequence[PrintedRow]) -> dict[str, str]:
    """Return how the paper's largest gain is made up."""
    by_method = {row.method: row for row in rows}
    plain, method = by_method["AVST"], by_method["AVST+Ours"]
    measured = found.of(fit, plain.test)
    floor = measured.row("template").accuracy.estimate
    verdicts = [beside(plain, measured.row("template", str(one))).verdict for one in CATEGORIES]
    return {
        "avst": f"{100 * plain.accuracies[ALL]:.2f} %",
        "avst_gain": f"{100 * (method.accuracies[ALL] - plain.accuracies[ALL]):.1f}",
        "avst_below": f"{100 * (floor - plain.accuracies[ALL]):.1f}",
        "avst_over": f"{100 * (method.accuracies[ALL] - floor):.1f}",
        "avst_categories": f"{verdicts.count('below')} of {len(CATEGORIES)}",
    }


def _others(found: FloorResults, fit: Sequence[str], printed: Printed) -> dict[str, str]:
    """Return how networks stand on what needs no sound, and with a method for absence."""
    methods = [row for rows in printed.values() for row in rows if not row.is_plain]
    below = {
        scope: [
            row.method
            for row in printed["audio"]
            if row.is_plain and _verdict(found, fit, row, scope) == "below"
        ]
        for scope in ("Visual Counting", "Visual Location")
    }
    return {
        "below_counting": _listed(below["Visual Counting"]),
        "below_location": _listed(below["Visual Location"]),
        "num_methods": str(len(methods)),
        "methods_above": str(sum(_verdict(found, fit, row) == "above" for row in methods)),
    }


def _verdict(found: FloorResults, fit: Sequence[str], row: PrintedRow, scope: str = ALL) -> str:
    return beside(row, found.of(fit, row.test).row("template", scope)).verdict


def _listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them."""
    if not names:
        return "none"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
