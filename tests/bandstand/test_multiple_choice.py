"""Bandstand's questions with four candidates: what they offer, and what that gives away."""

from __future__ import annotations

from collections import Counter

import pytest

from avqa_core.bandstand.answering import ANSWERS
from avqa_core.bandstand.calibration import calibrate
from avqa_core.bandstand.floor import score_tables
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.multiple_choice import TYPE_OF, multiple_choice_row
from avqa_core.bandstand.questions import Question, ask_about
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.bandstand.templates import SLOT_VALUES, TEMPLATES
from avqa_core.data.avqa_annotations import parse_avqa_row
from tests.bandstand.hand_built import TRIO

NAMES = [template.name for template in TEMPLATES]


def question(name: str, words: str, answer: str, number: int = 7) -> Question:
    template = TEMPLATES[NAMES.index(name)]
    pairs = zip(template.slots, words.split(), strict=True)
    return Question(
        clip_id="00000001",
        question_id=number,
        template=NAMES.index(name),
        slots=tuple(SLOT_VALUES[kind].index(word) for kind, word in pairs),
        answer=ANSWERS.index(answer),
    )


def test_a_row_by_hand():
    row = multiple_choice_row(question("how_many_players", "violin", "two"), TRIO, seed=0)
    assert row is not None
    assert sorted(row["multi_choice"]) == ["one", "three", "two", "zero"]
    assert row["multi_choice"][row["answer"]] == "two"
    assert row["question_text"] == "How many violin are in the entire video?"
    assert (row["question_type"], row["question_relation"]) == ("Happening", "View")
    assert (row["id"], row["video_name"], row["video_id"]) == (7, "00000001", 1)
    assert parse_avqa_row(row).answer == "two"


def test_wrong_instruments_are_those_of_the_clip_first():
    """Violin, piano and flute are seen, a tuba is heard; who comes first is the violin."""
    for number in range(20):
        asked = question("nth_entrance", "first", "violin", number)
        row = multiple_choice_row(asked, TRIO, seed=0)
        assert row is not None
        assert set(row["multi_choice"]) == {"violin", "piano", "flute", "tuba"}


def test_an_instrument_that_the_question_names_is_no_wrong_candidate():
    """Left of the flute is the piano; violin and tuba are also there, the fourth is any other."""
    asked = question("beside", "left flute", "piano")
    row = multiple_choice_row(asked, TRIO, seed=0)
    assert row is not None
    candidates = set(row["multi_choice"])
    assert {"piano", "violin", "tuba"} < candidates and "flute" not in candidates
    (other,) = candidates - {"piano", "violin", "tuba"}
    assert other.replace(" ", "_") in INSTRUMENTS


@pytest.mark.parametrize(
    ("name", "words", "answer"),
    [
        ("is_seen", "violin", "yes"),  # two answers are not four
        ("where_is_it", "", "indoor"),
        ("how_many_players", "violin", "six"),  # too rare to be good company
    ],
)
def test_questions_without_four_answers_are_left_out(name, words, answer):
    assert multiple_choice_row(question(name, words, answer), TRIO, seed=0) is None


def test_every_template_has_a_type_or_two_answers():
    kinds = {name: TYPE_OF.get(name) for name in NAMES}
    assert set(TYPE_OF) <= set(NAMES)
    without = [name for name, kind in kinds.items() if kind is None]
    assert all(TEMPLATES[NAMES.index(name)].text.startswith(("Is ", "Are ")) for name in without
               if name != "where_is_it")  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    """The questions about 250 scenes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("avqa_core.bandstand.calibration.NUM_REFERENCE_SCENES", 400)
        config = WorldConfig(questions_per_clip=20.0)
        rates = calibrate(config)
        scenes = [sample_scene(config, f"{80_000_000 + number:08d}") for number in range(250)]
        found = [
            multiple_choice_row(one, scene, config.seed)
            for scene, asked in zip(scenes, ask_about(config, rates, scenes), strict=True)
            for one in asked
        ]
    return [row for row in found if row is not None]


def test_four_different_candidates_and_the_right_one_anywhere(rows):
    assert all(len(set(row["multi_choice"])) == 4 for row in rows)
    places = Counter(row["answer"] for row in rows)
    # Shares of a quarter within four standard deviations.
    margin = 4 * (len(rows) * 0.25 * 0.75) ** 0.5
    assert all(abs(places[one] - len(rows) / 4) < margin for one in range(4))
    kinds = Counter(row["question_type"] for row in rows)
    assert set(kinds) == {"Which", "Come From", "Happening", "Where", "Before Next"}


def test_candidates_alone_give_little_away(rows):
    """Fitted on half of the clips and scored on the others: a quarter would be nothing at all."""
    examples = [parse_avqa_row(row) for row in rows]
    half = len(examples) // 2
    for table in ("candidates", "category", "question"):
        scored = [one for one in score_tables(examples[:half], examples[half:])
                  if one.table == table]  # fmt: skip
        share = sum(one.correct for one in scored) / sum(one.total for one in scored)
        assert share < 0.35


def test_the_same_seed_gives_the_same_row_and_another_one_another_order():
    asked = question("loudest", "loudest", "left")
    orders = {str(multiple_choice_row(asked, TRIO, seed)) for seed in range(20)}
    assert len(orders) > 5
    assert multiple_choice_row(asked, TRIO, 3) == multiple_choice_row(asked, TRIO, 3)
