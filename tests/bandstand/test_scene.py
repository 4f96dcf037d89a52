from __future__ import annotations

import json
from dataclasses import replace

import pytest

from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import INSTRUMENTS, PLACES, Scene
from avqa_core.errors import ConfigError
from tests.bandstand.hand_built import TRIO

CONFIG = WorldConfig(seed=4)


@pytest.fixture(scope="module")
def scenes():
    return [sample_scene(CONFIG, f"{index:08d}") for index in range(300)]


def test_a_scene_survives_json(scenes):
    for scene in [*scenes[:20], TRIO]:
        assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


def test_a_misspelt_fact_is_named():
    data = TRIO.to_dict()
    data["sections"][1]["closenes"] = data["sections"][1].pop("closeness")
    with pytest.raises(ConfigError, match="closeness"):
        Scene.from_dict(data)


def test_an_unknown_instrument_is_named():
    data = TRIO.to_dict()
    data["sources"][0]["instrument"] = "violine"
    with pytest.raises(ConfigError, match="did you mean 'violin'"):
        Scene.from_dict(data)


def test_a_clip_is_a_function_of_world_and_id():
    assert sample_scene(CONFIG, "00000007") == sample_scene(CONFIG, "00000007")
    assert sample_scene(CONFIG, "00000007").seen() != sample_scene(CONFIG, "00000008").seen()
    other_world = replace(CONFIG, seed=5)
    assert sample_scene(CONFIG, "00000007").seen() != sample_scene(other_world, "00000007").seen()


def test_what_is_seen_and_what_is_heard_are_kept_apart():
    deaf = replace(TRIO, sources=(), ambience="indoor", voice=TRIO.captions)
    blind = replace(TRIO, sections=(), backdrop="outdoor", captions=TRIO.voice)
    assert deaf.seen() == TRIO.seen() and deaf.heard() != TRIO.heard()
    assert blind.heard() == TRIO.heard() and blind.seen() != TRIO.seen()


def test_stages_are_possible(scenes):
    for scene in scenes:
        places = [PLACES.index(section.place) for section in scene.sections]
        assert places == sorted(set(places)) and 1 <= len(places) <= 3
        assert scene.sources, "something is always heard"
        assert all(any(source.pattern) for source in scene.sources)
        names = [source.instrument for source in scene.sources]
        assert len(set(names)) == len(names) <= 4
        for section in scene.sections:
            assert section.instrument in INSTRUMENTS and 1 <= section.count <= 3


def test_twins_share_all_but_place_number_and_entry(scenes):
    num_twins = num_late = 0
    for scene in scenes:
        by_act = {}
        for section in scene.sections:
            other = by_act.setdefault(section.act, section)
            if other is not section:
                num_twins += 1
                same = ("instrument", "closeness", "vigour")
                assert all(getattr(other, name) == getattr(section, name) for name in same)
                entries = [one.motion.index(True) for one in (other, section) if any(one.motion)]
                if len(set(entries)) == 2:
                    num_late += 1
                    assert abs(entries[0] - entries[1]) >= CONFIG.entry_margin
    assert num_twins > 40 and num_late > 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"coupling": 1.1},
        {"silent_rate": 0.9, "full_rate": 0.2},
        {"num_acts": 5, "num_instruments": 4},
        {"latest_entry": 8},
        {"questions_per_clip": 0.0},
    ],
)
def test_impossible_knobs_are_refused(wrong):
    with pytest.raises(ConfigError, match="expected"):
        WorldConfig(**wrong)
