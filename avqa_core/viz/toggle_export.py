"""From a session to a page: every answer of chosen clips and questions, computed beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from avqa_core.errors import ConfigError
from avqa_core.types import QAExample
from avqa_core.viz.media import MediaFiles, loudness
from avqa_core.viz.session import ABSENT, ToggleSession
from avqa_core.viz.session_world import SessionWorld
from avqa_core.viz.toggle_data import (
    SCENARIO_NAMES,
    ToggleClip,
    ToggleData,
    ToggleQuestion,
    ToggleView,
)
from avqa_core.viz.transcript import describe_heard, describe_seen


def choose_questions(
    world: SessionWorld, num_clips: int = 8, num_questions: int = 6
) -> dict[str, list[QAExample]]:
    """Return clips with questions of as many different categories as possible.

    Nothing about any model goes into the choice: clips and questions come in the order of the
    split, so that a page cannot show the successes only.

    Raises:
        ConfigError: too few clips have that many questions with an answer.
    """
    chosen: dict[str, list[QAExample]] = {}
    for video_id in world.clips:
        questions = [one for one in world.questions_of(video_id) if one.answer is not None]
        if len(questions) >= num_questions:
            chosen[video_id] = _varied(questions)[:num_questions]
        if len(chosen) == num_clips:
            return chosen
    raise ConfigError(
        f"expected {num_clips} clips with {num_questions} questions, got {len(chosen)}: "
        "use a larger split, or ask for fewer"
    )


def _varied(questions: Sequence[QAExample]) -> list[QAExample]:
    """Return the questions reordered: one of each category first, then the second of each."""
    turns: dict[int, int] = {}
    seen: dict[str, int] = {}
    for index, question in enumerate(questions):
        category = str(question.category)
        turns[index] = seen.get(category, 0)
        seen[category] = turns[index] + 1
    return [questions[index] for index in sorted(turns, key=lambda index: (turns[index], index))]


def toggle_data(
    session: ToggleSession,
    questions: Mapping[str, Sequence[QAExample]],
    media: Mapping[str, MediaFiles],
    *,
    completer: str,
    provenance: str,
) -> ToggleData:
    """Return every state of a page's toggles.

    Args:
        session: with the model that answers.
        questions: clip -> questions on the page, e.g. of ``choose_questions``.
        media: clip -> addresses of its files, from ``write_media``.
        completer: name of the model in the session.
        provenance: a sentence on that model: its training, size, seed.
    """
    clips = tuple(
        _clip(session, video_id, asked, media[video_id], completer)
        for video_id, asked in questions.items()
    )
    return ToggleData(clips=clips, provenance=provenance)


def _clip(
    session: ToggleSession,
    video_id: str,
    asked: Sequence[QAExample],
    files: MediaFiles,
    completer: str,
) -> ToggleClip:
    shown, scene = session.world.media(video_id), session.world.scenes[video_id]
    height, width = shown.frames.shape[1:3]
    return ToggleClip(
        video_id=video_id,
        title=f"{video_id}: {_title(session.world, video_id)}",
        media=files,
        num_frames=len(shown.frames),
        frame_size=(width, height),
        loudness=tuple(loudness(shown.waveform).tolist()),
        seen=describe_seen(scene.seen()),
        heard=describe_heard(scene.heard()),
        questions=tuple(_question(session, example, completer) for example in asked),
    )


def _title(world: SessionWorld, video_id: str) -> str:
    """Return who is on stage, which tells clips apart without telling what sounds."""
    sections = world.scenes[video_id].sections
    names = dict.fromkeys(section.instrument.replace("_", " ") for section in sections)
    return f"{', '.join(names)} on stage" if names else "an empty stage"


def _question(session: ToggleSession, example: QAExample, completer: str) -> ToggleQuestion:
    floor = session.world.floor.of(example) if session.world.floor else None
    if example.answer is None or floor is None:
        raise ConfigError(
            f"question {example.question_id}: expected a known answer and a floor for its "
            "category, got none: choose another question for the page"
        )
    return ToggleQuestion(
        question_id=example.question_id,
        text=example.question,
        category=str(example.category),
        truth=example.answer,
        floor_answer=floor.answer,
        floor_accuracy=floor.accuracy,
        views={
            scenario: _view(session, example, completer, scenario) for scenario in SCENARIO_NAMES
        },
    )


def _view(session: ToggleSession, example: QAExample, completer: str, scenario: str) -> ToggleView:
    answer = session.answer(
        example,
        audio_present="audio" not in ABSENT[scenario],
        visual_present="visual" not in ABSENT[scenario],
        completer=completer,
    )
    return ToggleView(
        answers=answer.answers,
        ceiling=session.world.ceilings.get(scenario, {}).get(example.question_id),
        addressing=answer.addressing,
    )
