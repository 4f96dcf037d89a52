"""Every rule about a built page, each shown to catch a planted fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from book.tools import gate_html
from book.tools.layout import Layout

PAGE = """<!doctype html>
<html lang="en"><head>
<link rel="stylesheet" href="style.css"><script src="code.js"></script>
</head><body>
<div class="onlyprint"><h1>Printed title</h1></div>
<main><h1 id="title">Title</h1>
<p><a href="other.html#place">There</a> <a href="https://example.org/">outside</a>
<a href="#title">up</a></p>
<img src="a.png" alt="A stage with three players.">
<audio src="page_media/a.mp3"></audio>
</main></body></html>
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("not a page")
    tmp_path /= "html"
    tmp_path.mkdir()
    for name in ("style.css", "code.js", "a.png"):
        (tmp_path / name).write_text("x")
    (tmp_path / "page_media").mkdir()
    (tmp_path / "page_media" / "a.mp3").write_text("sound")
    (tmp_path / "other.html").write_text(
        '<html><body><p id="place">Here <a name="named"></a></p></body></html>'
    )
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    return page


@pytest.fixture(autouse=True)
def forget() -> None:
    """Pages are kept while one build is looked at; every test has its own."""
    gate_html._parsed.cache_clear()
    gate_html._anchors.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<p>", "<p>"),
        ('alt="A stage with three players."', 'alt="" role="presentation"'),
        ("</head>", '<link rel="canonical" href="https://example.org/page.html"></head>'),
        ('href="#title"', 'href="other.html#named"'),
    ],
)
def test_a_good_page_passes(path: Path, old: str, new: str) -> None:
    assert old in PAGE
    path.write_text(PAGE.replace(old, new, 1))
    assert gate_html.of_page(path, path.parent) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<main>", "<main><pre>Traceback (most recent call last):</pre>", "traceback"),
        ("<main>", '<main><div class="output traceback">ValueError</div>', "traceback"),
        ('<html lang="en">', "<html>", "no language"),
        ('<h1 id="title">Title</h1>', "<p id='title'>Title</p>", "0 level-1 headings"),
        ("<p>", "<h1>Second</h1><p>", "2 level-1 headings"),
        ('alt="A stage with three players."', "", "no alt text"),
        ('alt="A stage with three players."', 'alt=" "', "no alt text"),
        ("A stage with three players.", "a.png", "file name as alt"),
        ("A stage with three players.", "../_images/f81033ef52be97df.svg", "file name as alt"),
        ('src="code.js"', 'src="https://cdn.example.org/code.js"', "<script> loads"),
        ('src="code.js"', 'src="//cdn.example.org/code.js"', "<script> loads"),
        ('href="style.css"', 'href="https://cdn.example.org/s.css"', "<link> loads"),
        ('src="a.png"', 'src="https://example.org/a.png"', "<img> loads"),
        ("<main>", '<main><iframe src="https://example.org"></iframe>', "<iframe> loads"),
        (
            'src="a.png"',
            'src="a.png" srcset="a.png 1x, HTTPS://example.org/b.png 2x"',
            "<img> loads",
        ),
        ("<main>", '<main><video poster="//example.org/a.png"></video>', "<video> loads"),
        ("<main>", '<main><svg><image href="https://example.org/a.png"/></svg>', "<image> loads"),
        ("<main>", '<main style="background: url(//x.org/a.png)">', "the style of <main> loads"),
        ("<main>", '<main><script>import("https://x.org/a.js")</script>', "inline script"),
        ('href="#title"', 'href="http://localhost:8888/x"', "only on this machine"),
        ('href="#title"', 'href="../README.md"', "not in the folder"),
        ("</head>", "<style>@import url(https://x.org/a.css)</style></head>", "inline style"),
        ('href="other.html#place"', 'href="gone.html"', "not in the folder"),
        ('href="other.html#place"', 'href="/other.html"', "not in the folder"),
        ('href="other.html#place"', 'href="other.html#elsewhere"', "no such place"),
        ('href="#title"', 'href="#nowhere"', "no such place"),
        ('src="page_media/a.mp3"', 'src="page_media/b.mp3"', "not in the folder"),
        ("<p>", '<p id="title">', "used twice"),
    ],
)
def test_a_fault_is_found(path: Path, old: str, new: str, said: str) -> None:
    assert old in PAGE
    path.write_text(PAGE.replace(old, new, 1))
    found = gate_html.of_page(path, path.parent)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize("name", ["a.png", "page_media/a.mp3", "page_media/unlinked.webp"])
def test_media_weigh_with_their_page(path: Path, name: str) -> None:
    (path.parent / name).write_bytes(b"x" * gate_html.PAGE_BYTES)
    assert any("weighs" in problem for problem in gate_html.of_page(path, path.parent))


def test_a_page_that_was_not_built_is_found(layout: Layout) -> None:
    layout.html.mkdir(parents=True)
    assert [one.split(" ")[0] for one in gate_html.problems(layout)] == [
        f"{name}.html"
        for name in ("book/intro", "notebooks/01_tiny", "index", "genindex", "search")
    ]


def test_a_style_sheet_that_loads_from_outside_is_found(layout: Layout) -> None:
    layout.html.mkdir(parents=True)
    (layout.html / "book.css").write_text('@import "other.css"; p { color: red }')
    assert not any("book.css" in problem for problem in gate_html.problems(layout))
    (layout.html / "book.css").write_text("@import url( 'https://x.org/a.css' );")
    assert any("book.css loads" in problem for problem in gate_html.problems(layout))
