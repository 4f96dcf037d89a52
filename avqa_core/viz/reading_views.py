"""What the frozen features know, and how far the rule of counting is learned: figure and words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from avqa_core.metrics import Interval, seed_interval
from avqa_core.studies.binding import CATEGORY
from avqa_core.viz.display import Rich
from avqa_core.viz.figures.rows import marked_rows
from avqa_core.viz.notices import notice
from avqa_core.viz.points import in_words, spanned
from avqa_core.viz.result_words import CATEGORY_NAMES, NOT_RUN
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
    "num_fitted",
    "features_verdict",
    "means_verdict",
)
_RULE_WORDS = (
    *TOLD,
    "facts_gain",
    "joined_gain",
    "product_verdict",
    "num_questions",
    "few_questions",
    "few_own",
    "few_new",
)


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
    """Return one row for each thing that the networks were told.

    Args:
        learned: from few and from many questions.
        caption: what the table shows.
    """
    if not learned:
        return _not_here()
    columns = [Column("told", "told of a clip")]
    rows: dict[str, dict[str, str]] = {}
    for one in learned:
        new, old = f"new_{one.num_questions}", f"old_{one.num_questions}"
        rows.setdefault(one.told, {"told": TOLD[one.told]}).update(
            {new: spanned(seed_interval(one.new)), old: spanned(seed_interval(one.old))}
        )
        if one.told == learned[0].told:
            columns += [
                Column(new, f"{one.num_questions:,} questions: new clips (%)"),
                Column(old, "the same clips (%)"),
            ]
    return table(columns, list(rows.values()), caption=caption)


def rule_words(learned: Sequence[Learned]) -> dict[str, str]:
    """Return what is answered after the most questions, and what each thing told adds."""
    if not learned:
        return dict.fromkeys(_RULE_WORDS, NOT_RUN)
    fewest, most = (pick(one.num_questions for one in learned) for pick in (min, max))
    few = [one for one in learned if one.num_questions == fewest]
    new = {one.told: one.new for one in learned if one.num_questions == most}
    told = {name: spanned(seed_interval(values), unit=" %") for name, values in new.items()}
    for more, less in (("facts", "means"), ("joined", "facts")):
        gains = [ours - theirs for ours, theirs in zip(new[more], new[less], strict=True)]
        gain = seed_interval(gains)
        told[f"{more}_gain"] = in_words(gain, len(gains))
    return told | {
        "product_verdict": "holds" if gain.low > 0 else "is not borne out",
        "num_questions": f"{most:,}",
        "few_questions": f"{fewest:,}",
        "few_own": _per_cent(min(fmean(one.old) for one in few)),
        "few_new": _per_cent(max(fmean(one.new) for one in few)),
    }


def _stored(stored: Stored, name: str, category: str | None = None) -> str:
    asked = None if category is None else [category]
    return spanned(stored.accuracy(name, SCENARIO, asked), unit=" %")


def _per_cent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _not_here() -> Rich:
    return notice(
        "Scenes are not known here",
        "facts can be read, and told, only in a built-in world.",
        kind="note",
    )
