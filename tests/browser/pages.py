"""Small pages in both themes, and what a browser said about them."""

from __future__ import annotations

import json
from pathlib import Path


def write_page(folder: Path, content: str, theme: str = "light") -> str:
    """Write a page as the book's theme would place it and return its file:// address."""
    ground = {"light": "#ffffff", "dark": "#14181e"}[theme]
    path = folder / f"{theme}.html"
    path.write_text(
        f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
        f'<title>page</title><body style="background: {ground}; max-width: 52rem">'
        f"<h1>Page</h1>{content}",
        encoding="utf-8",
    )
    return path.as_uri()


def requested(browser) -> list[str]:
    """Return every address the page asked for, the page itself included."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def complaints(browser) -> list[str]:
    """Return what the console holds."""
    return [entry["message"] for entry in browser.get_log("browser")]


def part(browser, name: str):
    """Return the element that the script calls ``name``."""
    return browser.find_element("css selector", f'[data-part="{name}"]')


def style(browser, name: str, key: str) -> str:
    """Return a computed style of a part."""
    return part(browser, name).value_of_css_property(key)
