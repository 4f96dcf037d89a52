"""Films to a store: what is in it, what is told, and that a killed extraction goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avqa_core import cli, extraction
from avqa_core.bandstand.media import features_for
from avqa_core.bandstand.media import write_film as write_bandstand
from avqa_core.data.store import FeatureStore, StoreWriter
from avqa_core.encoders import catalogue
from avqa_core.encoders.base import AudioEncoder, VisualEncoder
from avqa_core.errors import AnnotationError, FeatureError
from avqa_core.extraction import ExtractionFinished, ExtractionProgress, Note, Recipe
from avqa_core.media.decode import Clip
from avqa_core.media.segments import SegmentPolicy
from avqa_core.question_features import asked_about, one_each, read_questions
from tests.bandstand.hand_built import TRIO
from tests.media.films import steps, write_film
from tests.training.worlds import write_world

THREE = SegmentPolicy(num_segments=3, seconds=1.0)
PATIENCE = 120.0


class Loudness(AudioEncoder):
    """The mean and the largest sample of a second: features that a person can work out."""

    name, width, weights_hash = "bandstand", 2, "0"

    def to(self, device):
        return self

    def __call__(self, seconds):
        return torch.stack([seconds.mean(dim=1), seconds.amax(dim=1)], dim=1)


class Brightness(VisualEncoder):
    """The gray level of the first pixel."""

    name, shapes, weights_hash = "bandstand", {"visual": (1, 1, 1)}, "0"

    def to(self, device):
        return self

    def __call__(self, pictures):
        return {"visual": pictures[:, :1, :1, :1].permute(0, 3, 1, 2).float()}


def recipe(**segments) -> Recipe:
    return Recipe(audio=Loudness(), visual=Brightness(), segments=replace(THREE, **segments))


def run(videos, out, **options) -> tuple[list, ExtractionFinished]:
    *events, finished = extraction.extract(
        extraction.find_videos([videos]), out, options.pop("recipe", recipe()), **options
    )
    return events, finished


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    """Seven good films, of which one is mute and one is only sound, and three with a fault."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(5):
        level = number / 10
        write_film(folder / f"good{number}.mkv", sound=steps(level, level + 0.05, level))
    write_film(folder / "mute.mkv")
    write_film(folder / "dark.wav", seconds=0, sound=steps(0.5, 0.25, 0.75))
    write_film(folder / "short.mkv", seconds=1, sound=steps(0.5))
    (folder / "text.mp4").write_text("not a film")
    write_film(folder / "bad name.mkv")
    (folder / "notes.txt").write_text("no film at all, and not named like one")
    return folder


def test_features_are_those_of_each_segment(films, tmp_path):
    _, finished = run(films, tmp_path / "features")
    store = FeatureStore.open(tmp_path / "features")
    assert finished.num_clips == finished.num_new == len(store) == 8
    assert store.layout == {"audio": (3, 2), "visual": (3, 1, 1, 1)}
    for number in range(5):
        clip, level = store[f"good{number}"], number / 10
        # Frames 7, 22 and 37 of gray 5 k; the mean of a second is its level.
        assert clip["visual"].ravel().tolist() == [35, 110, 185]
        np.testing.assert_allclose(clip["audio"][:, 0], [level, level + 0.05, level], atol=1e-3)
    assert set(store["mute"]) == {"visual"} and set(store["dark"]) == {"audio"}
    np.testing.assert_allclose(store["dark"]["audio"][:, 1], [0.5, 0.25, 0.75], atol=1e-3)
    assert store["short"]["visual"].ravel().tolist() == [35, 70, 70]
    assert store.verify() == []


def test_everything_that_was_wrong_is_counted_and_told(films, tmp_path):
    events, finished = run(films, tmp_path / "features")
    told = {(note.video_id, note.kind) for note in finished.notes}
    assert told == {
        ("text", "skipped"),
        ("bad name", "skipped"),
        ("short", "padded"),
        ("mute", "without sound"),
        ("dark", "without picture"),
    }
    assert {note for note in events if isinstance(note, Note)} == set(finished.notes)
    assert finished.count("skipped") == 2 and finished.count("padded") == 1
    (note,) = (note for note in finished.notes if note.kind == "padded")
    assert note.reason == "last picture held for 2 segments, 2.0 s of silence added"
    progress = [event for event in events if isinstance(event, ExtractionProgress)]
    assert (progress[0].done, progress[-1].done, progress[-1].total) == (0, 10, 10)


@pytest.mark.slow
def test_several_processes_give_the_same_store(films, tmp_path):
    run(films, tmp_path / "one")
    run(films, tmp_path / "two", num_workers=2)
    for name in ("audio-00000.bin", "visual-00000.bin", "index.json", "extraction.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_second_call_adds_what_is_new_and_still_tells_all(films, tmp_path):
    videos = extraction.find_videos([films])
    some = {name: videos[name] for name in ("good0", "short", "text")}
    list(extraction.extract(some, tmp_path / "features", recipe()))
    before = FeatureStore.open(tmp_path / "features")["good0"]["audio"].tolist()
    _, finished = run(films, tmp_path / "features")
    assert (finished.num_clips, finished.num_new) == (8, 6)
    assert {note.video_id for note in finished.notes if note.kind == "padded"} == {"short"}
    assert FeatureStore.open(tmp_path / "features")["good0"]["audio"].tolist() == before


def test_progress_begins_with_what_is_in_the_store(films, tmp_path):
    run(films / "good0.mkv", tmp_path / "features")
    videos = extraction.find_videos([films / "good0.mkv", films / "good1.mkv"])
    first, *_ = extraction.extract(videos, tmp_path / "features", recipe())
    assert first == ExtractionProgress(done=1, total=2)


def test_a_kill_before_a_film_is_stored_does_not_lose_the_note_on_it(films, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(StoreWriter, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        run(films / "short.mkv", tmp_path / "features")
    assert [note.kind for note in extraction.read_notes(tmp_path / "features")] == ["padded"]


def test_a_process_that_dies_is_one_error_that_says_how_to_find_the_film(
    films, tmp_path, monkeypatch
):
    @contextmanager
    def dying(_) -> Iterator:
        def run_some(work, tasks):
            yield tasks[0], work(tasks[0])
            raise BrokenProcessPool

        yield run_some

    monkeypatch.setattr(extraction, "workers", dying)
    with pytest.raises(FeatureError, match="goes on; with --workers 1 it stops at the film"):
        run(films, tmp_path / "features")


def test_a_film_that_was_mended_is_no_longer_told(tmp_path):
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "a.mkv", sound=steps(0, 0, 0))
    (tmp_path / "films" / "b.mkv").touch()
    assert run(tmp_path / "films", tmp_path / "out")[1].count("skipped") == 1
    write_film(tmp_path / "films" / "b.mkv", sound=steps(0, 0, 0))
    _, finished = run(tmp_path / "films", tmp_path / "out")
    assert finished.notes == () and finished.num_clips == 2


@pytest.mark.parametrize("fault", ["broken", "no file"])
def test_strict_judges_a_film_that_was_mended_anew(tmp_path, fault):
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "a.mkv", sound=steps(0, 0, 0))
    lost = [Note(video_id="b", kind="skipped", reason="no file of that name")]
    if fault == "broken":
        (tmp_path / "films" / "b.mkv").touch()
        lost = []
    assert run(tmp_path / "films", tmp_path / "out", notes=lost)[1].count("skipped") == 1
    write_film(tmp_path / "films" / "b.mkv", sound=steps(0, 0, 0))
    _, finished = run(tmp_path / "films", tmp_path / "out", strict=True)
    assert finished.notes == () and finished.num_clips == 2


def test_strict_stops_at_a_picture_that_begins_late(tmp_path):
    film = write_film(tmp_path / "late.mkv", picture_starts=1.2, sound=steps(0, 0, 0))
    with pytest.raises(FeatureError, match="--strict: late: padded, first picture shown early"):
        run(film, tmp_path / "features", strict=True)


def test_a_film_that_is_too_much_for_the_memory_is_left_out(films, tmp_path, monkeypatch):
    def decode(path, *arguments):
        if path.stem == "good0":
            raise MemoryError("Unable to allocate 90.0 GiB")
        return real(path, *arguments)

    real = extraction.decode
    monkeypatch.setattr(extraction, "decode", decode)
    _, finished = run(films, tmp_path / "features")
    (note,) = (note for note in finished.notes if note.video_id == "good0")
    assert note.kind == "skipped" and "90.0 GiB" in note.reason and "good0.mkv" in note.reason


@pytest.mark.parametrize("fault", ["text.mp4", "short.mkv"])
def test_strict_stops_at_a_fault(films, tmp_path, fault):
    with pytest.raises(FeatureError, match=f"--strict: {Path(fault).stem}"):
        run(films / fault, tmp_path / "features", strict=True)
    # An absent modality is no fault.
    _, finished = run(films / "mute.mkv", tmp_path / "mute", strict=True)
    assert finished.num_clips == 1


@pytest.mark.parametrize("fault", ["text.mp4", "short.mkv"])
def test_strict_stops_at_what_an_earlier_call_let_pass(films, tmp_path, fault):
    run(films, tmp_path / "features")
    with pytest.raises(FeatureError, match=f"--strict: {Path(fault).stem}"):
        run(films / fault, tmp_path / "features", strict=True)
    run(films / "good0.mkv", tmp_path / "features", strict=True)  # others do not matter


def test_everything_told_is_noted_once_also_of_clips_without_a_film(films, tmp_path):
    lost = Note(video_id="../\x1b[31m", kind="skipped", reason="no file of that name")
    for _ in range(2):
        _, finished = run(films, tmp_path / "features", notes=[lost])
    lines = (tmp_path / "features" / extraction.NOTES).read_text().splitlines()
    assert len(lines) == len(finished.notes) == 6 and lost in finished.notes
    assert extraction.read_notes(tmp_path / "features") == list(finished.notes)
    assert str(lost) == "../\\x1b[31m: skipped, no file of that name"
    with pytest.raises(FeatureError, match="--strict"):
        run(films / "good0.mkv", tmp_path / "features", strict=True, notes=[lost])


def test_damaged_notes_are_no_notes(films, tmp_path):
    run(films / "good0.mkv", tmp_path / "features")
    (tmp_path / "features" / extraction.NOTES).write_bytes(b"\xff\xfe\n{\n")
    _, finished = run(films / "short.mkv", tmp_path / "features")
    assert [note.video_id for note in finished.notes] == ["short"]


def test_a_note_is_not_lost_behind_a_line_that_was_cut_short(films, tmp_path):
    run(films / "good0.mkv", tmp_path / "features")
    (tmp_path / "features" / extraction.NOTES).write_bytes(b'{"video_id": "mute", "ki')
    run(films / "short.mkv", tmp_path / "features")
    run(films / "dark.wav", tmp_path / "features")
    told = extraction.read_notes(tmp_path / "features")
    assert [note.video_id for note in told] == ["short", "dark"]
    assert (tmp_path / "features" / extraction.NOTES).read_bytes().count(b"\n") == 3


def test_features_that_are_not_finite_are_left_out(films, tmp_path):
    class Broken(Loudness):
        def __call__(self, seconds):
            return super().__call__(seconds) / ((seconds[:, :1] - 0.1).abs() > 0.01)

    broken = Recipe(audio=Broken(), visual=Brightness(), segments=THREE)
    _, finished = run(films, tmp_path / "features", recipe=broken)
    (note,) = (note for note in finished.notes if "finite" in note.reason)
    assert note.video_id == "good1" and note.kind == "skipped"
    assert "good1" not in FeatureStore.open(tmp_path / "features")


def test_a_store_of_another_recipe_is_not_mixed(films, tmp_path):
    run(films, tmp_path / "features")
    with pytest.raises(FeatureError, match="begun with the same provenance"):
        run(films, tmp_path / "features", recipe=recipe(place="start"))


def test_nothing_usable_is_an_error(films, tmp_path):
    with pytest.raises(FeatureError, match="got none of 1; the first: text: skipped"):
        run(films / "text.mp4", tmp_path / "features")
    with pytest.raises(FeatureError, match="expected films"):
        extraction.find_videos([tmp_path])
    with pytest.raises(FeatureError, match="the first: other: skipped"):
        write_film(tmp_path / "other.mkv", has_sound_track=True)
        run(tmp_path / "other.mkv", tmp_path / "features")
    with pytest.raises(FeatureError, match="no such file"):
        extraction.find_videos([tmp_path / "nowhere.mp4"])
    with pytest.raises(FeatureError, match="got no path: name some"):
        extraction.find_videos([])


def test_two_films_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.mp4").touch()
    with pytest.raises(FeatureError, match="names of their own"):
        extraction.find_videos([tmp_path])


def test_what_is_half_written_or_hidden_is_no_film(tmp_path):
    (tmp_path / ".thumbs").mkdir()
    (tmp_path / "folder.mp4").mkdir()
    for name in ("a.mp4", ".a.partial.mp4", "._a.mp4", "._b.mp4", ".thumbs/a.mp4"):
        (tmp_path / name).touch()
    assert extraction.find_videos([tmp_path]) == {"a": tmp_path / "a.mp4"}


def test_a_suffix_in_capitals_is_one_of_a_film(tmp_path):
    (tmp_path / "clip.MP4").touch()
    assert extraction.find_videos([tmp_path]) == {"clip": tmp_path / "clip.MP4"}


def test_the_store_says_how_it_was_made(films, tmp_path):
    run(films, tmp_path / "features")
    assert FeatureStore.open(tmp_path / "features").provenance["extraction"] == {
        "audio": {"encoder": "bandstand", "weights": "0"},
        "visual": {"encoder": "bandstand", "weights": "0"},
        "segments": {"num_segments": 3, "seconds": 1.0, "place": "middle", "short": "pad"},
    }


def test_features_do_not_depend_on_the_batch():
    generator = np.random.default_rng(0)
    clips = [
        Clip(
            frames=generator.integers(0, 256, (3, 192, 288, 3)).astype(np.uint8),
            waveform=generator.normal(size=48_000).astype(np.float32) / 10,
        )
        for _ in range(2)
    ]
    clips.append(Clip(frames=None, waveform=clips[0].waveform))
    bandstand = Recipe(
        audio=catalogue.AUDIO["bandstand"].load(()),
        visual=catalogue.VISUAL["bandstand"].load(()),
        segments=THREE,
    )
    together = bandstand.encode(clips)
    for clip, arrays in zip(clips, together, strict=True):
        (alone,) = bandstand.encode([clip])
        assert set(alone) == set(arrays)
        for name, array in alone.items():
            assert array.dtype == np.float16 and array.shape == bandstand.layout[name]
            np.testing.assert_allclose(array, arrays[name], atol=2e-3)


def test_only_clips_that_are_asked_about_are_wanted(tmp_path):
    world = write_world(tmp_path / "world", {"train": 2, "val": 1, "test": 1})
    paths = [world / "json" / "avqa-train.json", world / "json" / "avqa-val.json"]
    examples = read_questions([*paths, paths[0]])
    assert len(examples) == 15 and len(one_each(examples)) == 9
    videos = {"00000000": tmp_path / "a", "00000002": tmp_path / "b", "00000009": tmp_path / "c"}
    found, notes = asked_about(videos, examples)
    assert found == {name: videos[name] for name in ("00000000", "00000002")}
    assert [note.video_id for note in notes] == ["00000001"]
    with pytest.raises(FeatureError, match="films named like the 3 clips"):
        asked_about({"other": tmp_path / "a"}, examples)


def test_splits_that_number_their_questions_alike_lose_no_clip(tmp_path):
    """Clips are found by their names; only features of questions need ids of their own."""
    paths = []
    for split, words in (("train", "Is there a cello sound?"), ("val", "Is there a flute sound?")):
        row = {"question_id": 1, "video_id": split, "type": '["Audio", "Counting"]', "anser": "no"}
        paths.append(tmp_path / f"{split}.json")
        paths[-1].write_text(json.dumps([row | {"question_content": words, "templ_values": "[]"}]))
    examples = read_questions(paths)
    videos = {one: tmp_path / f"{one}.mp4" for one in ("train", "val", "other")}
    assert set(asked_about(videos, examples)[0]) == {"train", "val"}
    with pytest.raises(AnnotationError, match="id 1, got 'Is there a cello sound"):
        one_each(examples)


def test_a_bandstand_film_gives_the_features_of_the_scene(tmp_path, capsys):
    (tmp_path / "films").mkdir()
    write_bandstand(TRIO, tmp_path / "films" / "trio.mp4")
    out = tmp_path / "data" / "features"
    command = ["extract", str(tmp_path / "films"), "--out", str(out), "--workers", "1"]
    assert cli.main([*command, "--audio", "bandstand", "--visual", "bandstand"]) == 0
    said = capsys.readouterr().out
    assert "1 clips in" in said and f"avqa train --data {tmp_path / 'data'}" in said
    (wanted,) = features_for([TRIO])
    clip = FeatureStore.open(out)["trio"]
    # Lossy compression costs the sound 6 % and the picture 3 %. Measured on this scene, sound a
    # tenth of a second late costs 24 %, pictures half a second early 6 %, wrong colours more.
    for name, most in (("audio", 0.08), ("visual", 0.045)):
        error = np.linalg.norm(clip[name].astype(float) - wanted[name])
        assert error / np.linalg.norm(wanted[name].astype(float)) < most, name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{films}"], "vggish-10086976.pth"),
        (["{films}", *("--audio", "bandstand")], "resnet18-f37072fd.pth"),
        (["{nowhere}", *("--audio", "bandstand", "--visual", "bandstand")], "no such file"),
        (["{films}", "--segments", "0"], "--segments"),
        (["{films}", "--segment-seconds", "0.2"], "--segment-seconds"),
        (["{films}", "--segment-seconds", "60000"], "at most 600 s"),
        (["{films}", "--workers", "0"], "--workers"),
        (["{films}", "--questions", "{nowhere}"], "JSON list of questions"),
        (["{films}", "--device", "cuda:99"], "device"),
    ],
)
def test_what_a_user_does_wrong_is_one_line(films, tmp_path, capsys, arguments, message):
    places = {"films": films, "nowhere": tmp_path / "nowhere"}
    given = [one.format(**places) for one in arguments]
    if "--workers" not in given:
        given += ["--workers", "1"]
    assert cli.main(["extract", *given, "--out", str(tmp_path / "out")]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "film/s" not in line]
    assert len(lines) == 1 and message in lines[0] and lines[0].startswith("error: ")


def _start(videos: Path, out: Path) -> subprocess.Popen:
    command = [
        *(sys.executable, "-m", "avqa_core.cli", "extract", str(videos), "--out", str(out)),
        *("--audio", "bandstand", "--visual", "bandstand", "--segments", "3"),
        *("--workers", "2", "--device", "cpu"),
    ]
    return subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _clips(out: Path) -> int:
    """Return how many clips the journal has; its first line is the header."""
    journal = out / "journal.jsonl"
    return max(0, len(journal.read_bytes().splitlines()) - 1) if journal.exists() else 0


@pytest.mark.slow
def test_a_killed_extraction_goes_on(tmp_path):
    videos, killed = tmp_path / "films", tmp_path / "killed"
    videos.mkdir()
    num_films = 60
    for number in range(num_films):
        level = number / num_films
        write_film(videos / f"film{number:02d}.mkv", sound=steps(level, 0.5, level))
    (videos / "broken.mp4").write_text("no film")
    process = _start(videos, tmp_path / "whole")
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said.decode()
    chance = random.Random(0)
    reached: list[int] = []
    for _ in range(2):
        process, before = _start(videos, killed), _clips(killed)
        deadline = time.monotonic() + PATIENCE
        target = before + chance.randrange(1, 15)
        while _clips(killed) < target and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        # The decoding processes are in the session of their own that the test began.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        reached.append(_clips(killed))
        assert not (killed / "index.json").exists(), "a store that is not whole is no store"
    assert 0 < reached[0] < reached[-1] < num_films, reached
    process = _start(videos, killed)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said.decode()
    whole, mended = (FeatureStore.open(one) for one in (tmp_path / "whole", killed))
    assert sorted(mended.video_ids) == sorted(whole.video_ids) and len(mended) == num_films
    assert mended.verify() == []
    for name in whole:
        for array in ("audio", "visual"):
            np.testing.assert_allclose(mended[name][array], whole[name][array], atol=5e-3)
    notes = [json.loads(line) for line in (killed / extraction.NOTES).read_text().splitlines()]
    assert {note["video_id"] for note in notes} == {"broken"}
