"""Equal pages pack to equal bytes, and unpack to one folder."""

from __future__ import annotations

import zipfile

import pytest

from book.tools import bundle
from book.tools.layout import BookError, Layout


def test_equal_pages_pack_to_equal_bytes(layout: Layout) -> None:
    (layout.html / "book").mkdir(parents=True)
    (layout.html / "index.html").write_text("start")
    (layout.html / "book" / "intro.html").write_text("intro")
    path = bundle.pack(layout, "smoke")
    first = path.read_bytes()
    (layout.html / "index.html").write_text("start")
    assert bundle.pack(layout, "smoke").read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert archive.read("missing-avqa-book/book/intro.html") == b"intro"
    assert names == ["missing-avqa-book/book/intro.html", "missing-avqa-book/index.html"]


def test_no_pages_is_an_error(layout: Layout) -> None:
    with pytest.raises(BookError, match="run 'make book' first"):
        bundle.pack(layout, "smoke")
