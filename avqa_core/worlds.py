"""The built-in world of each profile: built once, found again by what it was built from."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from avqa_core import fingerprint
from avqa_core.errors import ConfigError

Event = TypeVar("Event")

CLIPS = {
    "smoke": {"train": 60, "val": 20, "test": 40},
    "book": {"train": 9000, "val": 150, "test": 300},
    "full": {"train": 12000, "val": 500, "test": 1000},
}
# What stored results are trained on, where that is more than a reader of the pages should wait for.
# It contains the clips of the pages, and has the same validation and test clips.
LARGER = {"book": {"train": 15000, "val": 150, "test": 300}}
FEW_CLIPS = 200
# What decides the bytes of a world: the generator, its encoders, and how a store is written. What
# lies beside them in a folder, such as decoding, builds no world anew.
_SOURCES = (
    "bandstand",
    "data/shards.py",
    "data/store_writer.py",
    "media/log_mel.py",
    "rng.py",
    "workers.py",
)

Builder = Callable[[Path, dict[str, int]], Iterator[Any]]
Watch = Callable[[Iterator[Any]], Iterable[Any]]


def built(
    profile: str,
    parent: Path,
    watch: Watch = iter,
    builder: Builder | None = None,
    clips: dict[str, int] | None = None,
) -> Path:
    """Return the world of ``profile`` below ``parent``, building it unless a fitting one is there.

    A build that was interrupted goes on where it stopped; a world made by other code, or of another
    size, is removed and built anew. Two processes that ask at once build it once.

    Args:
        profile: whose world.
        parent: folder of all built-in worlds.
        watch: hands the progress events on, for example to a bar.
        builder: makes the clips; Bandstand if None.
        clips: how many of each split; those of the profile's pages if None.

    Raises:
        ConfigError: a process of the build was killed.
    """
    clips = clips or CLIPS[profile]
    folder, stamp = parent / profile, parent / f"{profile}.json"
    wanted = {"clips": clips, "source": fingerprint.of_package(*_SOURCES)}
    with _alone(parent / f"{profile}.lock"):
        state = _read_stamp(stamp)
        if state == wanted | {"finished": True} and folder.is_dir():
            return folder
        if state is None or {key: state.get(key) for key in wanted} != wanted:
            shutil.rmtree(folder, ignore_errors=True)
        stamp.write_text(json.dumps(wanted | {"finished": False}))
        events = (builder or _bandstand)(folder, clips)
        for _ in watch(told_if_killed(events, folder)):
            pass
        stamp.write_text(json.dumps(wanted | {"finished": True}))
    return folder


def told_if_killed(events: Iterator[Event], folder: Path) -> Iterator[Event]:
    """Yield the events of a build; say what to do if one of its processes is killed.

    It stands here and not in the build, whose source decides what is the same world.

    Args:
        events: of ``build_world``.
        folder: that is built.

    Raises:
        ConfigError: a process was killed.
    """
    try:
        yield from events
    except BrokenProcessPool as error:
        raise ConfigError(
            f"expected every process that builds the world in {folder} to live, got one that was "
            "killed, most likely for want of memory: free some, or build with fewer processes "
            "(--workers of 'avqa world', num_workers of build_world); what is built stays, and "
            "the same call goes on with it"
        ) from error


def _bandstand(folder: Path, clips: dict[str, int]) -> Iterator[Any]:
    """Build a Bandstand with the default knobs."""
    import os

    from avqa_core.bandstand.world import WorldConfig, build_world

    # new processes import the main module again, which a short script need not be ready for
    num_workers = 1 if sum(clips.values()) <= FEW_CLIPS else os.cpu_count() or 1
    return build_world(WorldConfig(), folder, splits=clips, num_workers=num_workers)


def _read_stamp(stamp: Path) -> dict[str, Any] | None:
    try:
        state = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process at a time into the block; the system drops the lock of a killed one."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
