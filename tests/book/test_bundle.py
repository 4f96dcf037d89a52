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
    layout.told_profile.write_text("smoke\n")
    path = bundle.pack(layout, "smoke")
    first = path.read_bytes()
    (layout.html / "index.html").write_text("start")
    assert bundle.pack(layout, "smoke").read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert archive.read("missing-avqa-book/book/intro.html") == b"intro"
    assert names == [
        f"missing-avqa-book/{name}" for name in ("book/intro.html", "index.html", "profile.txt")
    ]


def test_no_pages_is_an_error(layout: Layout) -> None:
    with pytest.raises(BookError, match="got none: run 'make book PROFILE=smoke' first"):
        bundle.pack(layout, "smoke")


def test_pages_of_another_profile_are_not_packed_under_this_ones_name(layout: Layout) -> None:
    layout.html.mkdir(parents=True)
    layout.told_profile.write_text("smoke\n")
    with pytest.raises(BookError, match="got smoke: run 'make book PROFILE=book' first"):
        bundle.pack(layout, "book")
