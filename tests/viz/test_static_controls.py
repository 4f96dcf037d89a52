"""Controls of the published page, without a browser: markup, ids, sizes, fallbacks."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from avqa_core.errors import ConfigError
from avqa_core.viz.display import Rich
from avqa_core.viz.figures import joint_weight_bound
from avqa_core.viz.static_controls import StepSlider, asset, palette, static_toggles
from tests.viz.fakes import SHOWN, made_up_clip, made_up_toggles

VOID = {"img", "input", "br", "rect", "path"}
LONGEST_SCRIPT = 200


class Page(HTMLParser):
    """Collects elements and complains about one that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def toggles() -> Rich:
    return static_toggles(made_up_toggles(), name="main", frames=made_up_clip().frames)


@pytest.fixture(scope="module")
def slider() -> StepSlider:
    figures = [joint_weight_bound(marked=count) for count in (25, 75)]
    return StepSlider.from_figures(
        figures, ["L = 25", "L = 75"], control="slots L", alt="The bound.", name="bound", start=1
    )


def test_one_object_shows_itself_in_three_ways(toggles):
    bundle = toggles._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", "image/png"}
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert f"both present: {SHOWN['complete']} (60 %)" in bundle["text/plain"]


def test_markup_is_closed_and_every_control_is_labelled(toggles):
    page = Page(toggles.html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = {label["for"] for label in page.all("label")}
    controls = {one["id"] for one in [*page.all("input"), *page.all("select")]}
    assert controls
    assert controls <= labels
    boxes = [one for one in page.all("input") if one["type"] == "checkbox"]
    assert [one["data-part"] for one in boxes] == ["audio", "visual"]
    assert any(one.get("aria-live") == "polite" for _, one in page.elements)


def test_nothing_comes_from_the_network(toggles, slider):
    for html in (toggles.html, slider.show().html):
        addresses = re.findall(r"(?:src|href)=\"([^\"]*)\"", html)
        assert all(not re.match(r"(https?:)?//", address) for address in addresses)
        assert "http" not in re.sub(r"data:image/svg[^\"]*", "", html)
        assert "import " not in asset("toggles.js")


def test_every_part_that_the_script_asks_for_exists():
    for name in ("toggles", "slider"):
        script, markup = asset(f"{name}.js"), asset(f"{name}.html")
        asked = set(re.findall(r"part\(\"([a-z-]+)\"\)", script))
        assert asked
        missing = {part for part in asked if f'data-part="{part}"' not in markup}
        assert not missing


def test_scripts_stay_short_enough_to_read():
    for name in ("toggles.js", "slider.js"):
        assert len(asset(name).splitlines()) <= LONGEST_SCRIPT


def test_text_of_the_world_cannot_end_the_script(toggles):
    data = made_up_toggles()
    question = data.clips[0].questions[0]
    object.__setattr__(question, "text", "</script><b>&")
    object.__setattr__(data.clips[0], "seen", '"><b>&')
    html = static_toggles(data, name="main").html
    assert html.count("</script>") == toggles.html.count("</script>")
    assert "<b>" not in html
    Page(html)


def test_ids_differ_between_controls_and_not_between_runs(toggles):
    again = static_toggles(made_up_toggles(), name="main", frames=made_up_clip().frames)
    assert again.html == toggles.html
    other = static_toggles(made_up_toggles(), name="other")
    own = set(re.findall(r"id=\"([^\"]+)\"", toggles.html))
    assert own.isdisjoint(re.findall(r"id=\"([^\"]+)\"", other.html))


def test_a_page_with_eight_clips_and_six_questions_stays_small():
    html = static_toggles(made_up_toggles(num_clips=8, num_questions=6), name="main").html
    assert len(html) < 400_000


def test_an_output_too_large_for_a_page_is_refused():
    with pytest.raises(ConfigError, match="at most 1,000,000 characters"):
        Rich(html="x" * 1_000_001, text="")


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` as WCAG 2 defines it."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lights = sorted((luminance(one), luminance(other)), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def themes() -> dict[str, dict[str, str]]:
    """Return the colours of both themes, read from the style sheet itself."""
    blocks = re.findall(r"([^{}]*)\{([^{}]*--page:[^{}]*)\}", asset("live.css").split("@media")[0])
    found = {}
    for selector, body in blocks:
        name = "dark" if "dark" in selector else "light"
        found[name] = dict(re.findall(r"--([a-z]+):\s*(#[0-9a-f]{6})", body))
    return found


def test_contrast_formula_knows_black_on_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_themes(theme):
    colours = themes()[theme]
    for ground in ("page", "panel"):
        for text in ("ink", "quiet", "good", "bad", "accent"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for drawn in ("bar", "rest", "line"):
            assert contrast(colours[drawn], colours[ground]) >= 2.8, (drawn, ground)


def test_the_palette_runs_from_dark_to_bright():
    colours = palette()
    assert len(colours) == 64
    lights = [luminance(colour) for colour in colours]
    assert lights == sorted(lights)


def test_a_slider_carries_its_states_and_starts_where_told(slider):
    shown = slider.show()
    page = Page(shown.html)
    (step,) = page.all("input")
    assert (step["min"], step["max"], step["value"]) == ("0", "1", "1")
    text = re.search(r"application/json\">(.*?)</script>", shown.html, re.S)
    assert text
    content = json.loads(text[1])
    assert content["labels"] == ["L = 25", "L = 75"]
    assert len(set(content["frames"])) == 2
    assert page.all("img")[0]["alt"] == "The bound. L = 75."
    assert shown.png is not None
    assert "L = 25; L = 75" in shown.text


@pytest.mark.parametrize(
    ("frames", "labels", "start"),
    [((), (), 0), ((b"",), ("a", "b"), 0), ((b"",) * 201, ("a",) * 201, 0), ((b"",), ("a",), 1)],
)
def test_a_slider_that_cannot_work_is_refused(frames, labels, start):
    with pytest.raises(ConfigError):
        StepSlider(frames, labels, control="k", alt="", name="n", still=b"", start=start)
