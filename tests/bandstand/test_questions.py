from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from avqa_core.bandstand.answering import ANSWERS
from avqa_core.bandstand.calibration import calibrate
from avqa_core.bandstand.facts import facts_of_draws, facts_of_scenes
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import (
    VARIANTS,
    answer_in_words,
    ask_about,
    list_candidates,
)
from avqa_core.bandstand.sampling import sample_joint, sample_scene, to_scene
from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.data.annotations import CATEGORIES, parse_row
from avqa_core.errors import AnnotationError
from tests.bandstand.hand_built import (
    CELLOS_AND_DRUM,
    CONCERT,
    HARDLY_APART,
    MIMES,
    TOGETHER,
    TRIO,
    TWINS,
)

CONFIG = WorldConfig(questions_per_clip=12.0)
BY_NAME = {template.name: template for template in TEMPLATES}

# The margins at difficulty 0.3: entries two segments apart, lengths three.
GOLDEN = [
    (TRIO, "how_many_heard", "", "three"),
    (TWINS, "how_many_heard", "", "one"),
    (TRIO, "is_heard", "tuba", "yes"),
    (TRIO, "is_heard", "flute", "no"),
    (TRIO, "are_heard", "piano tuba", "yes"),
    (TRIO, "are_heard", "flute tuba", "no"),
    (TRIO, "are_heard", "cello flute", None),
    (TRIO, "louder", "violin piano", "yes"),
    (TRIO, "louder", "tuba piano", "no"),
    (TRIO, "louder", "violin flute", None),
    (MIMES, "louder", "banjo erhu", None),
    (TRIO, "more_rhythmic", "violin piano", "yes"),
    (TRIO, "more_rhythmic", "piano tuba", "no"),
    (TRIO, "more_rhythmic", "violin tuba", None),
    (TRIO, "longer", "piano tuba", "yes"),
    (TRIO, "longer", "tuba piano", "no"),
    (TRIO, "longer", "violin piano", None),
    (TRIO, "how_many_seen", "", "three"),
    (TWINS, "how_many_seen", "", "one"),
    (TRIO, "how_many_players", "violin", "two"),
    (TRIO, "how_many_players", "tuba", "zero"),
    (TWINS, "how_many_players", "cello", "four"),
    (TRIO, "is_seen", "flute", "yes"),
    (TRIO, "is_seen", "tuba", "no"),
    (TRIO, "are_seen", "flute violin", "yes"),
    (TRIO, "are_seen", "flute tuba", "no"),
    (TRIO, "are_seen", "cello tuba", None),
    (TRIO, "where_is_it", "", "indoor"),
    (TWINS, "where_is_it", "", "outdoor"),
    (TRIO, "what_is_it", "", None),
    (TWINS, "what_is_it", "", "cello"),
    (TRIO, "beside", "right violin", "piano"),
    (TRIO, "beside", "left flute", "piano"),
    (TRIO, "beside", "left violin", None),
    (MIMES, "beside", "right drum", "pipa"),
    (TWINS, "beside", "right cello", None),
    (TRIO, "outermost", "leftest", "violin"),
    (TRIO, "outermost", "rightest", "flute"),
    (TRIO, "voiceover", "", "yes"),
    (TWINS, "voiceover", "", "no"),
    (TRIO, "sound_from_video", "", None),
    (TWINS, "sound_from_video", "", "yes"),
    (MIMES, "sound_from_video", "", "no"),
    (TRIO, "always_playing", "violin", "no"),
    (TRIO, "always_playing", "flute", "no"),
    (TRIO, "always_playing", "tuba", None),
    (CONCERT, "always_playing", "guzheng", "yes"),
    (CONCERT, "always_playing", "congas", "no"),
    (TRIO, "players_sounding", "", "three"),
    (CONCERT, "players_sounding", "", "nine"),
    (MIMES, "players_sounding", "", "zero"),
    (TRIO, "types_sounding", "", "two"),
    (MIMES, "types_sounding", "", "zero"),
    (TRIO, "players_silent", "", "three"),
    (CONCERT, "players_silent", "", "zero"),
    (TRIO, "players_of_sounding", "violin", "two"),
    (TRIO, "players_of_sounding", "flute", "zero"),
    (TRIO, "players_of_sounding", "tuba", None),
    (TRIO, "loudest", "loudest", "left"),
    (TRIO, "loudest", "lowest", "middle"),
    (CONCERT, "loudest", "lowest", "left"),
    (TWINS, "loudest", "loudest", None),
    (TRIO, "turn_at_place", "first left", "yes"),
    (TRIO, "turn_at_place", "first right", "no"),
    (TRIO, "turn_at_place", "last right", "no"),
    (MIMES, "turn_at_place", "first middle", None),
    (CONCERT, "turn_at_place", "first left", None),
    (CONCERT, "turn_at_place", "last right", "yes"),
    (CELLOS_AND_DRUM, "turn_at_place", "first left", None),
    (CELLOS_AND_DRUM, "turn_at_place", "first middle", None),
    (CELLOS_AND_DRUM, "turn_at_place", "last middle", "yes"),
    (CELLOS_AND_DRUM, "turn_at_place", "last left", "no"),
    (TRIO, "beside_turn", "right first", "piano"),
    (TRIO, "beside_turn", "left first", None),
    (TRIO, "beside_turn", "left last", None),
    (CONCERT, "beside_turn", "left last", "guzheng"),
    (TRIO, "sounds_with", "violin", "piano"),
    (TRIO, "sounds_with", "piano", "violin"),
    (TRIO, "sounds_with", "tuba", None),
    (CONCERT, "sounds_with", "congas", "guzheng"),
    (CONCERT, "sounds_with", "guzheng", None),
    (TRIO, "named_louder_at", "violin left piano middle", "yes"),
    (TRIO, "named_louder_at", "piano middle violin left", "no"),
    (TRIO, "named_louder_at", "violin left flute right", None),
    (TRIO, "named_louder_at", "violin right piano middle", None),
    (TRIO, "named_more_rhythmic_at", "violin left piano middle", "yes"),
    (CONCERT, "named_more_rhythmic_at", "suona right congas left", "no"),
    (CONCERT, "named_more_rhythmic_at", "suona right guzheng middle", None),
    (TRIO, "louder_at", "middle left", "no"),
    (TRIO, "louder_at", "left right", None),
    (MIMES, "louder_at", "left middle", None),
    (TRIO, "more_rhythmic_at", "left middle", "yes"),
    (TOGETHER, "more_rhythmic_at", "left middle", None),
    (TRIO, "where_turn", "first", "left"),
    (TRIO, "where_turn", "last", None),
    (TWINS, "where_turn", "first", None),
    (CONCERT, "where_turn", "last", "right"),
    (TWINS, "which_of_two", "cello first", "left"),
    (TWINS, "which_of_two", "cello last", "right"),
    (TOGETHER, "which_of_two", "cello first", "simultaneously"),
    (TOGETHER, "which_of_two", "cello last", "simultaneously"),
    (HARDLY_APART, "which_of_two", "cello first", None),
    (TRIO, "which_of_two", "violin first", None),
    (TRIO, "nth_entrance", "first", "violin"),
    (TRIO, "nth_entrance", "third", "tuba"),
    (TRIO, "nth_entrance", "fourth", None),
    (CONCERT, "nth_entrance", "third", None),
    (TRIO, "entrance_beside", "after violin", "piano"),
    (TRIO, "entrance_beside", "before tuba", "piano"),
    (TRIO, "entrance_beside", "before violin", None),
    (MIMES, "entrance_beside", "after banjo", None),
]


@pytest.mark.parametrize(("scene", "name", "words", "expected"), GOLDEN)
def test_answers_of_scenes_built_by_hand(scene, name, words, expected):
    assert answer_in_words(CONFIG, scene, BY_NAME[name], words.split()) == expected


def test_golden_answers_cover_every_template():
    assert {name for _, name, _, _ in GOLDEN} == set(BY_NAME)
    assert len(TEMPLATES) == 33


def test_smaller_margins_make_close_entries_answerable():
    config = WorldConfig(difficulty=1.0)
    assert answer_in_words(config, MIMES, BY_NAME["entrance_beside"], ["after", "banjo"]) == "erhu"
    assert answer_in_words(config, TRIO, BY_NAME["longer"], ["violin", "piano"]) == "no"


@pytest.mark.parametrize("words", [["first"], ["first", "nowhere"], ["left", "first"]])
def test_a_word_that_does_not_fit_is_named(words):
    with pytest.raises(AnnotationError, match="expected"):
        answer_in_words(CONFIG, TRIO, BY_NAME["turn_at_place"], words)


@pytest.fixture(scope="module")
def scenes():
    return [sample_scene(CONFIG, f"{index:08d}") for index in range(700)]


@pytest.fixture(scope="module")
def asked(scenes):
    return ask_about(CONFIG, calibrate(CONFIG), scenes)


def test_listed_answers_are_those_of_single_questions(scenes):
    found = list_candidates(facts_of_scenes(CONFIG, scenes[:40]))
    generator = np.random.default_rng(3)
    for index in generator.choice(len(found), 300, replace=False):
        template = TEMPLATES[found.template[index]]
        slots = found.slots[index, : len(template.slots)]
        words = [_word(kind, code) for kind, code in zip(template.slots, slots, strict=True)]
        scene = scenes[found.row[index]]
        assert answer_in_words(CONFIG, scene, template, words) == ANSWERS[found.answer[index]]


def _word(kind, code):
    from avqa_core.bandstand.templates import SLOT_VALUES

    return SLOT_VALUES[kind][code]


def test_nothing_answerable_is_left_out(scenes):
    found = list_candidates(facts_of_scenes(CONFIG, scenes[:1]))
    listed = {
        (TEMPLATES[t].name, tuple(slots[: len(TEMPLATES[t].slots)]))
        for t, slots in zip(found.template, found.slots, strict=True)
    }
    for template in TEMPLATES:
        if template.slots != ("present",):
            continue
        for code, instrument in enumerate(INSTRUMENTS):
            answer = answer_in_words(CONFIG, scenes[0], template, [instrument])
            assert (answer is not None) == ((template.name, (code,)) in listed)


def test_facts_of_draws_are_the_facts_of_their_scenes():
    draws = sample_joint(CONFIG, 50, np.random.default_rng(0))
    rebuilt = facts_of_scenes(
        CONFIG, [to_scene(CONFIG, draws, row, "00000001") for row in range(50)]
    )
    direct = facts_of_draws(CONFIG, draws)
    for one in fields(direct):
        assert np.array_equal(getattr(direct, one.name), getattr(rebuilt, one.name)), one.name


def test_every_template_and_nearly_every_answer_occurs(asked):
    questions = [question for group in asked for question in group]
    assert {question.template for question in questions} == set(range(33))
    missing = set(ANSWERS) - {ANSWERS[question.answer] for question in questions}
    assert missing <= {"ten", "more than ten"}


def test_templates_share_the_questions_of_a_clip(asked):
    counts = Counter(question.template for group in asked for question in group)
    total = sum(counts.values())
    assert abs(total / len(asked) - CONFIG.questions_per_clip) < 0.6
    assert all(0.008 < counts[template] / total < 0.045 for template in range(33))


def test_the_commonest_answer_is_no_commoner_than_it_must_be(asked):
    answers = defaultdict(Counter)
    for group in asked:
        for question in group:
            answers[question.template][ANSWERS[question.answer]] += 1
    for template, counter in answers.items():
        ranked = [count for _, count in counter.most_common(2)]
        noise = 4 * sum(ranked) ** 0.5
        assert ranked[0] - ranked[1] < noise + 0.12 * sum(counter.values()), TEMPLATES[template]


def test_rows_have_the_schema_of_the_data_set(asked):
    for question in asked[0] + asked[1] + asked[2]:
        row = question.to_row()
        assert list(row) == [
            "video_id",
            "question_id",
            "type",
            "question_content",
            "templ_values",
            "question_deleted",
            "anser",
        ]
        assert isinstance(row["question_id"], int) and row["question_deleted"] == 0
        example = parse_row(row)
        assert example.category in CATEGORIES
        assert example.answer == ANSWERS[question.answer]
        assert example.slot_values == question.words
        assert not any("<" in token for token in example.tokens)


def test_spellings_of_the_oddest_templates():
    texts = {template.name: template.text for template in TEMPLATES}
    assert texts["are_heard"] == "Are there <Object> and <Object> sound? "
    assert texts["outermost"] == "What kind of instrument is the <LRer> instrument? "
    assert texts["players_of_sounding"] == "How many sounding <Object> in the video\uff1f"


def test_templates_are_those_of_the_real_files():
    folder = os.environ.get("AVQA_MUSIC_ANNOTATIONS")
    if not folder:
        pytest.skip("AVQA_MUSIC_ANNOTATIONS does not name a folder with MUSIC-AVQA's questions")
    rows = json.loads((Path(folder) / "avqa-test.json").read_text(encoding="utf-8"))
    real = {(row["type"], row["question_content"]) for row in rows}
    ours = {(json.dumps(list(one.category)), one.text) for one in TEMPLATES}
    assert ours == real
    assert {row["anser"] for row in rows} | {"ten"} == set(ANSWERS)
    for template in TEMPLATES:
        values = [
            json.loads(r["templ_values"]) for r in rows if r["question_content"] == template.text
        ]
        assert {len(one) for one in values} == {len(template.slots)}


def test_questions_depend_on_the_clip_and_on_nothing_else(scenes, asked):
    rates = calibrate(CONFIG)
    assert ask_about(CONFIG, rates, [scenes[5]])[0] == asked[5]
    assert ask_about(CONFIG, rates, scenes[7:4:-1])[::-1] == asked[5:8]


def test_question_ids_are_unique_and_name_the_clip(asked):
    ids = [question.question_id for group in asked for question in group]
    assert len(set(ids)) == len(ids)
    assert all(question.question_id // 1000 == int(question.clip_id) for question in asked[9])


def test_variants_name_everything_but_instruments(asked):
    for group in asked[:50]:
        for question in group:
            variant = VARIANTS[question.variant]
            fixed = tuple(word for word in question.words if word not in INSTRUMENTS)
            assert (variant.template, variant.fixed) == (question.template, fixed)
