"""Which questions a scene answers, and which of them are asked about a clip.

All questions that a scene answers clearly are listed in a fixed order; each is kept with a
probability that depends on its variant and its answer only (see ``calibration``). Because of that
independent thinning, the probability of being asked a question about a scene is known exactly, and
with it what hearing the question tells about the scene.

A *variant* is a template with the slots filled that are not instruments: "Where is the first
sounding instrument?" is one. All instruments are alike, so variants are all there is to balance.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from avqa_core.bandstand.answering import ANSWERS, FIRST_INSTRUMENT, UNANSWERABLE, Ask
from avqa_core.bandstand.facts import NOWHERE, Facts, facts_of_scenes
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.scene import Scene
from avqa_core.bandstand.templates import INSTRUMENT_SLOTS, SLOT_VALUES, TEMPLATES, Template
from avqa_core.errors import AnnotationError
from avqa_core.rng import derive

MOST_SLOTS = max(len(template.slots) for template in TEMPLATES)
NUM_CLASSES = FIRST_INSTRUMENT + 1  # all instruments are one class of answers
QUESTIONS_PER_CLIP_ID = 1000


@dataclass(frozen=True, slots=True)
class Variant:
    """A template with every slot filled that is not an instrument."""

    template: int
    fixed: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the template with the fixed words, e.g. ``where_turn(first)``."""
        words = f"({', '.join(self.fixed)})" if self.fixed else ""
        return TEMPLATES[self.template].name + words


def _variants() -> Iterator[Variant]:
    for index, template in enumerate(TEMPLATES):
        fixed = [SLOT_VALUES[kind] for kind in template.slots if kind not in INSTRUMENT_SLOTS]
        for words in itertools.product(*fixed):
            yield Variant(index, words)


VARIANTS: tuple[Variant, ...] = tuple(_variants())
_FIRST_VARIANT = tuple(
    next(i for i, variant in enumerate(VARIANTS) if variant.template == index)
    for index in range(len(TEMPLATES))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Q questions about N scenes, all of them clearly answered; slots are padded with -1."""

    row: Int[np.ndarray, " Q"]
    template: Int[np.ndarray, " Q"]
    variant: Int[np.ndarray, " Q"]
    slots: Int[np.ndarray, "Q 4"]
    answer: Int[np.ndarray, " Q"]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question that is asked about one clip."""

    clip_id: str
    question_id: int
    template: int
    slots: tuple[int, ...]
    answer: int

    @property
    def words(self) -> tuple[str, ...]:
        """The words that fill the slots."""
        kinds = TEMPLATES[self.template].slots
        return tuple(SLOT_VALUES[kind][code] for kind, code in zip(kinds, self.slots, strict=True))

    @property
    def variant(self) -> int:
        """Index into ``VARIANTS``."""
        return int(variant_of(self.template, np.array([self.slots], dtype=int))[0])

    def to_row(self) -> dict[str, Any]:
        """Return the question as a row of MUSIC-AVQA's annotation files, oddities included."""
        template = TEMPLATES[self.template]
        return {
            "video_id": self.clip_id,
            "question_id": self.question_id,
            "type": json.dumps(list(template.category)),
            "question_content": template.text,
            "templ_values": json.dumps(list(self.words)),
            "question_deleted": 0,
            "anser": ANSWERS[self.answer],
        }


def variant_of(template: int, slots: Int[np.ndarray, "Q S"]) -> Int[np.ndarray, " Q"]:
    """Return the index into ``VARIANTS`` of questions of one template."""
    index = np.zeros(len(slots), dtype=int)
    for position, kind in enumerate(TEMPLATES[template].slots):
        if kind not in INSTRUMENT_SLOTS:
            index = index * len(SLOT_VALUES[kind]) + slots[:, position]
    return _FIRST_VARIANT[template] + index


def answer_codes(
    facts: Facts, template: int, rows: Int[np.ndarray, " Q"], slots: Int[np.ndarray, "Q S"]
) -> Int[np.ndarray, " Q"]:
    """Return the answers of questions of one template, -1 where a scene does not answer."""
    columns = (slots[:, position] for position in range(len(TEMPLATES[template].slots)))
    return TEMPLATES[template].answer(Ask(facts, rows), *columns)


def _fillings(facts: Facts, template: Template) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and slot values of everything that might be asked of a template."""
    present = facts.present()
    sizes = []
    for kind in template.slots:
        if kind == "present":
            sizes.append(present.shape[1])
        else:
            sizes.append(facts.nobody if kind == "any" else len(SLOT_VALUES[kind]))
    fillings = list(itertools.product(*map(range, sizes)))
    grid = np.array(fillings, dtype=int).reshape(len(fillings), len(sizes))
    rows = np.repeat(np.arange(len(facts)), len(grid))
    slots = np.tile(grid, (len(facts), 1))
    instruments = []
    for position, kind in enumerate(template.slots):
        if kind == "present":
            slots[:, position] = present[rows, slots[:, position]]
        if kind in INSTRUMENT_SLOTS:
            instruments.append(slots[:, position])
    keep = np.ones(len(rows), dtype=bool)
    for column in instruments:
        keep &= column != NOWHERE
    if len(instruments) == 2:
        one, other = instruments
        keep &= (one < other) if template.is_symmetric else (one != other)
    return rows[keep], slots[keep]


def list_candidates(facts: Facts) -> Candidates:
    """Return every question that the scenes answer clearly, in a fixed order."""
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("row", "template", "variant", "slots", "answer")
    }
    for index, template in enumerate(TEMPLATES):
        rows, slots = _fillings(facts, template)
        answer = answer_codes(facts, index, rows, slots)
        valid = answer != UNANSWERABLE
        rows, slots, answer = rows[valid], slots[valid], answer[valid]
        parts["row"].append(rows)
        parts["template"].append(np.full(len(rows), index))
        parts["variant"].append(variant_of(index, slots))
        padding = ((0, 0), (0, MOST_SLOTS - slots.shape[1]))
        parts["slots"].append(np.pad(slots, padding, constant_values=-1))
        parts["answer"].append(answer)
    joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    order = np.argsort(joined["row"], kind="stable")
    return Candidates(**{name: array[order] for name, array in joined.items()})


def ask_about(
    config: WorldConfig, keep_rates: Float[np.ndarray, "V classes"], scenes: Sequence[Scene]
) -> list[list[Question]]:
    """Return the questions that the world asks about each scene.

    A pure function of (world, clip id): whether a question is kept is decided by a number derived
    from the seed, the clip and the question.
    """
    found = list_candidates(facts_of_scenes(config, scenes))
    rate = keep_rates[found.variant, answer_class(found.answer)]
    asked: list[list[Question]] = [[] for _ in scenes]
    for index in np.flatnonzero(rate > 0).tolist():
        row, template = int(found.row[index]), int(found.template[index])
        slots = tuple(found.slots[index, : len(TEMPLATES[template].slots)].tolist())
        clip_id = scenes[row].clip_id
        drawn = derive(config.seed, "bandstand ask", clip_id, TEMPLATES[template].name, *slots)
        if drawn / 2**63 < rate[index]:
            question_id = int(clip_id) * QUESTIONS_PER_CLIP_ID + len(asked[row])
            asked[row].append(
                Question(
                    clip_id=clip_id,
                    question_id=question_id,
                    template=template,
                    slots=slots,
                    answer=int(found.answer[index]),
                )
            )
    assert all(len(questions) < QUESTIONS_PER_CLIP_ID for questions in asked)
    return asked


def answer_class(answer: Int[np.ndarray, " Q"]) -> Int[np.ndarray, " Q"]:
    """Return the class of each answer; all instruments share one."""
    return np.minimum(answer, FIRST_INSTRUMENT)


def answer_in_words(
    config: WorldConfig, scene: Scene, template: Template, words: Sequence[str]
) -> str | None:
    """Return the answer to a freely chosen question, None where the scene gives no clear one.

    Raises:
        AnnotationError: a word does not fit its slot.
    """
    if len(words) != len(template.slots):
        raise AnnotationError(
            f"expected {len(template.slots)} words for {template.text!r}, got {len(words)}: "
            f"give one for each placeholder"
        )
    codes = []
    for kind, word in zip(template.slots, words, strict=True):
        if word not in SLOT_VALUES[kind]:
            raise AnnotationError(
                f"expected one of {', '.join(SLOT_VALUES[kind])} in {template.text!r}, got "
                f"{word!r}: choose a word that fits the placeholder"
            )
        codes.append(SLOT_VALUES[kind].index(word))
    facts = facts_of_scenes(config, [scene])
    index = TEMPLATES.index(template)
    slots = np.array([codes], dtype=int).reshape(1, len(codes))
    (answer,) = answer_codes(facts, index, np.zeros(1, dtype=int), slots)
    return None if answer == UNANSWERABLE else ANSWERS[int(answer)]
