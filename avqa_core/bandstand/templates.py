"""MUSIC-AVQA's 33 question templates, spelt exactly as the data set spells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from avqa_core.bandstand import answering
from avqa_core.bandstand.scene import INSTRUMENTS, PLACES
from avqa_core.types import QuestionCategory

# Kinds of slots. `present` and `any` are both instruments: of the scene, or of all there are.
SLOT_VALUES: dict[str, tuple[str, ...]] = {
    "present": INSTRUMENTS,
    "any": INSTRUMENTS,
    "place": PLACES,
    "side": ("left", "right"),
    "end": ("leftest", "rightest"),
    "turn": ("first", "last"),
    "loudness": ("loudest", "lowest"),
    "ordinal": ("first", "second", "third", "fourth", "fifth"),
    "neighbour": ("before", "after"),
}
INSTRUMENT_SLOTS = ("present", "any")


@dataclass(frozen=True, slots=True)
class Template:
    """One of the 33 templates.

    Attributes:
        name: ours, for tables of results.
        category: one of the nine.
        text: exactly as MUSIC-AVQA spells it, trailing spaces and all.
        slots: kind of each placeholder, in order.
        answer: from facts and slot values to answers.
        is_symmetric: whether its two instruments may change places without changing the question.
    """

    name: str
    category: QuestionCategory
    text: str
    slots: tuple[str, ...]
    answer: Callable[..., answering.Codes]
    is_symmetric: bool = False


def _group(
    group: str, kind: str, *rows: tuple[str, str, tuple[str, ...], Callable[..., answering.Codes]]
) -> list[Template]:
    category = QuestionCategory(group, kind)
    return [
        Template(name, category, text, slots, answer, is_symmetric=slots == ("any", "any"))
        for name, text, slots, answer in rows
    ]


TEMPLATES: tuple[Template, ...] = (
    *_group(
        "Audio",
        "Counting",
        (
            "how_many_heard",
            "How many musical instruments were heard throughout the video?",
            (),
            answering.how_many_heard,
        ),
        ("is_heard", "Is there a <Object> sound?", ("any",), answering.is_heard),
        (
            "are_heard",
            "Are there <Object> and <Object> sound? ",
            ("any", "any"),
            answering.are_heard,
        ),
    ),
    *_group(
        "Audio",
        "Comparative",
        (
            "louder",
            "Is the <Object> louder than the <Object>?",
            ("present", "present"),
            answering.compare("level"),
        ),
        (
            "more_rhythmic",
            "Is the <Object> more rhythmic than the <Object>?",
            ("present", "present"),
            answering.compare("rate"),
        ),
        (
            "longer",
            "Is the <Object> playing longer than the <Object>?",
            ("present", "present"),
            answering.is_longer,
        ),
    ),
    *_group(
        "Visual",
        "Counting",
        (
            "how_many_seen",
            "How many types of musical instruments appeared in the entire video?",
            (),
            answering.how_many_seen,
        ),
        (
            "how_many_players",
            "How many <Object> are in the entire video?",
            ("any",),
            answering.how_many_players,
        ),
        ("is_seen", "Is there a <Object> in the entire video?", ("any",), answering.is_seen),
        (
            "are_seen",
            "Are there <Object> and <Object> instruments in the video?",
            ("any", "any"),
            answering.are_seen,
        ),
    ),
    *_group(
        "Visual",
        "Location",
        ("where_is_it", "Where is the performance?", (), answering.where_is_it),
        ("what_is_it", "What kind of musical instrument is it?", (), answering.what_is_it),
        (
            "beside",
            "What is the instrument on the <LR> of <Object>?",
            ("side", "present"),
            answering.what_is_beside,
        ),
        (
            "outermost",
            "What kind of instrument is the <LRer> instrument? ",
            ("end",),
            answering.what_is_outermost,
        ),
    ),
    *_group(
        "Audio-Visual",
        "Existential",
        ("voiceover", "Is there a voiceover?", (), answering.is_voiceover),
        (
            "sound_from_video",
            "Is this sound from the instrument in the video?",
            (),
            answering.is_sound_from_video,
        ),
        (
            "always_playing",
            "Is the <Object> in the video always playing?",
            ("present",),
            answering.is_always_playing,
        ),
    ),
    *_group(
        "Audio-Visual",
        "Counting",
        (
            "players_sounding",
            "How many instruments are sounding in the video?",
            (),
            answering.count(is_sounding=True, of_types=False),
        ),
        (
            "types_sounding",
            "How many types of musical instruments sound in the video?",
            (),
            answering.count(is_sounding=True, of_types=True),
        ),
        (
            "players_silent",
            "How many instruments in the video did not sound from beginning to end?",
            (),
            answering.count(is_sounding=False, of_types=False),
        ),
        (
            "players_of_sounding",
            "How many sounding <Object> in the video\uff1f",
            ("present",),
            answering.how_many_sounding,
        ),
    ),
    *_group(
        "Audio-Visual",
        "Location",
        ("loudest", "Where is the <LL> instrument?", ("loudness",), answering.where_is_loudest),
        (
            "turn_at_place",
            "Is the <FL> sound coming from the <LR> instrument?",
            ("turn", "place"),
            answering.is_turn_at_place,
        ),
        (
            "beside_turn",
            "What is the <LR> instrument of the <FL> sounding instrument?",
            ("side", "turn"),
            answering.what_is_beside_turn,
        ),
        (
            "sounds_with",
            "Which is the musical instrument that sounds at the same time as the <Object>?",
            ("present",),
            answering.what_sounds_with,
        ),
    ),
    *_group(
        "Audio-Visual",
        "Comparative",
        (
            "named_louder_at",
            "Is the <Object> on the <LR> louder than the <Object> on the <LR>?",
            ("present", "place", "present", "place"),
            answering.compare_named_at("level"),
        ),
        (
            "named_more_rhythmic_at",
            "Is the <Object> on the <LR> more rhythmic than the <Object> on the <LR>?",
            ("present", "place", "present", "place"),
            answering.compare_named_at("rate"),
        ),
        (
            "louder_at",
            "Is the instrument on the <LR> louder than the instrument on the <LR>?",
            ("place", "place"),
            answering.compare_at("level"),
        ),
        (
            "more_rhythmic_at",
            "Is the instrument on the <LR> more rhythmic than the instrument on the <LR>?",
            ("place", "place"),
            answering.compare_at("rate"),
        ),
    ),
    *_group(
        "Audio-Visual",
        "Temporal",
        (
            "where_turn",
            "Where is the <FL> sounding instrument?",
            ("turn",),
            answering.where_is_turn,
        ),
        (
            "which_of_two",
            "Which <Object> makes the sound <FL>?",
            ("present", "turn"),
            answering.which_of_two,
        ),
        (
            "nth_entrance",
            "What is the <TH> instrument that comes in?",
            ("ordinal",),
            answering.who_enters_nth,
        ),
        (
            "entrance_beside",
            "Which instrument makes sounds <BA> the <Object>?",
            ("neighbour", "present"),
            answering.who_enters_beside,
        ),
    ),
)
