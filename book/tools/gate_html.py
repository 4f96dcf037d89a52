"""What has to hold of the built pages, read from a folder without any server or network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from book.tools.layout import BookError, Layout

PAGE_BYTES = 1_500_000
_FILE_NAME = re.compile(r"^\S+\.(png|svg|jpe?g|gif|webp)$|^[0-9a-f]{16,}|^_images/")
# elements that make a browser fetch something as soon as the page opens
_LOADING = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "audio": "src",
    "video": "src",
    "source": "src",
    "embed": "src",
    "object": "data",
}
_LOADING_LINKS = {"stylesheet", "preload", "prefetch", "modulepreload", "icon", "preconnect"}


def problems(layout: Layout) -> list[str]:
    """Check that every page is there, and each of them."""
    found = []
    for page in [*layout.pages(), "index", "genindex", "search"]:
        if not (layout.html / f"{page}.html").is_file():
            found.append(f"{page}.html was not built: look at the output of the build step")
    for page in layout.pages():
        path = layout.html / f"{page}.html"
        if path.is_file():
            found += [f"{page}.html: {what}" for what in of_page(path)]
    return found


def of_page(path: Path) -> list[str]:
    """Return the problems of one page."""
    text = path.read_text()
    page = _parsed(path)
    found = []
    if "Traceback (most recent call last)" in text or page.select(".output.traceback"):
        found.append("shows a traceback: mend the cell")
    if not (page.html and page.html.get("lang")):
        found.append("has no language: set 'language' in _config.yml")
    headings = [one for one in page.find_all("h1") if not _only_printed(one)]
    if len(headings) != 1:
        found.append(f"has {len(headings)} level-1 headings, expected one: mend its title")
    found += [*_images(page), *_external(page), *_links(page, path), *_ids(page)]
    weight = path.stat().st_size + sum(one.stat().st_size for one in _media(page, path))
    if weight > PAGE_BYTES:
        found.append(f"weighs {weight} bytes with its media, at most {PAGE_BYTES}: show less")
    return found


def _images(page: BeautifulSoup) -> Iterator[str]:
    for image in page.find_all("img"):
        alt = str(image.get("alt") or "").strip()
        if not alt and image.get("role") != "presentation":
            yield f"picture {_short(image.get('src'))} has no alt text: describe it"
        elif _FILE_NAME.search(alt):
            yield f"picture {_short(image.get('src'))} has a file name as alt text: describe it"


def _external(page: BeautifulSoup) -> Iterator[str]:
    for name, attribute in _LOADING.items():
        for element in page.find_all(name):
            if _is_external(element.get(attribute)):
                yield f"<{name}> loads {_short(element.get(attribute))}: keep a copy in the book"
    for link in page.find_all("link"):
        loading = _LOADING_LINKS & set(link.get("rel") or [])
        if loading and _is_external(link.get("href")):
            yield f"<link> loads {_short(link.get('href'))}: keep a copy in the book"
    for style in page.find_all("style"):
        if re.search(r"@import|url\(\s*[\"']?(https?:)?//", style.text):
            yield "an inline style loads something from outside: keep a copy in the book"


def _links(page: BeautifulSoup, path: Path) -> Iterator[str]:
    """Follow every relative address as a browser does in an opened folder."""
    for element, address in _addresses(page):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or address.startswith("data:"):
            continue
        target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
        if parts.path.startswith("/") or not target.is_file():
            yield f"<{element.name}> leads to {_short(address)}, not in the folder: mend it"
        elif _lost(element, target, unquote(parts.fragment)):
            yield f"link leads to {_short(address)}, which has no such place: mend it"


def _lost(element: Tag, target: Path, fragment: str) -> bool:
    """Tell whether a link names a place in a page that the page does not have."""
    if not fragment or element.name != "a" or target.suffix != ".html":
        return False
    return fragment not in _anchors(target)


def _addresses(page: BeautifulSoup) -> Iterator[tuple[Tag, str]]:
    for element in page.find_all(True):
        for attribute in ("href", "src", "data-src", "poster"):
            address = element.get(attribute)
            if isinstance(address, str) and address and address != "#":
                yield element, address


def _ids(page: BeautifulSoup) -> Iterator[str]:
    seen: set[str] = set()
    for element in page.select("main [id]"):
        if element["id"] in seen:
            yield f"id {element['id']!r} is used twice: keyboard and labels go astray"
        seen.add(str(element["id"]))


def _media(page: BeautifulSoup, path: Path) -> set[Path]:
    """Return the pictures and sounds of a page; scripts of the whole book are not its weight."""
    found = set()
    for element, address in _addresses(page):
        parts = urlsplit(address)
        if element.name in ("img", "audio", "video", "source", "object") and not parts.scheme:
            target = (path.parent / unquote(parts.path)).resolve()
            found |= {target} if target.is_file() else set()
    folder = path.parent / f"{path.stem}_media"
    return found | {one.resolve() for one in folder.rglob("*") if one.is_file()}


@cache
def _parsed(path: Path) -> BeautifulSoup:
    try:
        return BeautifulSoup(path.read_text(), "html.parser")
    except OSError as error:
        raise BookError(f"expected a page at {path}, got {error}: build it again") from error


@cache
def _anchors(path: Path) -> set[str]:
    page = _parsed(path)
    return {str(one["id"]) for one in page.select("[id]")} | {
        str(one["name"]) for one in page.select("a[name]")
    }


def _only_printed(element: Tag) -> bool:
    return any("onlyprint" in (parent.get("class") or []) for parent in element.parents)


def _is_external(address: object) -> bool:
    return isinstance(address, str) and bool(re.match(r"(https?:)?//", address.strip()))


def _short(address: object) -> str:
    text = str(address)
    return text if len(text) < 80 else text[:77] + "…"
