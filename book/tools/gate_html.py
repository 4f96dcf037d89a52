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
# what makes a browser fetch something as soon as the page opens, at whatever element it stands
_LOADING = ("src", "srcset", "data-src", "poster", "data", "xlink:href")
# elsewhere, as in the pictures of an SVG, a browser follows ``href`` without being asked
_ONLY_LINKING = ("a", "area", "link")
_LOADING_STYLE = re.compile(r"(@import\s+|url\()\s*[\"']?\s*(https?:)?//", re.I)
_LOADING_SCRIPT = re.compile(r"\b(import|from|fetch)\b\s*\(?\s*[\"'`](https?:)?//", re.I)
_THIS_MACHINE = ("localhost", "127.0.0.1")
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
            found += [f"{page}.html: {what}" for what in of_page(path, layout.html)]
    for path in sorted(layout.html.rglob("*.css")):
        if _LOADING_STYLE.search(path.read_text()):
            found.append(f"{path.name} loads something from outside: keep a copy in the book")
    return found


def of_page(path: Path, folder: Path) -> list[str]:
    """Return the problems of one page of the book that lies in ``folder``."""
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
    found += [*_images(page), *_external(page), *_links(page, path, folder), *_ids(page)]
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
    for element in page.find_all(True):
        names = _LOADING if element.name in _ONLY_LINKING else (*_LOADING, "href")
        for address in (element.get(name) for name in names):
            if _is_external(address):
                yield f"<{element.name}> loads {_short(address)}: keep a copy in the book"
        if _LOADING_STYLE.search(str(element.get("style") or "")):
            yield f"the style of <{element.name}> loads from outside: keep a copy in the book"
    for link in page.find_all("link"):
        loading = _LOADING_LINKS & set(link.get("rel") or [])
        if loading and _is_external(link.get("href")):
            yield f"<link> loads {_short(link.get('href'))}: keep a copy in the book"
    for name, loading_text in (("style", _LOADING_STYLE), ("script", _LOADING_SCRIPT)):
        if any(loading_text.search(one.text) for one in page.find_all(name)):
            yield f"an inline {name} loads something from outside: keep a copy in the book"


def _links(page: BeautifulSoup, path: Path, folder: Path) -> Iterator[str]:
    """Follow every relative address as a browser does in an opened folder."""
    for element, address in _addresses(page):
        parts = urlsplit(address)
        if parts.scheme == "file" or parts.hostname in _THIS_MACHINE:
            yield f"<{element.name}> leads to {_short(address)}, only on this machine: mend it"
        if parts.scheme or parts.netloc or address.startswith("data:"):
            continue
        target = (path.parent / unquote(parts.path) if parts.path else path).resolve()
        # a file of the checkout is there for us, and not for a reader of the published pages
        is_inside = target.is_relative_to(folder.resolve()) and not parts.path.startswith("/")
        if not (is_inside and target.is_file()):
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
    """Tell whether an address, or one of those in a ``srcset``, leads out of the folder."""
    parts = address.split() if isinstance(address, str) else []
    return any(re.match(r"(https?:)?//", one, re.I) for one in parts)


def _short(address: object) -> str:
    text = str(address)
    return text if len(text) < 80 else text[:77] + "…"
