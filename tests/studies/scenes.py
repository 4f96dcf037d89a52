"""Scenes that are put together by hand, and questions about them."""

from __future__ import annotations

from dataclasses import replace

from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.scene import Scene, Section, Source
from avqa_core.types import QAExample, QuestionCategory

SCENE = sample_scene(WorldConfig(), "00000000")
ALWAYS = (True,) * SCENE.num_segments
SOUNDING = "How many instruments are sounding in the video?"


def scene_of(seen: dict[str, int], heard: tuple[str, ...]) -> Scene:
    """Return a scene in which everybody plays and sounds all the time, equally loud and fast.

    Args:
        seen: how many players of each instrument, from left to right.
        heard: instruments.
    """
    places = zip(seen.items(), ("left", "middle", "right"), strict=False)
    sections = tuple(
        Section(
            instrument=name, place=place, count=count, closeness=1, vigour=0, motion=ALWAYS, act=act
        )
        for act, ((name, count), place) in enumerate(places)
    )
    sources = tuple(
        Source(instrument=name, pattern=ALWAYS, level=1, rate=0, melody=0, act=act)
        for act, name in enumerate(heard)
    )
    return replace(SCENE, sections=sections, sources=sources)


def question(clip: str, answer: str | None, template: str = SOUNDING) -> QAExample:
    """Return a question about one clip."""
    return QAExample(
        question_id=0,
        video_id=clip,
        category=QuestionCategory("Audio-Visual", "Counting"),
        template=template,
        slot_values=(),
        tokens=("How",),
        answer=answer,
    )
