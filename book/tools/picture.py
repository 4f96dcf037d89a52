"""The picture of the README: the toggles of the built page, with the audio switched off."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from book.tools.layout import BookError, Layout

CHAPTER = "04_full_training"
LARGEST = 300_000
_WIDTH, _HEIGHT, _SECONDS = 1500, 1400, 20.0


def take(layout: Layout) -> Path:
    """Photograph the toggles of the built chapter and return the path of the picture.

    Raises:
        BookError: the pages of profile ``book`` are not built, there is no Chromium, or the
            picture is too large.
    """
    layout.require_pages("book")
    content = _photograph(layout.html / "notebooks" / f"{CHAPTER}.html")
    if len(content) > LARGEST:
        raise BookError(
            f"expected a picture of at most {LARGEST} bytes, got {len(content)}: choose a clip "
            "with fewer colours, or a narrower window"
        )
    path = layout.book / "_static" / "toggles.png"
    path.write_bytes(content)
    return path


def _photograph(page: Path) -> bytes:
    """Return a PNG of the toggles after one click on *audio present*."""
    with tempfile.TemporaryDirectory(prefix="avqa-", ignore_cleanup_errors=True) as profile:
        browser = _browser(profile)
        try:
            return _toggles(browser, page)
        finally:
            browser.quit()


def _toggles(browser: Any, page: Path) -> bytes:
    """Mute the first clip of ``page`` and return the toggles as a PNG."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.set_window_size(_WIDTH, _HEIGHT)
    browser.get(page.as_uri())
    root = browser.find_element("css selector", ".avqa-live:has([data-part=audio])")
    sheet = root.find_element("css selector", "[data-part=sheet]")
    WebDriverWait(browser, _SECONDS).until(lambda _: sheet.get_property("naturalWidth"))
    root.find_element("css selector", "[data-part=audio]").click()
    browser.execute_script("document.activeElement.blur()")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", root)
    # of the element and not of a place on the page, which moves while fonts and formulas arrive
    content: bytes = root.screenshot_as_png
    return content


def _browser(profile: str) -> Any:
    """Start a headless Chromium.

    Raises:
        BookError: there is none.
    """
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        raise BookError(
            "expected chromium and chromedriver, found not both: apt-get install chromium "
            "chromium-driver"
        )
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "no-first-run"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={profile}")
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
