"""Made-up clips, toggles and sessions that the tests of ``viz`` and of the browser share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avqa_core import rng
from avqa_core.backbones.avst import AVSTConfig
from avqa_core.bandstand.bounds import Floors
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import Scene
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.completion.rmm import RMMConfig
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.data.vocabulary import MUSIC_AVQA_ANSWERS, MUSIC_AVQA_WORDS, PADDING, Vocabulary
from avqa_core.diffusion.denoiser import LightConfig
from avqa_core.diffusion.process import DiffusionConfig
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureDims, QAExample
from avqa_core.viz.media import ClipMedia, MediaFiles
from avqa_core.viz.session import ToggleSession
from avqa_core.viz.session_world import QuestionFloor, SessionWorld
from avqa_core.viz.toggle_data import (
    SCENARIO_NAMES,
    ToggleClip,
    ToggleData,
    ToggleQuestion,
    ToggleView,
)

ANSWERS = ("two", "three", "acoustic_guitar", "more than ten")
# The answer that each scenario's view gives, so that a test knows what a toggle must show.
SHOWN = dict(zip(SCENARIO_NAMES, ANSWERS, strict=True))
VOCABULARY = Vocabulary((PADDING, *MUSIC_AVQA_WORDS), MUSIC_AVQA_ANSWERS)
WORLD = WorldConfig()


def made_up_clip(number: int = 0, seconds: int = 10) -> ClipMedia:
    """Return frames with a square that moves and a tone that pauses every other second."""
    frames = np.full((seconds, 64, 96, 3), 230, dtype=np.uint8)
    for second in range(seconds):
        frames[second, 20:44, 4 + 8 * second : 20 + 8 * second] = (200, 40, 30 * number % 256)
    time = np.arange(16_000 * seconds) / 16_000
    tone = 0.3 * np.sin(2 * np.pi * (220 + 40 * number) * time) * (time.astype(int) % 2)
    return ClipMedia(f"{number:08d}", frames, tone.astype(np.float32))


def made_up_view(scenario: str, num_slots: int = 12) -> ToggleView:
    """Return a view whose best answer is ``SHOWN[scenario]``."""
    best = SHOWN[scenario]
    rest = tuple((name, 0.1) for name in ANSWERS if name != best)
    weights = np.random.default_rng(0).dirichlet(np.ones(num_slots), size=10)
    return ToggleView(
        answers=((best, 0.6), *rest),
        ceiling=1.0 if scenario == "complete" else 0.55,
        addressing=None if scenario == "complete" else weights,
    )


def made_up_question(number: int = 0, truth: str = "two") -> ToggleQuestion:
    return ToggleQuestion(
        question_id=number,
        text=f"How many instruments are sounding in the video, asked {number} times?",
        category="Audio-Visual Counting",
        truth=truth,
        floor_answer="three",
        floor_accuracy=0.31,
        views={name: made_up_view(name) for name in SCENARIO_NAMES},
    )


def made_up_toggles(
    media: dict[str, MediaFiles] | None = None, num_clips: int = 2, num_questions: int = 3
) -> ToggleData:
    """Return toggles over made-up clips; without ``media`` their files do not exist."""
    clips = []
    for number in range(num_clips):
        video_id = f"{number:08d}"
        files = (media or {}).get(video_id) or MediaFiles(f"{video_id}.webp", f"{video_id}.mp3")
        clips.append(
            ToggleClip(
                video_id=video_id,
                title=f"Clip {video_id}",
                media=files,
                num_frames=10,
                frame_size=(96, 64),
                loudness=tuple(float(index % 10) for index in range(100)),
                seen="A red square moves to the right.",
                heard="A tone, every other second.",
                questions=tuple(made_up_question(index) for index in range(num_questions)),
            )
        )
    return ToggleData(clips=tuple(clips), provenance="Made up for a test.")


def make_dims(store: FeatureStore) -> FeatureDims:
    (num_segments, audio_width), visual = store.layout["audio"], store.layout["visual"]
    return FeatureDims(
        audio_width=audio_width,
        visual_width=visual[1],
        num_segments=num_segments,
        grid_height=visual[2],
        grid_width=visual[3],
        num_words=len(VOCABULARY.words),
        num_tokens=14,
        num_answers=len(VOCABULARY.answers),
    )


def make_models(
    dims: FeatureDims, channels: int = 16, num_slots: int = 12, num_steps: int = 4
) -> dict[str, MissingModalityAVQA]:
    """Return one model with slots and diffusion and one with neither."""
    backbone = AVSTConfig(channels=channels)
    enhancer = AVRDiffusionConfig(
        diffusion=DiffusionConfig(num_steps=num_steps), denoiser=LightConfig()
    )
    configs = {
        "rmm": ModelConfig(
            backbone=backbone, completer=RMMConfig(num_slots=num_slots), enhancer=enhancer
        ),
        "zeros": ModelConfig(backbone=backbone, completer=ZerosConfig(), enhancer=IdentityConfig()),
    }
    with rng.initialising(0):
        return {name: MissingModalityAVQA(config, dims) for name, config in configs.items()}


def make_world(folder: Path, num_clips: int = 2, layout: dict | None = None) -> SessionWorld:
    """Return real scenes with random features and every question without placeholders."""
    layout = layout or {"audio": (10, 8), "visual": (10, 6, 2, 4)}
    scenes: dict[str, Scene] = {}
    draw = np.random.default_rng(0)
    with StoreWriter(folder / "features", layout) as writer:
        for number in range(num_clips):
            video_id = f"{number:08d}"
            scenes[video_id] = sample_scene(WORLD, video_id)
            writer.add(
                video_id,
                {name: draw.normal(size=shape).astype("float16") for name, shape in layout.items()},
            )
    store = FeatureStore.open(folder / "features")
    world = SessionWorld(
        examples=(), store=store, vocabulary=VOCABULARY, scenes=scenes, config=WORLD
    )
    examples = [
        example
        for video_id in scenes
        for template in TEMPLATES
        if not template.slots and (example := world.ask(video_id, template, ())).answer
    ]
    return SessionWorld(
        examples=examples,
        store=store,
        vocabulary=VOCABULARY,
        floor=QuestionFloor(examples, Floors.fit(examples, examples, examples)),
        scenes=scenes,
        config=WORLD,
    )


def make_session(folder: Path, **sizes: int) -> ToggleSession:
    world = make_world(folder)
    return ToggleSession(make_models(make_dims(world.store), **sizes), world)


def first_question(world: SessionWorld) -> QAExample:
    return world.examples[0]
