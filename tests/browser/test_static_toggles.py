"""The toggles of a published page in a real browser, opened from a folder."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from avqa_core.viz.figures import joint_weight_bound
from avqa_core.viz.media import write_media
from avqa_core.viz.static_controls import StepSlider, static_toggles
from tests.browser.pages import complaints, part, requested, style, write_page
from tests.viz.fakes import SHOWN, made_up_clip, made_up_toggles

pytestmark = pytest.mark.browser


@pytest.fixture
def page(tmp_path, browser):
    """Open the toggles from a folder with their media beside them."""
    media = write_media(tmp_path / "media", [made_up_clip(number) for number in range(2)], "media/")
    html = static_toggles(made_up_toggles(media), name="main").html
    browser.get(write_page(tmp_path, html))
    return browser


def status(browser) -> str:
    return part(browser, "status").text


def shown_answer(browser) -> str:
    return browser.find_element("css selector", "ol.bars li.top").text.split("\n")[0].strip("▲ ✓")


def spoken(scenario: str) -> str:
    return SHOWN[scenario].replace("_", " ")


def test_the_mouse_changes_the_answer(page):
    assert shown_answer(page) == spoken("complete")
    part(page, "audio").click()
    assert shown_answer(page) == spoken("audio_missing")
    assert spoken("audio_missing") in status(page)
    assert "audio missing" in status(page).lower()
    part(page, "visual").click()
    assert shown_answer(page) == spoken("both_missing")
    part(page, "audio").click()
    assert shown_answer(page) == spoken("visual_missing")
    part(page, "visual").click()
    assert shown_answer(page) == spoken("complete")
    assert complaints(page) == []


def test_the_keyboard_alone_changes_the_answer(page):
    page.find_element("tag name", "h1").click()
    reached = []
    for _ in range(4):
        ActionChains(page).send_keys(Keys.TAB).perform()
        reached.append(page.switch_to.active_element.get_attribute("data-part"))
    assert reached == ["clip", "question", "audio", "visual"]
    ActionChains(page).send_keys(Keys.SPACE).perform()
    assert shown_answer(page) == spoken("visual_missing")
    outline = page.switch_to.active_element.value_of_css_property("outline-style")
    assert outline == "solid"


def test_the_space_bar_mutes_and_the_truth_is_told(page):
    part(page, "audio").send_keys(Keys.SPACE)
    assert shown_answer(page) == spoken("audio_missing")
    assert "The truth is “two”" in status(page)
    assert part(page, "truth").text == "two"
    assert "three" in part(page, "floor").text
    assert part(page, "ceiling").text.replace("\xa0", " ").startswith("55 %, for a perfect")


def test_arrow_keys_step_through_the_pictures(page):
    left = style(page, "sheet", "left")
    part(page, "second").send_keys(Keys.ARROW_RIGHT)
    assert part(page, "second-text").text == "2 of 10"
    assert style(page, "sheet", "left") != left
    part(page, "second").send_keys(Keys.END)
    assert part(page, "second-text").text == "10 of 10"


def test_the_strip_plays_and_stops(page):
    part(page, "play").click()
    WebDriverWait(page, 8).until(lambda b: part(b, "second-text").text == "2 of 10")
    assert part(page, "play").text == "Pause"
    part(page, "play").click()
    stopped = part(page, "second-text").text
    time.sleep(1.3)
    assert part(page, "second-text").text == stopped
    assert part(page, "play").text == "Play"


def test_the_sound_is_decoded_and_silenced_by_its_toggle(page):
    sound = part(page, "sound")
    WebDriverWait(page, 8).until(lambda b: sound.get_property("readyState") >= 1)
    assert sound.get_property("error") is None
    assert sound.get_property("duration") == pytest.approx(10, abs=0.3)
    assert not sound.get_property("muted")
    part(page, "audio").click()
    assert sound.get_property("muted")
    assert not sound.is_displayed()
    assert part(page, "silent").is_displayed()


def test_the_picture_is_loaded_and_covered_by_its_toggle(page):
    assert part(page, "sheet").get_property("naturalWidth") == 5 * 96
    assert not part(page, "cover").is_displayed()
    part(page, "visual").click()
    assert part(page, "cover").is_displayed()
    assert "does not see it" in part(page, "cover").text


def test_slots_are_shown_only_where_something_is_recalled(page):
    assert not part(page, "heat").is_displayed()
    assert part(page, "no-heat").is_displayed()
    part(page, "audio").click()
    assert part(page, "heat").is_displayed()
    canvas = part(page, "canvas")
    assert (canvas.get_property("width"), canvas.get_property("height")) == (12, 10)
    colours = page.execute_script(
        "const c = arguments[0]; const d = c.getContext('2d').getImageData(0, 0, 12, 10).data;"
        "const s = new Set(); for (let i = 0; i < d.length; i += 4)"
        " s.add([d[i], d[i + 1], d[i + 2]].join()); return s.size",
        canvas,
    )
    assert colours > 5


def test_another_clip_brings_its_own_questions_and_sound(page):
    Select(part(page, "clip")).select_by_index(1)
    assert part(page, "sound").get_attribute("src").endswith("media/00000001.mp3")
    Select(part(page, "question")).select_by_index(2)
    assert "asked 2 times" in part(page, "question-text").text
    assert complaints(page) == []


def test_nothing_leaves_the_folder(page, tmp_path):
    part(page, "play").click()
    WebDriverWait(page, 8).until(lambda b: part(b, "second-text").text == "2 of 10")
    addresses = requested(page)
    assert addresses
    assert all(address.startswith(("file://", "data:", "chrome:")) for address in addresses)
    assert any(address.endswith("00000000.mp3") for address in addresses)


def test_missing_media_are_told_and_the_toggles_still_work(tmp_path, browser):
    browser.get(write_page(tmp_path, static_toggles(made_up_toggles(), name="main").html))
    WebDriverWait(browser, 8).until(lambda b: part(b, "media-error").is_displayed())
    part(browser, "audio").click()
    assert shown_answer(browser) == spoken("audio_missing")


def test_two_controls_on_a_page_do_not_disturb_each_other(tmp_path, browser):
    one = static_toggles(made_up_toggles(), name="one").html
    other = static_toggles(replace(made_up_toggles(), provenance="other"), name="two").html
    browser.get(write_page(tmp_path, one + other))
    boxes = browser.find_elements("css selector", '[data-part="audio"]')
    boxes[1].click()
    states = [element.text.lower() for element in
              browser.find_elements("css selector", '[data-part="status"]')]  # fmt: skip
    assert states[0].startswith("both present")
    assert states[1].startswith("audio missing")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_are_themed_and_fit_a_phone(tmp_path, browser, theme):
    html = static_toggles(made_up_toggles(), name="main").html
    browser.set_window_size(500, 1000)
    browser.get(write_page(tmp_path, html, theme))
    root = browser.find_element("css selector", ".avqa-live")
    ground = root.value_of_css_property("background-color")
    assert ground == {"light": "rgba(255, 255, 255, 1)", "dark": "rgba(20, 24, 30, 1)"}[theme]
    too_wide = browser.execute_script("return document.body.scrollWidth > window.innerWidth")
    assert not too_wide
    assert len(browser.get_screenshot_as_png()) > 10_000


def test_print_shows_the_state_without_controls(page):
    part(page, "audio").click()
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not part(page, "play").is_displayed()
    assert not part(page, "clip").is_displayed()
    assert part(page, "status").is_displayed()
    assert part(page, "sheet").value_of_css_property("position") == "static"


def test_a_slider_moves_by_mouse_keyboard_and_by_itself(tmp_path, browser):
    labels = [f"L = {count}" for count in (10, 20, 30)]
    figures = [joint_weight_bound(marked=count) for count in (10, 20, 30)]
    slider = StepSlider.from_figures(
        figures, labels, control="slots L", alt="The bound.", name="bound"
    )
    browser.get(write_page(tmp_path, slider.show().html))
    frame = part(browser, "frame")
    first = frame.get_attribute("src")
    part(browser, "forward").click()
    assert status(browser) == "L = 20"
    assert frame.get_attribute("src") != first
    assert frame.get_attribute("alt") == "The bound. L = 20."
    part(browser, "step").send_keys(Keys.ARROW_RIGHT)
    assert status(browser) == "L = 30"
    assert part(browser, "step").get_attribute("aria-valuetext") == "L = 30"
    part(browser, "play").click()
    WebDriverWait(browser, 8).until(lambda b: status(b) == "L = 20")
    assert complaints(browser) == []
    assert all(not address.startswith("http") for address in requested(browser))
