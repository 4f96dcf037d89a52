from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avqa_core.bandstand import calibration, ceiling
from avqa_core.bandstand.bounds import Ceilings, Floors
from avqa_core.bandstand.ceiling import SCENARIOS
from avqa_core.bandstand.media import layout_for
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.world import (
    WorldConfig,
    WorldFinished,
    WorldProgress,
    build_world,
    clip_ids,
    read_config,
    read_scenes,
)
from avqa_core.data.annotations import read_annotations
from avqa_core.data.store import FeatureStore
from avqa_core.errors import AnnotationError, ConfigError

SPLITS = {"train": 20, "val": 4, "test": 6}
CONFIG = WorldConfig(questions_per_clip=6.0)


def made_up_features(scenes):
    """Stand in for the encoders: numbers that name the clip."""
    return [
        {
            name: np.full(shape, int(scene.clip_id) % 1000, dtype=np.float16)
            for name, shape in layout_for(scene.num_segments).items()
        }
        for scene in scenes
    ]


def build(out, config=CONFIG, splits=SPLITS, make_features=made_up_features, **options):
    return list(
        build_world(
            config, out, splits=splits, make_features=make_features, num_draws=200, **options
        )
    )


@pytest.fixture(scope="module", autouse=True)
def quickly_calibrated():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "NUM_REFERENCE_SCENES", 400)
        patch.setattr(ceiling, "NUM_PRIOR_SCENES", 400)
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    out = tmp_path_factory.mktemp("worlds") / "world"
    return out, build(out)


def contents(folder: Path):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_world_has_its_files(world):
    out, events = world
    names = set(contents(out))
    for split in SPLITS:
        assert {f"json/avqa-{split}.json", f"scenes/{split}.jsonl"} <= names
    assert {"world.json", "ceiling.json", "floor.json", "features/index.json"} <= names
    assert not any("partial" in name for name in names)
    assert isinstance(events[-1], WorldFinished) and events[-1].num_clips == SPLITS
    stages = [one.stage for one in events if isinstance(one, WorldProgress)]
    assert list(dict.fromkeys(stages)) == ["questions", "features", "ceilings"]
    last = {one.stage: (one.done, one.total) for one in events[:-1]}
    assert last == {"questions": (30, 30), "features": (30, 30), "ceilings": (6, 6)}


def test_questions_scenes_and_features_belong_together(world):
    out, events = world
    store = FeatureStore.open(out / "features")
    for split, number in SPLITS.items():
        examples = read_annotations(out / "json" / f"avqa-{split}.json")
        assert len(examples) == events[-1].num_questions[split]
        scenes = read_scenes(out, split)
        assert [scene.clip_id for scene in scenes] == clip_ids(split, number)
        assert scenes[0] == sample_scene(CONFIG, scenes[0].clip_id)
        assert {example.video_id for example in examples} <= {scene.clip_id for scene in scenes}
        for scene in scenes:
            assert (store[scene.clip_id]["audio"] == int(scene.clip_id) % 1000).all()


def test_splits_share_neither_clips_nor_scenes(world):
    out, _ = world
    facts = {
        split: {json.dumps(scene.to_dict() | {"clip_id": "", "seed": 0}) for scene in scenes}
        for split, scenes in ((split, read_scenes(out, split)) for split in SPLITS)
    }
    assert sum(map(len, facts.values())) == len(set.union(*facts.values())) == 30
    ids = [
        example.question_id
        for split in SPLITS
        for example in read_annotations(out / "json" / f"avqa-{split}.json")
    ]
    assert len(set(ids)) == len(ids)


def test_bounds_are_read_back(world):
    out, events = world
    ceilings, floors = Ceilings.read(out / "ceiling.json"), Floors.read(out / "floor.json")
    total = events[-1].num_questions["test"]
    for scenario in SCENARIOS:
        assert ceilings.overall(scenario).total == total == len(ceilings.chances[scenario])
    assert ceilings.overall("complete").chance == 1.0
    both, one = (ceilings.overall(name).chance for name in ("both_missing", "audio_missing"))
    assert both < one < 1.0
    assert floors.overall().total == total
    assert set(floors.by_category()) == set(ceilings.by_category("both_missing"))
    chances = ceilings.chances["audio_missing"].values()
    assert ceilings.overall("audio_missing").chance == pytest.approx(
        np.mean(list(chances)), abs=1e-5
    )


def test_a_finished_world_is_left_alone(world):
    out, events = world
    before = contents(out)
    assert build(out, make_features=None) == events[-1:]
    assert contents(out) == before
    assert read_config(out) == CONFIG


def test_a_larger_world_contains_the_smaller_one(world, tmp_path):
    out, _ = world
    build(tmp_path / "larger", splits={"train": 24, "val": 4, "test": 6})
    small, large = contents(out), contents(tmp_path / "larger")
    assert small["json/avqa-test.json"] == large["json/avqa-test.json"]
    assert small["ceiling.json"] == large["ceiling.json"]
    assert large["scenes/train.jsonl"].startswith(small["scenes/train.jsonl"])


class Interrupted(Exception):
    pass


def test_an_interrupted_build_goes_on_and_ends_the_same(world, tmp_path):
    out, _ = world
    served = []

    def dies(scenes):
        if served:
            raise Interrupted
        served.extend(scenes)
        return made_up_features(scenes)

    with pytest.raises(Interrupted):
        build(tmp_path / "world", make_features=dies)
    assert not (tmp_path / "world" / "world.json").exists()

    asked_again = []

    def notes(scenes):
        asked_again.extend(scene.clip_id for scene in scenes)
        return made_up_features(scenes)

    build(tmp_path / "world", make_features=notes)
    assert not {scene.clip_id for scene in served} & set(asked_again)
    assert contents(tmp_path / "world") == contents(out)


def test_another_world_in_the_folder_is_not_overwritten(world):
    out, _ = world
    before = contents(out)
    with pytest.raises(ConfigError, match="another"):
        build(out, config=WorldConfig(questions_per_clip=6.0, seed=1))
    assert contents(out) == before


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("do not lose me")
    with pytest.raises(ConfigError, match="other files"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("splits", [{"train": 3, "test": 3}, {"train": 3, "val": 0, "test": 3}, {}])
def test_splits_must_have_clips(tmp_path, splits):
    with pytest.raises(ConfigError, match="splits"):
        build(tmp_path / "world", splits=splits)
    assert not (tmp_path / "world").exists()


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "ceiling.json").write_text("{")
    (tmp_path / "floor.json").write_text('{"format": 1, "rows": [{}]}')
    with pytest.raises(AnnotationError, match=r"ceiling\.json"):
        Ceilings.read(tmp_path / "ceiling.json")
    with pytest.raises(AnnotationError, match=r"floor\.json"):
        Floors.read(tmp_path / "floor.json")
    with pytest.raises(ConfigError, match=r"world\.json"):
        read_config(tmp_path)
    with pytest.raises(ConfigError, match=r"train\.jsonl"):
        read_scenes(tmp_path, "train")


@pytest.mark.slow
def test_real_features_do_not_depend_on_the_number_of_processes(tmp_path):
    splits = {"train": 18, "val": 2, "test": 2}
    for number in (1, 2):
        build(tmp_path / str(number), splits=splits, make_features=None, num_workers=number)
    one, two = (FeatureStore.open(tmp_path / str(number) / "features") for number in (1, 2))
    for clip_id in one.video_ids:
        for name, array in one[clip_id].items():
            assert np.allclose(array, two[clip_id][name], atol=2e-3)
            assert array.std() > 0.1


def test_a_world_of_multiple_choice(world, tmp_path):
    out = tmp_path / "avqa"
    events = build(out, question_format="avqa")
    names = set(contents(out))
    assert "floor.json" in names and "ceiling.json" not in names
    assert [one.stage for one in events[:-1]][-1] == "features"
    for split in SPLITS:
        examples = read_annotations(out / "json" / f"avqa-{split}.json")
        assert len(examples) == events[-1].num_questions[split]
        assert all(one.answer in one.candidates for one in examples)
        # The clips are the same as in the other format, so are scenes and features.
        scenes = f"scenes/{split}.jsonl"
        assert (out / scenes).read_bytes() == (world[0] / scenes).read_bytes()
    floors = Floors.read(out / "floor.json")
    assert {row.table for row in floors.rows} == {"candidates", "category", "question"}
    assert build(out, question_format="avqa")[-1] == events[-1]


@pytest.mark.parametrize("name", ["world.json", "plan.json"])
def test_a_folder_has_questions_of_one_format(tmp_path, name):
    out = tmp_path / "w"
    other = {"music_avqa": "avqa", "avqa": "music_avqa"}
    for ours, theirs in other.items():
        build(out / ours, splits={"train": 1, "val": 1, "test": 1}, question_format=ours)
        if name == "plan.json":
            (out / ours / "world.json").unlink()
        with pytest.raises(ConfigError, match="another one"):
            build(out / ours, splits={"train": 1, "val": 1, "test": 1}, question_format=theirs)
