import numpy as np
import pytest

from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.errors import ConfigError
from avqa_core.studies import instruments


def test_alone_is_when_just_one_source_sounds():
    scenes = [sample_scene(WorldConfig(), f"{index:08d}") for index in range(6)]
    alone = instruments.heard_alone(scenes)
    assert alone.shape == (6, 10, 22) and alone.any()
    for row, scene in enumerate(scenes):
        for segment in range(10):
            sounding = [one.instrument for one in scene.sources if one.pattern[segment]]
            wanted = sounding if len(sounding) == 1 else []
            found = [INSTRUMENTS[i] for i in np.flatnonzero(alone[row, segment])]
            assert found == wanted


def test_weights_are_averaged_over_the_segments_of_an_instrument():
    weights = np.array([[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]])
    alone = np.zeros((1, 3, 22), dtype=bool)
    alone[0, :2, 4] = alone[0, 2, 7] = True
    found = instruments.mean_weights(weights, alone)
    assert set(found) == {INSTRUMENTS[4], INSTRUMENTS[7]}
    assert found[INSTRUMENTS[4]].tolist() == [0.75, 0.25]


def test_a_slot_tells_the_instrument_as_far_as_their_weights_differ():
    alike = {"drum": np.array([0.5, 0.5]), "tuba": np.array([0.5, 0.5])}
    apart = {"drum": np.array([1.0, 0.0]), "tuba": np.array([0.0, 1.0])}
    assert instruments.information(alike) == 0
    assert instruments.information(apart) == pytest.approx(1.0)
    # half of a bit by hand: drum always slot 0, tuba either; 0.5 log2(4/3) + 0.25 log2(2/3) + 0.5/2
    between = {"drum": np.array([1.0, 0.0]), "tuba": np.array([0.5, 0.5])}
    assert instruments.information(between) == pytest.approx(0.311278, abs=1e-5)


def test_no_scenes_is_an_error():
    with pytest.raises(ConfigError, match="at least one scene"):
        instruments.heard_alone([])


def test_chance_is_what_is_left_where_clips_are_exchanged():
    """Two instruments in twenty clips each, which slots know: a bit, and then hardly any."""
    alone = np.zeros((40, 1, 22), dtype=bool)
    alone[:20, 0, 4] = alone[20:, 0, 7] = True
    weights = np.zeros((40, 1, 2))
    weights[:20, 0, 0] = weights[20:, 0, 1] = 1.0
    assert instruments.information(instruments.mean_weights(weights, alone)) == pytest.approx(1.0)
    found = instruments.information_by_chance(weights, alone, num_shuffles=50, seed=3)
    assert len(found) == 50 and max(found) < 0.4 and min(found) >= 0
    assert found == instruments.information_by_chance(weights, alone, num_shuffles=50, seed=3)
    # where no slot knows anything, chance has nothing to tell either
    assert instruments.information_by_chance(np.full((40, 1, 2), 0.5), alone) == [0.0] * 100
