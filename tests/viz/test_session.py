"""The live toggles without widgets."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from avqa_core.bandstand.bounds import Ceilings, Floors, write_json, write_lines
from avqa_core.bandstand.scene import Heard, Section, Seen, Source
from avqa_core.bandstand.world import build_world
from avqa_core.config import to_dict
from avqa_core.data.store import FeatureStore
from avqa_core.errors import AnnotationError, AvqaError, ConfigError, FeatureError
from avqa_core.types import QAExample, QuestionCategory
from avqa_core.viz import fragments
from avqa_core.viz.session import ToggleSession, sampling_steps
from avqa_core.viz.session_world import QuestionFloor, SessionWorld, template_named
from avqa_core.viz.transcript import describe_heard, describe_seen, when
from tests.viz.fakes import (
    VOCABULARY,
    WORLD,
    first_question,
    make_dims,
    make_models,
    make_session,
    make_world,
)


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> ToggleSession:
    return make_session(tmp_path_factory.mktemp("session"))


def question(template: str, answer: str | None) -> QAExample:
    return QAExample(
        question_id=1,
        video_id="00000000",
        category=QuestionCategory("Audio", "Counting"),
        template=template,
        slot_values=(),
        tokens=("Is", "it"),
        answer=answer,
    )


@pytest.mark.parametrize(
    ("audio", "visual", "scenario", "absent"),
    [
        (True, True, "complete", []),
        (False, True, "audio_missing", ["audio"]),
        (True, False, "visual_missing", ["visual"]),
        (False, False, "both_missing", ["audio", "visual"]),
    ],
)
def test_toggles_decide_what_is_recalled(session, audio, visual, scenario, absent):
    answer = session.answer(
        first_question(session.world), audio_present=audio, visual_present=visual
    )
    assert answer.scenario == scenario
    assert [one.modality for one in answer.recalled] == absent
    assert (answer.addressing is None) == (not absent)
    if absent:
        assert answer.addressing.shape == (10, 12)
        assert answer.addressing.sum(axis=1) == pytest.approx(np.ones(10), abs=1e-5)
    shares = [share for _, share in answer.answers]
    assert shares[0] == max(shares)
    assert 0 < sum(shares) <= 1 + 1e-6


def test_each_scenario_is_recalled_by_what_remains(session):
    """Audio is recalled by picture and question, and the other way round."""
    example = first_question(session.world)
    model = session.models["rmm"]
    batch = session.world.batch(example, False, True)
    with torch.inference_mode():
        prediction = model(batch, generator=torch.Generator())
    shown = session.answer(example, audio_present=False).addressing
    expected = prediction.completion.addressing.visual_question[0].numpy()
    assert np.allclose(shown, expected)


def test_absent_sound_cannot_change_the_answer(session, tmp_path):
    """Two worlds that differ in the sound only answer alike once the sound is off."""
    example = first_question(session.world)
    other = make_world(tmp_path, layout={"audio": (10, 8), "visual": (10, 6, 2, 4)})
    stored = session.world.store[example.video_id]
    noisy = {**stored, "audio": np.full_like(stored["audio"], np.nan)}

    class Store(FeatureStore):
        def __init__(self):
            self.layout = session.world.store.layout

        def __getitem__(self, video_id):
            return noisy

    silent = ToggleSession(session.models, replace(other, store=Store()))
    one = session.answer(example, audio_present=False, completer="zeros")
    with pytest.raises(FeatureError, match="not finite"):
        silent.answer(example, audio_present=True)
    batch = silent.world.batch(example, False, True)
    assert torch.isnan(batch.audio).all()
    with torch.inference_mode():
        logits = silent.models["zeros"](batch, generator=torch.Generator()).answers.logits
    best = int(logits[0].argmax())
    assert session.world.vocabulary.answers[best] == one.answers[0][0]


def test_the_same_toggle_gives_the_same_answer(session):
    example = first_question(session.world)
    one, other = (session.answer(example, audio_present=False) for _ in range(2))
    assert one.answers == other.answers


def test_steps_are_counted_and_given_back(session):
    example = first_question(session.world)
    assert session.largest_num_steps("rmm") == 4
    assert session.largest_num_steps("zeros") is None
    assert session.trained_num_steps("rmm") == 4
    few = session.answer(example, audio_present=False, num_steps=1)
    many = session.answer(example, audio_present=False)
    assert (few.num_steps, many.num_steps) == (1, 4)
    assert few.answers != many.answers
    with (
        pytest.raises(ConfigError, match="from 1 to 4"),
        sampling_steps(session.models["rmm"], 5),
    ):
        pass
    assert session.trained_num_steps("rmm") == 4


def test_the_path_ends_at_the_enhanced_feature(session):
    example = first_question(session.world)
    answer = session.answer(example, audio_present=False)
    points = session.path(answer)
    assert [point.step for point in points] == [4, 3, 2, 1, 0]
    recalled = answer.recalled[0]
    distance = np.linalg.norm(recalled.enhanced - recalled.real) / np.linalg.norm(recalled.real)
    assert points[-1].distances == {"audio": pytest.approx(distance, rel=1e-4)}


def test_there_is_no_path_where_nothing_was_diffused(session):
    example = first_question(session.world)
    assert session.path(session.answer(example)) == []
    without = session.answer(example, audio_present=False, completer="zeros")
    assert session.path(without) == []
    assert without.addressing is None
    assert without.num_steps is None


def test_similarity_is_the_cosine_by_segment(session):
    recalled = session.answer(first_question(session.world), audio_present=False).recalled[0]
    same = replace(recalled, pseudo=2 * recalled.real)
    assert same.similarity() == pytest.approx(np.ones(10), abs=1e-5)


def test_free_questions_know_their_truth(session):
    world = session.world
    video_id, scene = next(iter(world.scenes.items()))
    heard = {source.instrument for source in scene.sources}
    template = template_named("is_heard")
    present = world.ask(video_id, template, [next(iter(heard))])
    absent = world.ask(video_id, template, [next(iter(set(["tuba", "erhu"]) - heard))])
    assert (present.answer, absent.answer) == ("yes", "no")
    assert present.question == f"Is there a {next(iter(heard))} sound?"
    assert session.answer(present).is_right in (True, False)
    assert present.question_id != absent.question_id


def test_a_free_question_without_clear_answer_is_still_answered(session):
    video_id = session.world.clips[0]
    same = session.world.ask(video_id, template_named("louder"), ["tuba", "tuba"])
    assert same.answer is None
    answer = session.answer(same)
    assert answer.is_right is None
    assert "no clear answer" in fragments.answer_html(answer)


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.answer(first_question(s.world), completer="rrm"),
        lambda s: s.answer(first_question(s.world), audio_present=False, num_steps=0),
        lambda s: s.world.ask("00000000", template_named("is_heard"), ["kazoo"]),
        lambda s: s.world.media("99999999"),
        lambda s: s.answer(replace(first_question(s.world), video_id="99999999")),
        lambda s: s.answer(replace(first_question(s.world), tokens=("Kazoo",))),
        lambda s: template_named("is_herd"),
        lambda s: ToggleSession({}, s.world),
    ],
)
def test_mistakes_are_told_in_one_sentence(session, act):
    with pytest.raises(AvqaError) as error:
        act(session)
    assert "\n" not in str(error.value)
    assert "expected" in str(error.value)


def test_the_floor_is_the_most_common_answer_and_its_measured_accuracy():
    training = [question("a?", answer) for answer in ("yes", "no", "no", None)]
    test = [question("a?", answer) for answer in ("no", "yes", "yes", "yes")]
    floor = QuestionFloor(training, Floors.fit(training, training[:3], test))
    assert floor.of(question("a?", None)) == ("no", 0.25)
    other = replace(question("a?", None), category=QuestionCategory("Visual", "Counting"))
    assert floor.of(other) is None


def test_clips_without_scenes_can_be_answered_but_not_shown(session):
    world = replace(session.world, scenes={}, config=None)
    free = world.ask("00000000", template_named("is_heard"), ["tuba"])
    assert free.answer is None
    assert ToggleSession(session.models, world).answer(free).answers
    with pytest.raises(AnnotationError):
        world.ask("00000000", template_named("is_heard"), [])


def test_media_are_rendered_from_the_scene(session):
    media = session.world.media("00000000")
    assert len(media.frames) == 10
    assert len(media.waveform) == 160_000


def test_an_answer_costs_one_pass_and_one_denoising_a_step(session):
    """What bounds the wait in counts; ``benchmarks/toggle.py`` measures its milliseconds."""
    model = session.models["rmm"]
    parts = {
        "model": model,
        "denoising": model.enhancer.process.denoiser,
    }
    calls = Counter()
    hooks = [
        part.register_forward_hook(lambda *_, name=name: calls.update([name]))
        for name, part in parts.items()
    ]
    try:
        session.answer(first_question(session.world), audio_present=False, completer="rmm")
    finally:
        for hook in hooks:
            hook.remove()
    assert calls == {"model": 1, "denoising": model.enhancer.process.config.num_steps}


SEEN = Seen(
    sections=(
        Section(
            instrument="acoustic_guitar",
            place="middle",
            count=2,
            closeness=2,
            vigour=1,
            motion=(True, False, True, True),
            act=0,
        ),
        Section(
            instrument="tuba",
            place="right",
            count=1,
            closeness=0,
            vigour=0,
            motion=(False,) * 4,
            act=1,
        ),
    ),
    backdrop="indoor",
    captions=(False, True, False, False),
)


def test_a_clip_is_told_in_words():
    assert describe_seen(SEEN) == (
        "Indoor stage. Two acoustic guitar players, near, in the middle, playing vigorously in "
        "second 1 and seconds 3 to 4. One tuba player, far away, on the right, keeping still. "
        "Captions in second 2."
    )
    source = Source(instrument="erhu", pattern=(True,) * 4, level=0, rate=1, melody=0, act=0)
    heard = Heard(sources=(source,), ambience="outdoor", voice=(False,) * 4)
    assert describe_heard(heard) == (
        "Erhu, soft and fast, throughout. In the background: birds and wind."
    )


def test_when_nothing_holds_is_never():
    assert when([False, False]) == "never"


def test_fragments_escape_and_announce(session):
    answer = session.answer(first_question(session.world), visual_present=False)
    html = fragments.answer_html(answer)
    assert 'aria-live="polite"' in html
    assert "from the question alone" in html
    assert "data:image/png;base64," in fragments.addressing_html(answer)
    assert fragments.recalled_html(answer.recalled).count("<img") == 3
    assert "<polyline" in fragments.path_html(session.path(answer))
    assert "<b>" not in fragments.message_html("<b>")


def test_a_world_folder_opens(tmp_path):
    """The files that a session reads, with few questions and features that need no encoder."""
    world = make_world(tmp_path)
    rows = [
        {
            "video_id": one.video_id,
            "question_id": one.question_id,
            "type": json.dumps(list(one.category)),
            "question_content": one.template,
            "templ_values": json.dumps(list(one.slot_values)),
            "question_deleted": 0,
            "anser": one.answer,
        }
        for one in world.examples
    ]
    for split in ("train", "val", "test"):
        write_json(tmp_path / "json" / f"avqa-{split}.json", rows)
    scenes = world.scenes.values()
    write_lines(tmp_path / "scenes" / "test.jsonl", [json.dumps(one.to_dict()) for one in scenes])
    write_json(tmp_path / "world.json", {"config": to_dict(WORLD)})
    chances = {"audio_missing": {world.examples[0].question_id: 0.625}}
    Ceilings(rows=(), chances=chances).write(tmp_path / "ceiling.json")
    opened = SessionWorld.open(tmp_path)
    assert opened.clips == world.clips
    assert opened.scenes == world.scenes
    assert opened.config == WORLD
    assert opened.ceilings == chances
    example = opened.examples[0]
    assert opened.floor.of(example) == world.floor.of(example)
    (tmp_path / "world.json").unlink()
    assert SessionWorld.open(tmp_path).scenes == {}


@pytest.mark.slow
def test_a_world_as_it_is_built_opens_and_answers(tmp_path):
    splits = {"train": 6, "val": 2, "test": 2}
    for _ in build_world(WORLD, tmp_path, splits=splits, num_draws=50):
        pass
    opened = SessionWorld.open(tmp_path)
    assert set(opened.clips) <= set(opened.scenes)
    session = ToggleSession(make_models(make_dims(opened.store)), opened)
    answer = session.answer(opened.examples[0], audio_present=False)
    assert answer.floor is not None
    assert opened.media(opened.clips[0]).video_id == opened.clips[0]


def test_runs_are_loaded_by_name_and_must_share_a_vocabulary(session, tmp_path, monkeypatch):
    words = {"one": VOCABULARY, "two": VOCABULARY}
    monkeypatch.setattr(
        "avqa_core.viz.session.load_run",
        lambda run: (session.models["rmm"], words[run.name], None),
    )
    monkeypatch.setattr(SessionWorld, "open", lambda *given: session.world)
    runs = {"first": tmp_path / "one", "second": tmp_path / "two"}
    opened = ToggleSession.from_runs(runs, tmp_path)
    assert list(opened.models) == ["first", "second"]
    words["two"] = replace(VOCABULARY, answers=("yes", "no"))
    with pytest.raises(ConfigError, match="one vocabulary, got 2 in first, second"):
        ToggleSession.from_runs(runs, tmp_path)
