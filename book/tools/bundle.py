"""Pack the pages into one archive that is unpacked and opened anywhere."""

from __future__ import annotations

import zipfile
from pathlib import Path

from book.tools.layout import Layout

_TIME = (2024, 1, 1, 0, 0, 0)  # one date for every entry, so that equal pages pack to equal bytes


def pack(layout: Layout, profile: str) -> Path:
    """Write ``build/missing-avqa-book-<profile>.zip``; equal pages give an equal archive.

    Raises:
        BookError: there are no pages of this profile.
    """
    layout.require_pages(profile)
    path = layout.build / f"missing-avqa-book-{profile}.zip"
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(layout.html.rglob("*")):
            if one.is_file():
                name = Path("missing-avqa-book") / one.relative_to(layout.html)
                entry = zipfile.ZipInfo(name.as_posix(), _TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, one.read_bytes())
    partial.replace(path)
    return path
