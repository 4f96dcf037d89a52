"""Which ``.npy`` files lie where."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from avqa_core.errors import ConfigError
from avqa_core.features.clip_files import SUFFIX


def listed(folder: Path, place: str) -> dict[str, Path]:
    """Return the ``.npy`` files of a subfolder by the clip they are named after.

    Raises:
        ConfigError: there is no such folder.
    """
    try:
        with os.scandir(folder / place) as entries:
            names = [one.name for one in entries if one.name.endswith(SUFFIX)]
    except OSError as error:
        raise ConfigError(
            f"pack: expected a folder of .npy files at {folder / place}, got {error.strerror}; "
            f"there are {', '.join(npy_folders(folder)) or 'no folders with .npy files'}: name it "
            "with --audio, --visual or --extra NAME=FOLDER"
        ) from error
    return {name.removesuffix(SUFFIX): folder / place / name for name in names}


def npy_folders(folder: Path) -> list[str]:
    """Return the names of the subfolders that have a ``.npy`` file directly in them."""
    try:
        subfolders = sorted(one.name for one in os.scandir(folder) if one.is_dir())
    except OSError:
        return []
    return [
        name
        for name in subfolders
        if any(entry.name.endswith(SUFFIX) for entry in _entries(folder / name))
    ]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:  # a folder nobody may look into has nothing for us
        return
