"""Places to write to that a command is given, checked before it computes for minutes."""

from __future__ import annotations

from pathlib import Path

from avqa_core.config import require
from avqa_core.errors import ConfigError


def require_file_place(path: Path, option: str, example: str) -> None:
    """Make the folder that a file is to be written into.

    Args:
        path: of the file.
        option: that named it, for the message.
        example: a name that such a file may have.

    Raises:
        ConfigError: it is a folder, or cannot be in one.
    """
    require(
        not path.is_dir(),
        f"{option}: expected a file to write to, got the folder {path}: name a file in it, such as "
        f"{path / example}",
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{option}: expected a file to write to, got {error}: name another one"
        ) from error
