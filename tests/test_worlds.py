"""The built-in world of a profile is built once, resumed, and built anew when its code changes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from avqa_core import commands, fingerprint, worlds
from avqa_core.bandstand.world import FIRST_ID, WorldConfig, WorldFinished, build_world
from avqa_core.errors import ConfigError
from tests.bandstand.test_world import contents, made_up_features


class Builder:
    """Stands in for Bandstand: writes one file a clip and keeps what is there."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.calls = 0
        self.written: list[str] = []
        self.stop_after = stop_after

    def __call__(self, folder: Path, clips: dict[str, int]) -> Iterator[str]:
        self.calls += 1
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(clips["val"]):
            if self.stop_after is not None and number >= self.stop_after:
                raise KeyboardInterrupt
            clip = folder / f"{number:03}"
            if not clip.exists():
                clip.write_text("clip")
                self.written.append(clip.name)
            yield clip.name


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash no source: what is tested is what follows from the hash."""
    monkeypatch.setattr(fingerprint, "of_package", lambda *folders: "source")


def build(parent: Path, builder: Builder) -> Path:
    return worlds.built("smoke", parent, builder=builder)


def test_it_is_built_once(tmp_path: Path) -> None:
    builder, events = Builder(), []

    def watch(those: Iterator[str]) -> Iterator[str]:
        for one in those:
            events.append(one)
            yield one

    folder = worlds.built("smoke", tmp_path, watch, builder)
    assert folder == tmp_path / "smoke"
    assert len(events) == worlds.CLIPS["smoke"]["val"]
    assert build(tmp_path, builder) == folder
    assert builder.calls == 1


def test_an_interrupted_build_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Builder(stop_after=7))
    builder = Builder()
    build(tmp_path, builder)
    assert len(builder.written) == worlds.CLIPS["smoke"]["val"] - 7


class KilledBuilder(Builder):
    """Stands in for a Bandstand one of whose processes is killed for its memory."""

    def __call__(self, folder: Path, clips: dict[str, int]) -> Iterator[str]:
        try:
            yield from super().__call__(folder, clips)
        except KeyboardInterrupt as error:
            raise BrokenProcessPool("terminated abruptly") from error


def test_a_killed_process_is_one_error_and_the_build_goes_on(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"fewer processes.*goes on") as caught:
        build(tmp_path, KilledBuilder(stop_after=7))
    assert str(tmp_path / "smoke") in str(caught.value)
    builder = Builder()
    build(tmp_path, builder)
    assert len(builder.written) == worlds.CLIPS["smoke"]["val"] - 7


def test_a_world_of_any_size_tells_it_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def events(*arguments: object, **options: object) -> Iterator[str]:
        yield "one"
        raise BrokenProcessPool("terminated abruptly")

    monkeypatch.setattr(commands, "build_world", events)
    found = commands.world_events(
        tmp_path, 20, seed=0, coupling=0.8, difficulty=0.3, video=False, num_workers=2
    )
    assert next(found) == "one"
    with pytest.raises(ConfigError, match=r"fewer processes.*goes on"):
        next(found)


def killed_over_validation(scenes):
    """Make features of the training clips; whoever comes to another is killed."""
    if any(int(scene.clip_id) >= FIRST_ID["val"] for scene in scenes):
        os.kill(os.getpid(), signal.SIGKILL)
    return made_up_features(scenes)


@pytest.mark.slow
def test_what_was_built_before_the_kill_is_part_of_the_same_world(tmp_path: Path) -> None:
    def built(out: Path, num_workers: int, make_features) -> list[object]:
        config = WorldConfig(questions_per_clip=6.0)
        events = build_world(
            config, out, splits={"train": 40, "val": 1, "test": 1}, num_workers=num_workers,
            make_features=make_features, num_draws=200,
        )  # fmt: skip
        return list(worlds.told_if_killed(events, out))

    with pytest.raises(ConfigError, match="fewer processes"):
        built(tmp_path / "a", 2, killed_over_validation)
    assert not (tmp_path / "a" / "world.json").exists()
    assert isinstance(built(tmp_path / "a", 1, made_up_features)[-1], WorldFinished)
    built(tmp_path / "b", 1, made_up_features)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_other_code_makes_another_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder()
    folder = build(tmp_path, builder)
    (folder / "left over").write_text("from the old code")
    monkeypatch.setattr(fingerprint, "of_package", lambda *folders: "changed")
    build(tmp_path, builder)
    assert builder.calls == 2
    assert not (folder / "left over").exists()


def test_a_world_that_was_removed_is_built_again(tmp_path: Path) -> None:
    builder = Builder()
    folder = build(tmp_path, builder)
    for clip in folder.iterdir():
        clip.unlink()
    folder.rmdir()
    assert build(tmp_path, builder).is_dir()
    assert builder.calls == 2


def test_a_damaged_stamp_means_building_anew(tmp_path: Path) -> None:
    builder = Builder()
    build(tmp_path, builder)
    (tmp_path / "smoke.json").write_text("{")
    build(tmp_path, builder)
    assert builder.calls == 2


def test_two_at_once_build_it_once(tmp_path: Path) -> None:
    builder = Builder()
    threads = [threading.Thread(target=build, args=(tmp_path, builder)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builder.calls == 1


def test_the_sources_of_a_world_exist() -> None:
    """A renamed module would otherwise silently drop out of the hash."""
    for name in worlds._SOURCES:
        assert (fingerprint.PACKAGE / name).exists(), name


def test_how_films_are_decoded_decides_no_world() -> None:
    """Bandstand is made without any film, so an edit of decoding must leave its worlds alone."""
    sources = [fingerprint.PACKAGE / name for name in worlds._SOURCES]
    media = fingerprint.PACKAGE / "media"
    assert media / "log_mel.py" in sources
    assert not {media, media / "decode.py"} & set(sources)
