"""One question about one film: the answer is the evaluation's, and what is assumed is told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avqa_core import asking, cli, rng
from avqa_core.abstention import binned
from avqa_core.bandstand.world import WorldConfig, build_world
from avqa_core.data.availability import Scenario
from avqa_core.data.dataset import QADataset
from avqa_core.data.folder import DataFolder
from avqa_core.data.store import FeatureStore
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.encoders import catalogue
from avqa_core.errors import AnnotationError, AvqaError, CheckpointError, ConfigError, FeatureError
from avqa_core.evaluation import predict
from avqa_core.extraction import Recipe, extract, find_videos
from avqa_core.gaps import Gap
from avqa_core.losses import ObjectiveConfig
from avqa_core.media.segments import BANDSTAND, SegmentPolicy
from avqa_core.metrics import Interval
from avqa_core.presets import preset
from avqa_core.run_calibration import RunCalibration, ScenarioCalibration
from avqa_core.training.loop import TrainConfig, Trainer
from avqa_core.training.runs import load_run
from avqa_core.types import Modality
from tests.media.films import steps, write_film
from tests.training.worlds import write_world

QUESTION = "Is the cello playing?"
THREE = SegmentPolicy(num_segments=3)


def bandstand(segments: SegmentPolicy) -> Recipe:
    return Recipe(
        audio=catalogue.AUDIO["bandstand"].load(()),
        visual=catalogue.VISUAL["bandstand"].load(()),
        segments=segments,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Questions about twelve films of gray pictures and steps of sound, with their features."""
    folder = tmp_path_factory.mktemp("asking") / "data"
    write_world(folder, {"train": 8, "val": 2, "test": 2})
    shutil.rmtree(folder / "features")
    (folder / "films").mkdir()
    for number in range(12):
        level = number / 20
        film = folder / "films" / f"{number:08d}.mkv"
        write_film(film, sound=steps(level, 0.3, 0.6 - level))
    videos = find_videos([folder / "films"])
    list(extract(videos, folder / "features", bandstand(THREE)))
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("asking") / "run"
    command = ["train", "--data", str(data), "--out", str(out), "--size", "tiny", "--steps", "3"]
    assert cli.main([*command, "--batch-size", "6", "--device", "cpu"]) == 0
    return out


@pytest.fixture(scope="module")
def listener(run) -> asking.Listener:
    return asking.listen(run)


@pytest.fixture
def silent_run(run, tmp_path) -> Path:
    """A run that does not tell what its features were made by, as older ones do not."""
    other = tmp_path / "silent"
    shutil.copytree(run, other)
    for path in other.glob("checkpoints/*/state.json"):
        state = json.loads(path.read_text())
        del state["provenance"]["features"]
        path.write_text(json.dumps(state))
    return other


def film(data: Path, number: int = 0) -> Path:
    return data / "films" / f"{number:08d}.mkv"


@pytest.mark.parametrize(
    ("missing", "scenario"),
    [
        ("none", "complete"),
        ("audio", "audio_missing"),
        ("visual", "visual_missing"),
        ("both", "both_missing"),
    ],
)
def test_the_answer_is_that_of_the_evaluation(listener, run, data, missing, scenario):
    model, vocabulary, _ = load_run(run)
    dataset = DataFolder(data).dataset("test", vocabulary)
    batch = dataset.batch(range(len(dataset)), scenario=Scenario.parse(scenario))
    with torch.inference_mode():
        logits = model(batch, generator=rng.named(0, "any")).answers.logits
    for example, wanted in zip(dataset.examples, logits.softmax(dim=-1), strict=True):
        path = data / "films" / f"{example.video_id}.mkv"
        answer = listener.answer(path, example.question, missing=missing, top=100)
        assert answer.scenario == scenario
        assert {name for name, _ in answer.answers} == set(vocabulary.answers)
        said = dict(answer.answers)
        np.testing.assert_allclose(
            [said[name] for name in vocabulary.answers], wanted, atol=1e-3, rtol=0
        )
        assert sum(said.values()) == pytest.approx(1.0, abs=1e-4)
        assert list(said.values()) == sorted(said.values(), reverse=True)


def test_a_microphone_that_cut_out_is_answered_as_in_the_evaluation(listener, run, data):
    model, vocabulary, _ = load_run(run)
    dataset = DataFolder(data).dataset("test", vocabulary)
    batch = dataset.batch([0])
    batch.availability[:, 1:3, Modality.AUDIO] = False
    batch.availability[:, 0, Modality.VISUAL] = False
    with torch.inference_mode():
        wanted = model(batch, generator=rng.named(0, "any")).answers.logits[0].softmax(dim=-1)
    example = dataset.examples[0]
    answer = listener.answer(
        data / "films" / f"{example.video_id}.mkv",
        example.question,
        drop=[Gap("audio", 1, 2), Gap("visual", 0, 0)],
        top=100,
    )
    assert answer.scenario == "audio_drops(2)+visual_drops(1)"
    assert "audio lost in segments 1 to 2, as asked" in answer.notes
    assert "visual lost in segment 0, as asked" in answer.notes
    said = dict(answer.answers)
    ours = [said[name] for name in vocabulary.answers]
    np.testing.assert_allclose(ours, wanted, atol=1e-3, rtol=0)


def test_gaps_over_the_whole_clip_are_its_absence(listener, data):
    gone = listener.answer(film(data), QUESTION, drop=[Gap("audio", 0, 2)])
    assert gone.scenario == "audio_missing"
    absent = listener.answer(film(data), QUESTION, missing="audio", drop=[Gap("audio", 1, 1)])
    assert absent.answers == gone.answers
    assert not any("lost in" in note for note in absent.notes), "nothing was there to be lost"


@pytest.mark.parametrize("text", ["audio", "audio:", "audio:5-3", "smell:1", "audio:1-", "3-6"])
def test_a_gap_that_is_none_is_told(text):
    with pytest.raises(ConfigError, match=r"--drop: expected .* such as audio:3-6"):
        Gap.parse(text)


def test_a_gap_is_read_as_it_is_written():
    assert Gap.parse("audio:3-6") == Gap("audio", 3, 6)
    assert Gap.parse(" visual:0 ") == Gap("visual", 0, 0)


def test_a_gap_behind_the_end_is_told(listener, data):
    with pytest.raises(ConfigError, match="expected segments from 0 to 2"):
        listener.answer(film(data), QUESTION, drop=[Gap("visual", 1, 3)])


@pytest.mark.parametrize("lost", ["audio", "visual"])
def test_a_film_without_a_track_is_a_film_whose_modality_was_taken_away(
    listener, data, tmp_path, lost
):
    sound = steps(0.0, 0.3, 0.6)
    if lost == "audio":
        path = write_film(tmp_path / "00000000.mkv")
        told = "the film has no sound: audio is absent"
    else:
        path = write_film(tmp_path / "00000000.wav", seconds=0, sound=sound)
        told = "the film has no picture: visual is absent"
    lacking = listener.answer(path, QUESTION)
    taken = listener.answer(film(data), QUESTION, missing=lost)
    assert lacking.scenario == taken.scenario == f"{lost}_missing"
    assert told in lacking.notes and f"{lost} taken away as asked" in taken.notes
    for one, other in zip(lacking.answers, taken.answers, strict=True):
        assert one[0] == other[0] and one[1] == pytest.approx(other[1], abs=1e-4)


def test_a_short_film_is_told(listener, tmp_path):
    path = write_film(tmp_path / "short.mkv", seconds=1, sound=steps(0.5))
    (note,) = listener.answer(path, QUESTION).notes
    assert note.startswith("the film does not fill its segments: last picture held for 2 segments")


VOCABULARY = Vocabulary(("<pad>", "Is", "is", "there", "a", "acoustic_guitar", "cello"), ("yes",))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Is there a cello?", "Is there a cello"),
        ("is there  a cello ", "Is there a cello"),
        ("Is there a cello\uff1f", "Is there a cello"),
        ("Is there a cello ?\n", "Is there a cello"),
        ("Is there a acoustic guitar?", "Is there a acoustic_guitar"),
        ("cello is a acoustic_guitar", "cello is a acoustic_guitar"),
        ("IS THERE A Cello?", "Is there a cello"),
        ("Is there a cello, a Acoustic guitar?", "Is there a cello a acoustic_guitar"),
    ],
)
def test_questions_are_read_as_people_write_them(question, words):
    assert asking.read_question(question, VOCABULARY) == words.split()


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("Is there a celo?", "got 'celo': did you mean 'cello'"),
        ("Is there a guitar?", "did you mean 'acoustic_guitar'"),
        ("?", "none: ask something"),
        ("", "none: ask something"),
        ("<pad>", "got '<pad>', which is none"),
    ],
)
def test_a_word_that_nobody_knows_is_told(question, message):
    with pytest.raises(AnnotationError, match=message.replace("?", r"\?")):
        asking.read_question(question, VOCABULARY)


def test_a_word_behind_the_last_one_that_is_read_is_told(listener, data):
    long = "Is the cello playing the cello playing the cello playing the cello playing the cello"
    assert "only the first 14 words" in "".join(listener.answer(film(data), long).notes)


def test_the_encoders_are_those_that_the_run_recorded(listener, run, data):
    assert asking.listen(run, data=data).recipe.provenance == listener.recipe.provenance
    assert (listener.recipe.audio.name, listener.recipe.visual.name) == ("bandstand", "bandstand")
    assert listener.recipe.segments == THREE and listener.notes == ()


def test_what_nothing_records_is_assumed_and_told(run, silent_run, data, tmp_path):
    assumed = asking.listen(silent_run)
    (note,) = assumed.notes
    assert "audio bandstand, visual bandstand" in note and "--data" in note
    assert assumed.recipe.segments == THREE
    chosen = asking.listen(run, audio="bandstand", visual="bandstand", seconds=2.0, place="start")
    assert chosen.notes == ()
    assert chosen.recipe.segments == SegmentPolicy(num_segments=3, seconds=2.0, place="start")
    other = tmp_path / "data"
    shutil.copytree(data, other)
    questions = json.loads((other / "json" / "avqa-test.json").read_text())
    (other / "json" / "avqa-test.json").write_text(json.dumps(questions[:-1]))
    (note,) = asking.listen(run, data=other).notes
    assert "not, or no longer, the data" in note


def test_the_recipe_is_read_from_a_store():
    assert asking.recorded_recipe({"world": {}}) == {"audio": "bandstand", "visual": "bandstand"}
    assert asking.recorded_recipe({}) == {}
    found = asking.recorded_recipe(bandstand(THREE).provenance)
    assert found["audio"] == found["visual"] == "bandstand" and found["segments"] == THREE
    with pytest.raises(ConfigError, match="extract them again"):
        asking.recorded_recipe({"extraction": {"audio": {}}})


@pytest.mark.parametrize("modality", ["audio", "visual"])
def test_other_weights_than_those_of_the_data_are_told(run, data, tmp_path, modality):
    other = tmp_path / "data"
    shutil.copytree(data, other)
    index = json.loads((other / "features" / "index.json").read_text())
    index["provenance"]["extraction"][modality]["weights"] = "0" * 64
    (other / "features" / "index.json").write_text(json.dumps(index))
    (other / "features" / "index.crc32").unlink()
    notes = asking.listen(run, data=other).notes
    assert "the data was extracted with other weights of bandstand" in notes
    assert len(notes) == 2, "the other note: it is not the data of the run"


def test_encoders_that_do_not_fit_are_refused(run, tmp_path):
    from avqa_core.encoders.resnet18 import ResNet18

    with rng.initialising(0):
        torch.save(ResNet18().state_dict(), tmp_path / "resnet18.pth")
    with pytest.raises(ConfigError, match=r"\[3, 64, 4, 6\].*\[3, 512, 14, 14\] from resnet18"):
        asking.listen(run, visual="resnet18", weights=[tmp_path])
    with pytest.raises(FeatureError, match="vggish-10086976"):
        asking.listen(run, audio="vggish")


@pytest.mark.parametrize(("at_least", "is_sure"), [(None, True), (0.7, True), (0.71, False)])
def test_an_answer_just_as_sure_as_asked_is_given(at_least, is_sure):
    answer = asking.FilmAnswer(
        question="Is it?",
        scenario="complete",
        answers=(("yes", 0.7), ("no", 0.3)),
        notes=(),
        at_least=at_least,
    )
    assert answer.is_sure is is_sure


def test_the_seed_is_that_of_the_noise(listener, data, monkeypatch):
    seeds, real = [], rng.named

    def named(seed, *names):
        seeds.append(seed)
        return real(seed, *names)

    monkeypatch.setattr(rng, "named", named)
    listener.answer(film(data), QUESTION, seed=7)
    assert seeds == [7]


def test_the_last_checkpoint_is_asked_where_it_is_wanted(run, tmp_path):
    other = tmp_path / "run"
    shutil.copytree(run, other)
    (other / "checkpoints" / "best").unlink()
    assert asking.listen(other, which="last").recipe.segments == THREE
    with pytest.raises(CheckpointError, match="a 'best' checkpoint"):
        asking.listen(other)


def test_a_short_film_is_answered_also_where_the_data_has_none(run, tmp_path):
    other = tmp_path / "run"
    shutil.copytree(run, other)
    for path in other.glob("checkpoints/*/state.json"):
        state = json.loads(path.read_text())
        state["provenance"]["features"]["extraction"]["segments"]["short"] = "skip"
        path.write_text(json.dumps(state))
    assert asking.listen(other).recipe.segments == THREE


def test_words_that_open_language_does_not_know_are_told(listener):
    vocabulary = Vocabulary(("<pad>", "<unk>", "who", "plays"), ())
    notes = replace(listener, vocabulary=vocabulary)._notes_about(["who", "sings", "loudly"])
    assert notes == ["words that training does not know: sings, loudly"]


def test_asking_from_the_command_line(run, data, capsys):
    command = ["ask", str(film(data)), "is the cello playing", "--run", str(run)]
    assert cli.main([*command, "--data", str(data), "--missing", "audio", "--top", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "00000000.mkv: Is the cello playing?"
    assert lines[1] == "scenario: audio_missing"
    assert [line[7:9] for line in lines[2:4]] == [" %"] * 2
    assert lines[4] == "note: audio taken away as asked"
    (own,) = lines[5:]
    assert "no chances of being right" in own and "--at-least" in own


def test_a_run_that_is_not_sure_enough_says_so_and_what_it_would_have_said(
    listener, run, data, tmp_path, capsys
):
    calibrated = tmp_path / "calibrated"
    shutil.copytree(run, calibrated)
    command = ["ask", str(film(data)), QUESTION, "--run", str(calibrated), "--missing", "audio"]
    assert cli.main([*command, "--at-least", "0.8"]) == 2
    assert "make it with 'avqa calibrate'" in capsys.readouterr().err
    confidences = binned([0.9, 0.9, 0.9, 0.5], [True, True, False, True])
    error = Interval(0.1, 0.0, 0.2)
    missing = ScenarioCalibration(
        scenario="audio_missing",
        temperature=2.0,
        before=error,
        after=error,
        confidences=confidences,
    )
    fitted = RunCalibration(scenarios=(missing,), data_hash="d")
    checkpoints = calibrated / "checkpoints"
    fitted.write(checkpoints / (checkpoints / "best").read_text().strip())
    raw = dict(listener.answer(film(data), QUESTION, missing="audio", top=100).answers)
    cautious = asking.listen(calibrated, at_least=0.8).answer(
        film(data), QUESTION, missing="audio", top=100
    )
    # Halved logits are square roots of probabilities, but for a factor.
    total = sum(one**0.5 for one in raw.values())
    for name, probability in cautious.answers:
        assert probability == pytest.approx(raw[name] ** 0.5 / total, abs=1e-4)
    assert not cautious.is_sure and cautious.answers[0][0] == max(raw, key=lambda one: raw[one])
    assert cli.main([*command, "--at-least", "0.8", "--top", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "not sure enough; it would have said:"
    # Three of four at 0.9, two of them right.
    told = "75 % of the validation questions were answered, 67 % of them right"
    assert lines[-1] == f"note: when at least 80 % sure, audio_missing: {told}"
    assert cli.main([*command, "--at-least", "0"]) == 0
    said = capsys.readouterr().out
    assert "not sure" not in said and "no chances of being right" not in said
    with pytest.raises(CheckpointError, match=r"calibrated for \(audio_missing\), got 'complete'"):
        asking.listen(calibrated, at_least=0.8).answer(film(data), QUESTION)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{film}", "Is the celo playing?", "--run", "{run}"], "did you mean 'cello'"),
        (["{nowhere}", QUESTION, "--run", "{run}"], "no such file"),
        (["{text}", QUESTION, "--run", "{run}"], "cannot be decoded"),
        (["{film}", QUESTION, "--run", "{nowhere}"], "train first"),
        (["{film}", QUESTION, "--run", "{run}", "--data", "{nowhere}"], "data folder"),
        (["{film}", QUESTION, "--run", "{run}", "--top", "0"], "--top"),
        (["{film}", QUESTION, "--run", "{run}", "--at-least", "0.8"], "avqa calibrate"),
        (["{film}", QUESTION, "--run", "{run}", "--visual", "clip"], "clip-vit-base-patch32"),
    ],
)
def test_what_a_user_does_wrong_is_one_line(run, data, tmp_path, capsys, arguments, message):
    (tmp_path / "text.mp4").write_text("no film")
    places = {
        "film": film(data),
        "run": run,
        "nowhere": tmp_path / "nowhere",
        "text": tmp_path / "text.mp4",
    }
    assert cli.main(["ask", *(one.format(**places) for one in arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line


def test_every_error_is_of_the_package(listener, data):
    with pytest.raises(AvqaError):
        listener.answer(data, QUESTION)


@pytest.mark.slow
def test_films_give_the_answers_of_the_scenes_they_were_made_from(tmp_path):
    world, out = tmp_path / "world", tmp_path / "films"
    splits = {"train": 10, "val": 1, "test": 1}
    list(build_world(WorldConfig(), world, splits=splits, num_workers=1, video=True))
    list(extract(find_videos([world / "media"]), out, bandstand(BANDSTAND)))
    data = DataFolder(world)
    direct = data.dataset("train")
    trainer = Trainer(
        TrainConfig(num_steps=120, batch_size=64, learning_rate=3e-3, evaluate_every=0),
        model=preset("recommended", "tiny"),
        objective=ObjectiveConfig(regime="plain"),
        train=direct,
    )
    list(trainer.run())

    def answers(dataset: QADataset) -> torch.Tensor:
        said = predict(trainer.model, dataset, Scenario(), seed=0, batch_size=64, device="cpu")
        return said.predicted

    filmed = QADataset(direct.examples, FeatureStore.open(out), direct.vocabulary)
    said = answers(direct)
    agreement = (answers(filmed) == said).float().mean()
    assert agreement >= 0.95
    # The check can tell: this network looks at the clip, and a film of another clip changes much.
    clips = filmed.clips
    other = dict(zip(clips, clips[1:] + clips[:1], strict=True))
    swapped = [_about(example, other[example.video_id]) for example in direct.examples]
    confused = answers(QADataset(swapped, FeatureStore.open(out), direct.vocabulary))
    assert (confused == said).float().mean() < 0.8, "the network does not look at the clip"


def _about(example, video_id):
    return replace(example, video_id=video_id)
