"""Counting who is seen and heard: networks beside an observer that counts each half by itself."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from avqa_core.metrics import Interval, seed_interval
from avqa_core.studies.binding import Row
from avqa_core.viz.display import Rich
from avqa_core.viz.notices import notice
from avqa_core.viz.points import in_points, seeds_text
from avqa_core.viz.result_words import NOT_RUN
from avqa_core.viz.tables import Column, table

_WORDS = ("counted", "observed", "beyond_counts", "ahead", "not_ahead", "num_counted")


def binding_table(rows: Sequence[Row], *, caption: str) -> Rich:
    """Return one row a template.

    Args:
        rows: of the study; none where it could not be made.
        caption: what the table shows.
    """
    if not rows:
        return notice(
            "No trained networks, or no scenes",
            "this table asks the networks that are kept beside the stored results, on the built-in "
            "world.",
            "avqa results --only complete/plain",
        )
    columns = (
        Column("question", "question"),
        Column("total", "questions", digits=0),
        Column("network", "network (%)", scale=100),
        Column("observer", "counts alone (%)", scale=100),
        Column("gain", "network over counts alone, points"),
        Column("alike", "of clips with equal counts", digits=0),
        Column("beyond", "lost of those if its answers are dealt anew, points"),
    )
    return table(
        columns,
        [
            {
                "question": _asked(one),
                "total": one.total,
                "network": fmean(one.networks),
                "observer": one.observer,
                "gain": in_points(_gain(one)),
                "alike": one.num_alike,
                "beyond": in_points(_beyond(one)),
            }
            for one in rows
        ],
        caption=f"{caption} Mean and 95 % interval over {seeds_text(len(rows[0].networks))}.",
    )


def binding_words(rows: Sequence[Row]) -> dict[str, str]:
    """Return what the chapter quotes: both accuracies, and for which questions they differ."""
    if not rows:
        return dict.fromkeys(_WORDS, NOT_RUN)
    total = sum(one.total for one in rows)
    ahead = [one for one in rows if _gain(one).low > 0]
    others = [one for one in rows if one not in ahead]
    lost = [_beyond(one).estimate for one in rows]
    return {
        "counted": _per_cent(sum(fmean(one.networks) * one.total for one in rows) / total),
        "observed": _per_cent(sum(one.observer * one.total for one in rows) / total),
        "num_counted": f"{total:,}",
        "ahead": _quoted(ahead),
        "not_ahead": _quoted(others),
        "beyond_counts": f"{100 * min(lost):+.1f} to {100 * max(lost):+.1f}",
    }


def _gain(row: Row) -> Interval:
    return seed_interval([one - row.observer for one in row.networks])


def _beyond(row: Row) -> Interval:
    return seed_interval([own - dealt for own, dealt in zip(row.own, row.dealt, strict=True)])


def _per_cent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _asked(row: Row) -> str:
    return row.template.replace("\uff1f", "?")  # MUSIC-AVQA writes one of them with a wide mark


def _quoted(rows: Sequence[Row]) -> str:
    return ", ".join(f'"{_asked(one)}"' for one in rows) or "none"
