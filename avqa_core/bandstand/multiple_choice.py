"""Bandstand's questions as multiple choice, in the format of AVQA: one right candidate of four.

The wrong candidates are of the same kind as the answer and equally likely to be right, as far as a
stage allows, and the right one stands anywhere: candidates alone say little. Questions that have
not four answers of a kind (yes or no, indoors or outdoors) are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from avqa_core import rng
from avqa_core.bandstand.answering import ANSWERS
from avqa_core.bandstand.questions import Question
from avqa_core.bandstand.scene import INSTRUMENTS, PLACES, Scene
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.data.annotations import fill_template
from avqa_core.data.avqa_annotations import NUM_CANDIDATES

# Why, When and Used For stay empty: a stage gives no reasons, no dates and no uses.
TYPE_OF = {
    "what_is_it": "Which",
    "beside": "Which",
    "outermost": "Which",
    "which_of_two": "Which",
    "sounds_with": "Come From",
    "beside_turn": "Come From",
    "how_many_heard": "Happening",
    "how_many_seen": "Happening",
    "how_many_players": "Happening",
    "players_sounding": "Happening",
    "types_sounding": "Happening",
    "players_silent": "Happening",
    "players_of_sounding": "Happening",
    "loudest": "Where",
    "where_turn": "Where",
    "nth_entrance": "Before Next",
    "entrance_beside": "Before Next",
}
RELATION_OF = {"Audio": "Sound", "Visual": "View", "Audio-Visual": "Both"}
# Kinds with no more answers than candidates: larger numbers are too rare to be good wrong ones.
SMALL_KINDS = (("zero", "one", "two", "three"), (*PLACES, "simultaneously"))


def multiple_choice_row(question: Question, scene: Scene, seed: int) -> dict[str, Any] | None:
    """Return the question as a row of AVQA's files, None where it has no four candidates.

    A pure function of its arguments; the order of the candidates is drawn from ``seed`` and the
    question's id.
    """
    template = TEMPLATES[question.template]
    kind, answer = TYPE_OF.get(template.name), ANSWERS[question.answer]
    generator = np.random.default_rng(rng.derive(seed, "candidates", question.question_id))
    wrong = _wrong_candidates(answer, question.words, scene, generator)
    if kind is None or len(wrong) != NUM_CANDIDATES - 1:
        return None
    candidates = [answer, *wrong]
    order = generator.permutation(NUM_CANDIDATES).tolist()
    text = " ".join(fill_template(template.text, question.words)) + "?"
    return {
        "id": question.question_id,
        "video_name": question.clip_id,
        "video_id": int(question.clip_id),
        "question_text": _spoken(text),
        "multi_choice": [_spoken(candidates[place]) for place in order],
        "answer": order.index(0),
        "question_relation": RELATION_OF[template.category.group],
        "question_type": kind,
    }


def _wrong_candidates(
    answer: str, asked: Sequence[str], scene: Scene, generator: np.random.Generator
) -> list[str]:
    """Return three wrong answers of the same kind, as many as there are if they are fewer.

    Instruments of the clip come first, so that having seen or heard one is not enough; those that
    the question names never come, because the question would rule them out.
    """
    if answer in INSTRUMENTS:
        ruled_out = {answer, *asked}
        present = {one.instrument for one in scene.sections}
        present |= {one.instrument for one in scene.sources}
        shuffled = [INSTRUMENTS[place] for place in generator.permutation(len(INSTRUMENTS))]
        left = [one for one in shuffled if one not in ruled_out]
        return sorted(left, key=lambda one: one not in present)[: NUM_CANDIDATES - 1]
    kind = next((one for one in SMALL_KINDS if answer in one), ())
    return [one for one in kind if one != answer]


def _spoken(text: str) -> str:
    """Return a text as a person writes it: "acoustic guitar"."""
    return text.replace("_", " ")
