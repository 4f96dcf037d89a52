"""Colours, markers and the look of every figure."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import pytest

from avqa_core.completion import completers
from avqa_core.viz.style import METHODS, MODALITIES, SCENARIOS, mark_of, marks_of, use_style


@pytest.mark.parametrize("family", [METHODS, MODALITIES, SCENARIOS])
def test_no_two_of_a_family_look_alike(family):
    looks = [(mark.colour, mark.marker) for mark in family.values()]
    assert len(set(looks)) == len(looks)


def test_colour_is_always_doubled_by_marker_or_line():
    for one, other in itertools.combinations(METHODS.values(), 2):
        assert (one.marker, one.line) != (other.marker, other.line)


def test_every_registered_completer_has_a_mark_of_its_own():
    names = [name for name in completers if not name.startswith("test")]
    assert names
    looks = {(mark.colour, mark.marker) for mark in marks_of(names).values()}
    assert len(looks) == len(names)


def test_a_plug_in_looks_the_same_every_time_and_is_named():
    assert mark_of("my_own_method") == mark_of("my_own_method")
    assert mark_of("my_own_method").label == "my own method"


def test_names_that_would_collide_are_told_apart():
    names = [f"method {number}" for number in range(40)]
    looks = {(mark.colour, mark.marker) for mark in marks_of(names).values()}
    assert len(looks) == len(names)


def test_a_mixed_scenario_takes_the_mark_of_its_family():
    assert mark_of("mixed(0.3,0.2)").colour == SCENARIOS["mixed"].colour
    assert mark_of("mixed(0.3,0.2)").label == "mixed(0.3,0.2)"


def test_figures_are_opaque_white_and_readable():
    with mpl.rc_context():
        use_style()
        assert mpl.rcParams["savefig.facecolor"] == "white"
        assert not mpl.rcParams["savefig.transparent"]
        assert mpl.rcParams["font.size"] >= 9
        assert mpl.rcParams["figure.figsize"][0] == 6.4
        assert mpl.rcParams["image.cmap"] == "cividis"
