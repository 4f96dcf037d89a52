from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from avqa_core import cli_media
from avqa_core.bandstand.media import features_for, media_for
from avqa_core.encoders import catalogue
from avqa_core.encoders.base import AudioEncoder, VisualEncoder
from avqa_core.errors import ConfigError
from tests.bandstand.hand_built import TRIO


def test_the_command_line_offers_what_there_is():
    assert get_args(cli_media.Audio) == tuple(catalogue.AUDIO)
    assert get_args(cli_media.Visual) == tuple(catalogue.VISUAL)


@pytest.mark.parametrize(("name", "size"), [("resnet18", 224), ("clip", 224), ("bandstand", None)])
def test_pictures_are_prepared_for_their_encoder(name, size):
    prepared = catalogue.VISUAL[name].prepare(np.zeros((1, 48, 64, 3), np.uint8))
    assert prepared.shape == ((1, size, size, 3) if size else (1, 192, 288, 3))


def test_a_name_that_nobody_knows_is_told():
    with pytest.raises(ConfigError, match="did you mean 'resnet18'"):
        catalogue.choose(catalogue.VISUAL, "resnet")
    with pytest.raises(ConfigError, match="vggish, bandstand"):
        catalogue.choose(catalogue.AUDIO, "panns")


def test_bandstand_as_a_choice_is_bandstand():
    frames, waveform = media_for(TRIO)
    (wanted,) = features_for([TRIO])
    audio: AudioEncoder = catalogue.AUDIO["bandstand"].load(())
    visual: VisualEncoder = catalogue.VISUAL["bandstand"].load(())
    seconds = torch.from_numpy(waveform).reshape(10, 16_000)
    np.testing.assert_allclose(audio(seconds), wanted["audio"], atol=5e-3)
    maps = visual(torch.from_numpy(frames))["visual"]
    np.testing.assert_allclose(maps, wanted["visual"], atol=5e-3)
    assert maps.shape[1:] == visual.shapes["visual"] and audio.width == 128
    assert audio.weights_hash != visual.weights_hash
