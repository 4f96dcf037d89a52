"""Trials on a page: which questions they take, and that multiple choice is that of a real file."""

from __future__ import annotations

import numpy as np
import pytest

from avqa_core import bounds
from avqa_core.backbones import backbones
from avqa_core.bandstand import calibration
from avqa_core.bandstand.world import WorldConfig, build_world
from avqa_core.data.annotations import read_annotations
from avqa_core.data.folder import DataFolder
from avqa_core.errors import ConfigError
from avqa_core.studies import trials
from avqa_core.viz.method_views import plain_model
from tests.training.worlds import multiple_choice, write_world


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> DataFolder:
    return DataFolder(write_world(tmp_path_factory.mktemp("trials") / "world"))


def test_questions_are_those_about_the_first_clips(data):
    examples = data.examples("test")
    some = trials.about_clips(examples, 3)
    assert len(some) == 9 and len({one.video_id for one in some}) == 3
    assert some == examples[:9]
    assert trials.about_clips(examples, 1000) == examples
    assert trials.one_each(some) == [some[0], some[3], some[6]]


def test_choices_are_what_a_world_in_the_format_of_avqa_has(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "NUM_REFERENCE_SCENES", 400)
    config, splits = WorldConfig(), {"train": 6, "val": 1, "test": 1}

    def blank(scenes):
        from avqa_core.bandstand.media import layout_for

        layout = layout_for(config.num_segments)
        return [{name: np.zeros(of, np.float32) for name, of in layout.items()} for _ in scenes]

    for name, kind in (("plain", "music_avqa"), ("choice", "avqa")):
        out = tmp_path / name
        list(
            build_world(
                config, out, splits=splits, make_features=blank, num_draws=2, question_format=kind
            )
        )
    asked = read_annotations(tmp_path / "plain" / "json" / "avqa-train.json")
    wanted = read_annotations(tmp_path / "choice" / "json" / "avqa-train.json")
    assert trials.as_choices(tmp_path / "plain", asked) == wanted
    assert {len(one.candidates) for one in wanted} == {4}


def test_a_folder_that_is_no_bandstand_is_refused(data):
    with pytest.raises(ConfigError):
        trials.as_choices(data.path, data.examples("test"))


def test_floors_of_multiple_choice_are_never_below_guessing(tmp_path):
    other = DataFolder(write_world(tmp_path / "choice", ask=multiple_choice))
    assert min(bounds.floors(other, "test").values()) >= 0.25


def test_a_trial_is_the_same_for_the_same_seed_and_learns_something(data):
    one, other = (
        trials.briefly(
            plain_model("avst", "tiny"), data.dataset("train"), num_steps=40, batch_size=12, seed=3
        )
        for _ in range(2)
    )
    assert (one.first, one.last) == (other.first, other.last)
    assert one.last < one.first and not one.model.training


@pytest.mark.parametrize(
    "backbone",
    [one if one == "avst" else pytest.param(one, marks=pytest.mark.slow) for one in backbones],
)
def test_every_backbone_keeps_every_contract_on_any_processor(backbone):
    found = trials.contracts_of(backbone)
    assert [one.contract for one in found if one.broken] == []
