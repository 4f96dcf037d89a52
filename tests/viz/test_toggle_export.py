"""From a session to the data of a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avqa_core.errors import ConfigError
from avqa_core.viz.media import MediaFiles
from avqa_core.viz.session import ToggleSession
from avqa_core.viz.static_controls import static_toggles
from avqa_core.viz.toggle_export import choose_questions, toggle_data
from tests.viz.fakes import make_session


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return make_session(tmp_path_factory.mktemp("export"))


def test_questions_are_chosen_by_category_and_not_by_answer(session):
    chosen = choose_questions(session.world, num_clips=2, num_questions=4)
    assert list(chosen) == session.world.clips
    for questions in chosen.values():
        categories = [str(question.category) for question in questions]
        assert len(set(categories)) == 4


def test_too_small_a_split_is_refused(session):
    with pytest.raises(ConfigError, match="expected 3 clips"):
        choose_questions(session.world, num_clips=3, num_questions=2)


def test_every_view_is_what_the_session_answers(session):
    chosen = choose_questions(session.world, num_clips=1, num_questions=2)
    media = {video_id: MediaFiles("a.webp", "a.mp3") for video_id in chosen}
    (example, _) = chosen["00000000"]
    world = replace(session.world, ceilings={"audio_missing": {example.question_id: 0.625}})
    session = ToggleSession(session.models, world)
    data = toggle_data(session, chosen, media, completer="rmm", provenance="untrained")
    question = data.clips[0].questions[0]
    expected = session.answer(example, audio_present=False, completer="rmm")
    assert question.views["audio_missing"].answers == expected.answers
    assert question.views["audio_missing"].ceiling == 0.625
    assert question.views["visual_missing"].ceiling is None
    assert question.truth == example.answer
    assert "stage" in data.clips[0].seen
    assert "stage" in static_toggles(data, name="export").html
