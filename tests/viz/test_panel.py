"""The panel's widgets, driven without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.viz.panel import ASKED, FREE, TogglePanel
from avqa_core.viz.session import ToggleSession
from tests.viz.fakes import made_up_clip, make_session


@pytest.fixture
def panel(tmp_path, monkeypatch) -> TogglePanel:
    session = make_session(tmp_path)
    monkeypatch.setattr(type(session.world), "media", lambda self, video_id: made_up_clip())
    return TogglePanel(session)


def test_it_opens_with_an_answer_and_a_picture(panel):
    assert panel.answer is not None
    assert panel.answer.scenario == "complete"
    assert panel.picture.value[8:12] == b"WEBP"
    assert len(panel.sound.value) > 10_000
    assert "both present: the model answers" in panel.result.value


def test_toggles_change_answer_player_and_strip(panel):
    panel.audio.value = False
    assert panel.answer.scenario == "audio_missing"
    assert panel.sound.layout.display == "none"
    assert panel.silent.layout.display == ""
    panel.visual.value = False
    assert panel.answer.scenario == "both_missing"
    assert panel.picture.layout.display == "none"
    assert panel.covered.layout.display == ""
    panel.audio.value = panel.visual.value = True
    assert panel.answer.scenario == "complete"
    assert panel.picture.layout.display == ""


def test_every_template_can_be_asked_freely(panel):
    panel.kind.value = FREE
    assert panel.question.layout.display == "none"
    for template in TEMPLATES:
        panel.template.value = template
        shown = [word for word in panel.words if word.layout.display == ""]
        assert len(shown) == len(template.slots)
        assert panel.answer is not None, template.name
        assert panel.answer.example.category == template.category
    panel.kind.value = ASKED
    assert panel.answer.example == panel.question.value


def test_words_of_one_kind_start_different_and_count(panel):
    panel.kind.value = FREE
    panel.template.value = next(one for one in TEMPLATES if one.name == "louder")
    first, second = panel.words[:2]
    assert first.value != second.value
    before = panel.answer.example.question
    second.value = second.options[5]
    assert panel.answer.example.question != before


def test_each_clip_brings_its_questions(panel):
    panel.clip.value = panel.clip.options[1]
    assert panel.answer.example.video_id == panel.clip.options[1]
    panel.question.index = 1
    assert panel.answer.example == panel.session.world.questions_of(panel.clip.value)[1]


def test_steps_follow_the_completer(panel):
    panel.audio.value = False
    assert (panel.steps.max, panel.steps.value, panel.steps.disabled) == (4, 4, False)
    panel.steps.value = 2
    assert panel.answer.num_steps == 2
    panel.completer.value = "zeros"
    assert panel.steps.disabled
    assert panel.answer.num_steps is None
    assert "no slots" in panel.addressing.value


def test_tabs_are_drawn_when_they_are_opened(panel):
    panel.audio.value = False
    assert panel.path.value == panel.recalled.value == ""
    panel.details.selected_index = 1
    assert "audio, pseudo" in panel.recalled.value
    panel.details.selected_index = 2
    assert "from step 4 to step 0" in panel.path.value


def test_a_clip_is_told_in_words_as_far_as_it_is_present(panel):
    assert "Seen:" in panel.in_words.value and "Heard:" in panel.in_words.value
    panel.visual.value = False
    assert "Seen:" not in panel.in_words.value and "Heard:" in panel.in_words.value
    panel.audio.value = False
    assert panel.in_words.value == ""


def test_a_mistake_of_the_program_leaves_the_panel_listening(panel, monkeypatch):
    monkeypatch.setattr(panel, "_set_steps", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        panel._choose_completer()
    before = panel.answer
    panel.audio.value = False
    assert panel.answer is not before


def test_the_strip_shows_the_chosen_second(panel):
    first = panel.picture.value
    panel.second.value = 5
    assert panel.picture.value != first


def test_bad_input_shows_a_message_and_no_traceback(panel):
    broken = replace(panel.question.value, tokens=("Kazoo",))
    panel.question.options = [("broken", broken)]
    panel.question.index = 0
    assert panel.answer is None
    assert "did you mean" in panel.result.value
    assert [detail.value for detail in panel.details.children] == ["", "", ""]
    panel.clip.value = panel.clip.options[1]
    assert panel.answer is not None


def test_clips_without_media_can_still_be_asked(tmp_path):
    session = make_session(tmp_path)
    world = replace(session.world, scenes={}, config=None)
    panel = TogglePanel(ToggleSession(session.models, world))
    assert "expected a scene" in panel.no_media.value
    assert panel.picture.layout.display == "none"
    panel.audio.value = False
    assert panel.answer.scenario == "audio_missing"
