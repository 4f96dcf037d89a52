"""The built-in world of a profile is built once, resumed, and built anew when its code changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from avqa_core import fingerprint, worlds


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
