import json

import numpy as np
import pytest
import torch

from avqa_core import config as configuration
from avqa_core import rng
from avqa_core.bandstand import encoder_training, world
from avqa_core.bandstand.encoder_heads import (
    NOBODY,
    AudioHeads,
    VisualHeads,
    join,
    sights,
    sounds,
)
from avqa_core.bandstand.encoder_training import (
    FIRST_TRAINING_CLIP,
    EncoderConfig,
    EncoderStep,
    EncodersWritten,
    train_encoders,
)
from avqa_core.bandstand.encoders import (
    WEIGHTS,
    AudioEncoder,
    VisualEncoder,
    halved,
    load_encoders,
    load_recipe,
)
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.render import render_frames
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.bandstand.sound import render_sound
from avqa_core.errors import ConfigError, FeatureError
from tests.bandstand.hand_built import TRIO

TINY = EncoderConfig(
    visual_steps=2,
    audio_steps=2,
    visual_clips=3,
    audio_clips=3,
    segments_per_clip=2,
    held_out_clips=2,
    bfloat16=False,
)


@pytest.fixture(scope="module")
def media():
    """Two clips: frames [2, 10, 192, 288, 3] and sound [2, 160000]."""
    scenes = [sample_scene(WorldConfig(), f"{clip:08d}") for clip in (1, 2)]
    return (
        np.stack([render_frames(scene) for scene in scenes]),
        np.stack([render_sound(scene) for scene in scenes]),
    )


def test_features_have_the_shapes_of_the_store(media):
    frames, waveforms = media
    encoders = load_encoders()
    visual, audio = encoders.visual(frames), encoders.audio(waveforms)
    assert visual.shape == (2, 10, 64, 4, 6)
    assert audio.shape == (2, 10, 128)
    assert visual.dtype == audio.dtype == torch.float32
    assert not visual.requires_grad
    # A clip gives the same alone, as a tensor, and in a batch.
    assert torch.allclose(encoders.visual(torch.from_numpy(frames[1])), visual[1], atol=1e-4)
    assert torch.allclose(encoders.audio(torch.from_numpy(waveforms[1])), audio[1], atol=1e-4)


def test_features_are_positive_and_about_one_in_size(media):
    frames, waveforms = media
    for feature in (load_encoders().visual(frames), load_encoders().audio(waveforms)):
        assert bool(torch.isfinite(feature).all())
        assert float(feature.min()) >= 0.0
        assert 0.4 < float((feature**2).mean().sqrt()) < 2.5
        # Fits float16 with room to spare, and no channel is dead weight.
        assert float(feature.max()) < 200.0


def test_a_frame_does_not_hear_and_a_second_hears_itself_only(media):
    _, waveforms = media
    other = waveforms[0].copy()
    other[3 * 16_000 : 4 * 16_000] = 0.0
    before, after = (load_encoders().audio(wave) for wave in (waveforms[0], other))
    differs = (before - after).abs().amax(dim=1) > 1e-4
    assert differs.tolist() == [segment == 3 for segment in range(10)]


def test_halving_is_the_mean_of_four_pixels():
    frame = torch.zeros(1, 4, 2, 3, dtype=torch.uint8)
    frame[0, 0, 0, 0], frame[0, 1, 1, 0], frame[0, 2:, :, 2] = 255, 1, 255
    small = halved(frame)
    assert small.shape == (1, 3, 2, 1)
    # (255 + 1) / 4 = 64 grey levels; -1 is black and 1 is white.
    assert small[0, 0, 0, 0] == pytest.approx(64 / 127.5 - 1)
    assert small[0, :, 1, 0].tolist() == pytest.approx([-1.0, -1.0, 1.0])


@pytest.mark.parametrize(
    "frames", [np.zeros((10, 224, 224, 3), np.uint8), np.zeros((192, 288, 3), np.float32)]
)
def test_other_pictures_are_refused(frames):
    with pytest.raises(FeatureError, match=r"expected uint8 frames.*192, 288, 3.*resize"):
        load_encoders().visual(frames)


def test_sixteen_bit_samples_are_refused():
    with pytest.raises(FeatureError, match=r"floating point.*int16.*32768"):
        load_encoders().audio(np.zeros(16_000, np.int16))


def test_missing_or_foreign_weights_are_one_error(tmp_path):
    with pytest.raises(FeatureError, match=r"visual encoder.*reinstall"):
        load_encoders(tmp_path)
    (tmp_path / "visual.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(FeatureError, match=r"visual encoder.*reinstall"):
        load_encoders(tmp_path)
    with pytest.raises(FeatureError, match=r"recipe.*avqa encoders"):
        load_recipe(tmp_path)


def test_loading_leaves_the_global_generator_alone():
    load_encoders.cache_clear()
    state = torch.random.get_rng_state()
    load_encoders()
    assert torch.equal(state, torch.random.get_rng_state())


def test_stored_files_are_small():
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 2_000_000


def test_the_recipe_says_how_and_how_well():
    recipe = load_recipe()
    scores = recipe["scores"]
    assert recipe["config"] == configuration.to_dict(EncoderConfig())
    assert recipe["command"] == "avqa encoders --seed 0 --visual-steps 800 --audio-steps 3000"
    assert recipe["training_clips"][0] >= FIRST_TRAINING_CLIP
    assert recipe["training_clips"][1] <= recipe["held_out_clips"][0]
    assert scores["visual: instrument"] > 0.99
    assert scores["visual: playing"] > 0.98
    assert min(scores[f"visual: seen/{name}"] for name in INSTRUMENTS) > 0.97
    assert scores["audio: heard, up to 3 sources"] > 0.96
    assert scores["audio: level"] > 0.94
    assert scores["audio: rate"] > 0.94
    assert min(scores["audio: voice"], scores["audio: ambience"]) > 0.98
    assert set(scores) >= {f"audio: heard/{name}" for name in INSTRUMENTS}


@pytest.mark.slow
def test_facts_can_be_read_from_the_stored_features_by_a_weighted_sum():
    """A fresh linear read-out, fitted on 36 clips of a world, holds on 12 others."""
    clips = [sample_scene(WorldConfig(seed=5, coupling=0.0), f"{c:08d}") for c in range(48)]
    encoders, every = load_encoders(), list(range(10))
    frames = torch.stack([torch.from_numpy(render_frames(clip)) for clip in clips])[:, ::3]
    waves = torch.stack([torch.from_numpy(render_sound(clip)) for clip in clips])
    seen = join([sights(clip, every[::3]) for clip in clips])
    heard = join([sounds(clip, every) for clip in clips])
    maps = encoders.visual(frames).flatten(0, 1)
    place = maps.unflatten(-1, (3, 2)).mean(dim=(2, 4)).transpose(1, 2)
    there = seen.instrument != NOBODY
    assert held_out_accuracy(place[there], seen.playing[there]) > 0.9
    assert held_out_accuracy(maps.mean(dim=(2, 3)), seen.backdrop == 0) > 0.95
    feature = encoders.audio(waves).flatten(0, 1)
    assert held_out_accuracy(feature, heard.voice) > 0.9
    assert held_out_accuracy(feature, heard.ambience == 0) > 0.9


def held_out_accuracy(feature: torch.Tensor, fact: torch.Tensor) -> float:
    """Ridge regression on the first three quarters, right answers on the rest."""
    cut = 3 * len(feature) // 4
    inputs = torch.cat([feature, torch.ones(len(feature), 1)], dim=1).double()
    target = fact.double() * 2 - 1
    gram = inputs[:cut].T @ inputs[:cut] + 3.0 * torch.eye(inputs.shape[1])
    weights = torch.linalg.solve(gram, inputs[:cut].T @ target[:cut])
    return float(((inputs[cut:] @ weights > 0) == fact[cut:]).double().mean())


def test_targets_are_the_facts_of_the_scene():
    seen = sights(TRIO, [0, 3, 8])
    violin, piano, flute = (INSTRUMENTS.index(name) for name in ("violin", "piano", "flute"))
    assert seen.instrument.tolist() == [[violin, piano, flute]] * 3
    assert seen.count.tolist() == [[1, 0, 2]] * 3
    assert seen.playing.tolist() == [
        [True, False, False],
        [True, True, False],
        [False, True, False],
    ]
    heard = sounds(TRIO, [0, 3, 8])
    tuba = INSTRUMENTS.index("tuba")
    assert [row.nonzero()[:, 0].tolist() for row in heard.sounding] == [
        [violin],
        [piano, violin],
        [piano, tuba],
    ]
    assert heard.level[0, [violin, piano, tuba]].tolist() == [2, 1, 0]
    assert heard.rate[0, [violin, piano, tuba]].tolist() == [1, 0, 1]
    assert heard.voice.tolist() == [False, True, False]
    assert heard.ambience.tolist() == [1, 1, 1]


def test_scores_count_what_was_asked():
    with rng.initialising(0):
        heads, ears = VisualHeads(), AudioHeads()
    facts = join([sights(TRIO, [0, 3]), sights(TRIO, [8])])
    with torch.no_grad():
        heads.playing.weight.zero_()
        heads.playing.bias.copy_(torch.tensor([0.0, 1.0]))
        ears.sounding.weight.zero_()
        ears.sounding.bias.fill_(1.0)
    score = heads.score(torch.zeros(3, 64, 4, 6), facts)
    # "Plays" everywhere is right four times out of nine.
    assert [int(part) for part in score["playing"]] == [4, 9]
    # All 22 instruments in each of three seconds, five of them rightly: F1 = 2 * 5 / (66 + 5).
    heard = ears.score(torch.zeros(3, 128), sounds(TRIO, [0, 3, 8]))
    assert [int(part) for part in heard["heard, up to 3 sources"]] == [10, 71]


def test_training_ids_are_in_no_split():
    last = max(world.FIRST_ID.values()) + world.MOST_CLIPS
    assert last <= FIRST_TRAINING_CLIP


@pytest.mark.slow
def test_training_writes_encoders_that_load(tmp_path):
    state = torch.random.get_rng_state()
    events = list(train_encoders(TINY, tmp_path))
    assert torch.equal(state, torch.random.get_rng_state())
    steps = [event for event in events if isinstance(event, EncoderStep)]
    assert [(e.network, e.step, e.num_steps) for e in steps] == [
        ("visual", 1, 2),
        ("visual", 2, 2),
        ("audio", 1, 2),
        ("audio", 2, 2),
    ]
    assert isinstance(events[-1], EncodersWritten)
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    assert recipe["config"]["visual_steps"] == 2
    scores = recipe["scores"]
    assert {"visual: instrument", "audio: level"} <= set(scores) <= set(load_recipe()["scores"])
    assert all(0.0 <= score <= 1.0 for score in scores.values())
    again = list(train_encoders(TINY, tmp_path / "again"))
    assert [e.loss for e in again if isinstance(e, EncoderStep)] == [e.loss for e in steps]
    first, second = load_encoders(tmp_path), load_encoders(tmp_path / "again")
    frames = render_frames(TRIO)
    assert torch.equal(first.visual(frames), second.visual(frames))


@pytest.mark.parametrize("kind", [VisualEncoder, AudioEncoder])
def test_folding_changes_nothing_but_the_size_of_channels(kind):
    generator = torch.Generator().manual_seed(0)
    with rng.initialising(0):
        trained = kind(normalised=True)
    for module in trained.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            torch.nn.init.normal_(module.bias, generator=generator)
    plain = encoder_training.folded(trained.eval())
    if kind is VisualEncoder:
        inputs = torch.randint(0, 256, (2, 192, 288, 3), dtype=torch.uint8, generator=generator)
    else:
        inputs = torch.randn(2, 96, 64, generator=generator)
    assert torch.allclose(trained(inputs), plain(inputs), rtol=1e-3, atol=1e-3)


def test_impossible_configs_are_refused():
    with pytest.raises(ConfigError, match="audio_clips"):
        EncoderConfig(audio_clips=0)
    with pytest.raises(ConfigError, match="segments_per_clip"):
        EncoderConfig(segments_per_clip=11)
