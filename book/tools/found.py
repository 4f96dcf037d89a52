"""What the book found, in a few lines for its first page, written from the stored results."""

from __future__ import annotations

from avqa_core import paper_baselines
from avqa_core.errors import AvqaError
from avqa_core.experiments.results import Stored
from avqa_core.studies import floor_results
from avqa_core.viz import avr_words, main_results, recall_words
from avqa_core.viz.ablation_views import MISSING
from avqa_core.viz.points import spanned
from avqa_core.viz.result_words import gap_text, steps_text, verdicts_text
from avqa_core.viz.style import mark_of
from book.tools import readme
from book.tools.layout import Layout

# where the lines go; a comment, so that the page can be read without them too
PLACE = "<!-- found: written from the stored results when the pages are put together -->"
_FIT = ("avqa-val.json",)


def written(text: str, layout: Layout) -> str:
    """Return the text of a page with what was found in its place, if it has one."""
    return text.replace(PLACE, "\n".join(lines(layout))) if PLACE in text else text


def lines(layout: Layout) -> list[str]:
    """Return the findings as a list in MyST; what is not stored is left out."""
    stored = readme.stored(layout)
    found = [
        f"- {mark_of(scenario).label.capitalize()}, with a backbone that cannot be trained again: "
        f"{main_results.lead_sentence(stored, scenario)} "
        "({doc}`../notebooks/13_where_recall_helps`)."
        for scenario in MISSING
        if main_results.lead(stored, scenario) is not None
    ]
    if stored.has(*recall_words.GAPS["joint_recommended"]):
        audio, visual = _gaps(stored, *recall_words.GAPS["joint_recommended"])
        found.append(
            "- With a backbone that may be trained on, recommended differs from modality dropout "
            f"of equal size, the control, by {audio} where audio is missing and {visual} where "
            "the picture is ({doc}`../notebooks/13_where_recall_helps`)."
        )
    if stored.has(*recall_words.GAPS["frozen_over_longer"]):
        audio, visual = _gaps(stored, *recall_words.GAPS["frozen_over_longer"])
        found.append(
            "- Beside a frozen backbone it differs from modality dropout that trained it for as "
            f"many steps by {audio} where audio is missing and {visual} where the picture is "
            "({doc}`../notebooks/13_where_recall_helps`)."
        )
    of_paper = [one for one in readme.run_claims(stored) if one.claim.is_of_paper]
    if of_paper:
        found.append(
            f"- Of {len(of_paper)} claims of the paper that were run on the built-in world, with "
            f"{steps_text(stored, avr_words.BOTH)} steps of joint training, "
            f"{verdicts_text(of_paper)}; what longer training changes stands beside them "
            "({doc}`../notebooks/05_ablations`, {doc}`../notebooks/08_four_backbones`, "
            "{doc}`../notebooks/09_other_ways`)."
        )
    pairs = [avr_words.AVR_GAPS[f"avr_missing_only_over_{one}"] for one in ("rmm", "control")]
    pairs.insert(0, (avr_words.BOTH, avr_words.RMM))
    if all(stored.has(*pair) for pair in pairs):
        both, missing_only, over_control = (" and ".join(_gaps(stored, *pair)) for pair in pairs)
        found.append(
            f"- AVR as Eq. 8 has it, which changes the half that is there too, differs from RMM "
            f"alone by {both}, audio and picture missing; on the missing half "
            f"alone, as in the released program, by {missing_only}, and with training with the "
            f"modality absent, the control, by {over_control} "
            "({doc}`../notebooks/05_ablations`)."
        )
    try:
        measured = floor_results.read(layout.results / "question_floors.json")
        floor = measured.of(_FIT, paper_baselines.CORRECTED).row("template").accuracy
    except AvqaError:
        return found
    return [
        *found,
        "- On MUSIC-AVQA's test questions the most common answer to questions of the same form, "
        f"without any clip, is right on {spanned(floor, unit=' %')} "
        "({doc}`../notebooks/06_question_alone`).",
    ]


def _gaps(stored: Stored, name: str, other: str) -> list[str]:
    """Say how one experiment compares with another, audio missing and picture missing."""
    return [gap_text(stored, name, other, scenario) for scenario in MISSING]
