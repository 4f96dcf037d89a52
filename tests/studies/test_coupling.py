import pytest

from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.errors import ConfigError
from avqa_core.studies import coupling

IDS = [f"{index:08d}" for index in range(12)]


@pytest.mark.slow
def test_sight_tells_more_where_the_halves_are_linked():
    found = [
        coupling.chances(WorldConfig(coupling=one), IDS, ["audio_missing"], num_draws=200)
        for one in (0.0, 1.0)
    ]
    assert found[0]["audio_missing"] + 0.1 < found[1]["audio_missing"] <= 1


@pytest.mark.slow
def test_everything_present_is_certain():
    assert coupling.chances(WorldConfig(), IDS[:2], ["complete"]) == {"complete": 1.0}


def test_no_clips_is_an_error():
    with pytest.raises(ConfigError, match="at least one clip"):
        coupling.chances(WorldConfig(), [], ["complete"])
