"""What the frozen features know, and how far the rule of counting is learned: figure and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from avqa_core.ledger import judge
from avqa_core.metrics import Interval, seed_interval
from avqa_core.studies.binding import CATEGORY
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.rows import marked_rows
from avqa_core.viz.notices import notice
from avqa_core.viz.points import in_words, spanned
from avqa_core.viz.result_words import CATEGORY_NAMES, NOT_RUN, SAID
from avqa_core.viz.style import mark_of
from avqa_core.viz.tables import Column, table

if TYPE_CHECKING:
    from avqa_core.experiments.results import Stored
    from avqa_core.studies.counting_rule import Learned
    from avqa_core.studies.readings import Answered, Observer

PUBLISHED, WITH_READER = "complete/plain", "complete/positions"
SCENARIO = "complete"
OBSERVERS: tuple[Observer, ...] = ("readings", "other_clip")
# Series of the figure, by the experiment whose stored networks they are.
NETWORKS = {PUBLISHED: "avst", WITH_READER: "avst_with_reader"}
TOLD = {
    "means": "features, averaged over places and seconds",
    "facts": "facts: players of each instrument, who is heard",
    "joined": "facts, and of each instrument its players if it is heard",
}
_READING_WORDS = (
    "readings",
    "other_clip",
    "counting",
    "counting_means",
    "lost",
    "lost_at_most",
    "num_fitted",
    "features_verdict",
    "means_verdict",
)
# Lessons by the word that stands before what is quoted of them.
LESSONS = ("few", "short", "long")
_OF_A_LESSON = (*TOLD, "means_own", "facts_gain", "joined_gain", "verdict", "questions", "steps")
_RULE_WORDS = tuple(f"{lesson}_{word}" for lesson in LESSONS for word in _OF_A_LESSON)


def reading_figure(answered: Answered | None, stored: Stored) -> Figure | Rich:
    """Draw what the observers and the stored networks answer, a row for each category.

    Args:
        answered: by the observers; None where the scenes are not known.
        stored: results over seeds.
    """
    if answered is None:
        return _not_here()
    labels = {series: f"{mark_of(series).label}, stored" for series in NETWORKS.values()}
    rows: dict[str, dict[str, list[float]]] = {}
    for category in CATEGORY_NAMES:
        row: dict[str, list[float]] = {}
        for name, series in NETWORKS.items():
            if stored.has(name) and stored.has_category(name, category):
                row[series] = list(stored.accuracies(name, SCENARIO, [category]).values())
        for observer in OBSERVERS:
            row[str(observer)] = [answered.accuracy(observer, [category])]
        rows[category] = {name: [100 * one for one in values] for name, values in row.items()}
    return marked_rows(rows, xlabel="accuracy (%)", xlim=(0, 103), labels=labels)


def reading_words(answered: Answered | None, stored: Stored) -> dict[str, str]:
    """Return what the chapter quotes of observers and networks."""
    told = dict.fromkeys(_READING_WORDS, NOT_RUN)
    if answered is not None:
        told |= {
            "readings": spanned(answered.interval("readings"), unit=" %"),
            "other_clip": spanned(answered.interval("other_clip"), unit=" %"),
            "counting": spanned(answered.interval("readings", [CATEGORY]), unit=" %"),
            "counting_means": spanned(answered.interval("means", [CATEGORY]), unit=" %"),
            "lost": f"{100 * (1 - answered.accuracy('readings')):.1f}",
            "lost_at_most": f"{100 * (1 - answered.interval('readings').low):.1f}",
            "num_fitted": f"{answered.num_clips:,}",
        }
    for word, name in (("network", PUBLISHED), ("reader", WITH_READER)):
        is_stored = stored.has(name)
        told |= {
            word: _stored(stored, name) if is_stored else NOT_RUN,
            f"{word}_counting": _stored(stored, name, CATEGORY) if is_stored else NOT_RUN,
        }
    if answered is not None and stored.has(*NETWORKS):
        counting = answered.interval("means", [CATEGORY])
        told |= {
            "features_verdict": _no_better(answered.interval("readings"), stored),
            "means_verdict": _no_better(counting, stored, [CATEGORY]),
        }
    return told


def _no_better(observer: Interval, stored: Stored, categories: Sequence[str] | None = None) -> str:
    """Say what becomes of the hypothesis that an observer does no better than the networks."""
    highest = max(stored.accuracy(one, SCENARIO, categories).high for one in NETWORKS)
    return "refuted" if observer.low > highest else "not refuted"


def rule_table(learned: Sequence[Learned], *, caption: str) -> Rich:
    """Return one row for each lesson and each thing that the networks were told.

    Args:
        learned: in all lessons.
        caption: what the table shows.
    """
    if not learned:
        return _not_here()
    columns = [
        Column("questions", "questions learned from"),
        Column("steps", "steps"),
        Column("told", "told of a clip"),
        Column("new", "new clips (%)"),
        Column("own", "the same clips (%)"),
    ]
    rows = [
        {
            "questions": f"{one.num_questions:,}",
            "steps": f"{one.num_steps:,}",
            "told": TOLD[one.told],
            "new": spanned(seed_interval(one.new)),
            "own": spanned(seed_interval(one.old)),
        }
        for lesson in _by_lesson(learned)
        for one in lesson.values()
    ]
    return table(columns, rows, caption=caption)


def rule_words(learned: Sequence[Learned]) -> dict[str, str]:
    """Return what is quoted of each of ``LESSONS``, in which order ``learned`` has them.

    The verdict is on the hypothesis that to be told the product helps more than to be told facts.
    """
    if not learned:
        return dict.fromkeys(_RULE_WORDS, NOT_RUN)
    told: dict[str, str] = {}
    for lesson, of in zip(LESSONS, _by_lesson(learned), strict=True):
        said = {name: spanned(seed_interval(one.new), unit=" %") for name, one in of.items()}
        facts, product = _gains(of["facts"], of["means"]), _gains(of["joined"], of["facts"])
        more = seed_interval([one - other for one, other in zip(product, facts, strict=True)])
        said |= {
            "means_own": spanned(seed_interval(of["means"].old), unit=" %"),
            "facts_gain": in_words(seed_interval(facts), len(facts)),
            "joined_gain": in_words(seed_interval(product), len(product)),
            "verdict": SAID[judge([more])][0],
            "questions": f"{of['facts'].num_questions:,}",
            "steps": f"{of['facts'].num_steps:,}",
        }
        told |= {f"{lesson}_{name}": text for name, text in said.items()}
    return told


def _by_lesson(learned: Sequence[Learned]) -> list[dict[str, Learned]]:
    """Return what was learned in each lesson, by what was told, lessons in their order."""
    told: dict[str, list[Learned]] = {}
    for one in learned:
        told.setdefault(one.told, []).append(one)
    return [dict(zip(told, of, strict=True)) for of in zip(*told.values(), strict=True)]


def _gains(ours: Learned, theirs: Learned) -> list[float]:
    return [one - other for one, other in zip(ours.new, theirs.new, strict=True)]


def _stored(stored: Stored, name: str, category: str | None = None) -> str:
    asked = None if category is None else [category]
    return spanned(stored.accuracy(name, SCENARIO, asked), unit=" %")


def _not_here() -> Rich:
    return notice(
        "Scenes are not known here",
        "facts can be read, and told, only in a built-in world.",
        kind="note",
    )
