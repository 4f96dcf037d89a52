"""An observer that reads what is there answers everything; one that reads nonsense does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from avqa_core.bandstand.encoder_heads import NOBODY, sights, sounds
from avqa_core.bandstand.facts import facts_of_scenes
from avqa_core.bandstand.floor import LookUp
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import ask_about
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.bandstand.world import build_world
from avqa_core.data.folder import DataFolder
from avqa_core.errors import ConfigError
from avqa_core.studies import counting_rule, readings
from avqa_core.types import QAExample
from tests.studies.scenes import question, scene_of
from tests.training.worlds import write_world

WORLD = WorldConfig()
EVERY = range(WORLD.num_segments)
TRAIN = [sample_scene(WORLD, f"{number:08d}") for number in range(160)]
TEST = [sample_scene(WORLD, f"{number:08d}") for number in range(500, 530)]


def _features(scenes) -> readings.ClipFeatures:
    """Return features that hold every fact in a number of its own, or in one of many."""
    audio, visual = [], []
    for scene in scenes:
        seen, heard = sights(scene, EVERY), sounds(scene, EVERY)
        kinds = one_hot(seen.instrument, NOBODY + 1)
        rest = torch.stack([seen.playing.long(), seen.backdrop[:, None].expand(-1, 3)], dim=-1)
        count = (seen.count + 1)[..., None] * kinds[..., :NOBODY]
        visual.append(torch.cat([kinds, count, rest], dim=-1))
        live = heard.sounding.long()
        audio.append(
            torch.cat([live, live * heard.level, live * heard.rate, heard.voice[:, None]], dim=-1)
        )
    return readings.ClipFeatures(torch.stack(audio).float(), torch.stack(visual).float())


KNOWN = readings.KnownClips(_features(TRAIN), TRAIN, WORLD)


@pytest.fixture(scope="module")
def read():
    return readings.read_facts(KNOWN, _features(TEST))


@pytest.mark.parametrize(
    "name", ["on_place", "motion", "players", "level", "rate", "is_outdoor", "has_voice"]
)
def test_what_the_features_hold_is_read(read, name):
    truth = facts_of_scenes(WORLD, TEST)
    wrong = getattr(read, name) != getattr(truth, name)
    assert wrong.mean() < 0.01


def test_a_source_is_read_unless_it_sounds_in_a_single_segment(read):
    truth = facts_of_scenes(WORLD, TEST)
    lasting = truth.pattern.sum(axis=-1) > 1
    assert lasting.any()
    assert (read.pattern[lasting] == truth.pattern[lasting]).mean() > 0.99
    assert read.nobody == truth.nobody and not read.heard[:, read.nobody].any()


def test_means_tell_who_is_heard_and_how_many_play():
    counted = readings.read_counts(KNOWN, _features(TEST))
    truth = facts_of_scenes(WORLD, TEST)
    assert (counted.players == truth.players).mean() > 0.99
    assert (counted.heard == truth.heard).mean() > 0.98
    assert (counted.on_place == -1).all()


def test_counts_of_a_scene_by_hand():
    scene = scene_of({"cello": 1, "flute": 3}, ("flute", "drum"))
    players, heard = readings.counts_of([scene, TRAIN[0]], WORLD)
    names = list(readings.SLOT_VALUES["any"])
    assert {names[i]: int(players[0, i]) for i in players[0].nonzero()} == {"cello": 1, "flute": 3}
    assert {names[i] for i in heard[0].nonzero()} == {"flute", "drum"}


def test_the_reasoner_answers_every_question_of_the_world_from_true_facts():
    rates = np.ones((200, 200))
    asked = [one for questions in ask_about(WORLD, rates, TEST[:8]) for one in questions]
    assert {one.template for one in asked} == set(range(len(TEMPLATES)))
    examples = [
        QAExample(
            question_id=one.question_id,
            video_id=one.clip_id,
            category=TEMPLATES[one.template].category,
            template=TEMPLATES[one.template].text.strip(),
            slot_values=one.words,
            tokens=("?",),
            answer=one.to_row()["anser"],
        )
        for one in asked
    ]
    rows = {scene.clip_id: row for row, scene in enumerate(TEST)}
    usual = LookUp([], "template")
    given = readings.reason(facts_of_scenes(WORLD, TEST), examples, rows, usual)
    assert given == [one.answer for one in examples]


def test_without_a_clear_answer_the_usual_one_is_given():
    """Two sources are equally loud: whether one is louder cannot be told from such facts."""
    louder = "Is the <Object> louder than the <Object>?"
    scene = scene_of({"cello": 1}, ("cello", "flute"))
    one = replace(question("a", None, louder), slot_values=("cello", "flute"))
    facts, rows = facts_of_scenes(WORLD, [scene]), {"a": 0}
    trained = [replace(one, answer=answer) for answer in ("no", "no", "yes")]
    for train, wanted in ((trained, "no"), ([], None)):
        usual = LookUp(train, "template")
        assert readings.reason(facts, [one], rows, usual) == [wanted]


def test_a_linear_map_finds_a_line():
    inputs = torch.tensor([[0.0], [1.0], [2.0], [5.0]])
    line = readings.LinearMap(inputs, 3 * inputs[:, 0] - 1, readings._squared)
    assert line(torch.tensor([[10.0]])).item() == pytest.approx(29.0, abs=0.05)
    with pytest.raises(ConfigError, match="clips to fit on"):
        readings.LinearMap(inputs[:0], inputs[:0, 0], readings._squared)
    nothing = readings.KnownClips(_features(TRAIN[:1]), [], WORLD)
    with pytest.raises(ConfigError, match="clips to fit on"):
        readings.read_facts(nothing, _features(TEST[:1]))


@pytest.mark.slow
def test_the_study_reads_the_built_features(tmp_path):
    """Already with few clips real features tell more than those of another clip."""
    splits = {"train": 60, "val": 2, "test": 20}
    for _ in build_world(WORLD, tmp_path, splits=splits, num_draws=20):
        pass
    found = readings.study(DataFolder(tmp_path), num_clips=1000, seed=0)
    assert found is not None and found.num_clips == 60
    own, other = (found.accuracy(one) for one in ("readings", "other_clip"))
    assert own > other + 0.2
    assert found.accuracy("readings", ["Visual Counting"]) > 0.8
    interval = found.interval("readings")
    assert interval.estimate == pytest.approx(own)
    assert interval.low < own < interval.high
    lessons = [counting_rule.Lesson(num_questions=few, num_steps=3) for few in (10, 1000)]
    learned = counting_rule.study(DataFolder(tmp_path), lessons=lessons, seeds=(0, 1))
    assert [one.told for one in learned] == [told for told in counting_rule.TOLD for _ in lessons]
    assert all(one.num_questions <= most for one, most in zip(learned, [10, 1000] * 3, strict=True))
    again = readings.study(DataFolder(tmp_path), num_clips=1000, seed=0)
    assert again is not None and again.right == found.right


def test_of_other_data_nothing_is_said(tmp_path):
    folder = DataFolder(write_world(tmp_path / "world"))
    assert readings.study(folder, num_clips=10, seed=0) is None
    assert counting_rule.study(folder, lessons=[], seeds=(0,)) == []
