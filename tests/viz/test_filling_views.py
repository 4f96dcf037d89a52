"""What completers fill in, drawn and told from numbers made for it."""

from __future__ import annotations

from matplotlib.figure import Figure

from avqa_core.contracts import Checked
from avqa_core.studies.fillings import HALVES, Filling
from avqa_core.viz import filling_views as views


def _both(error: float, spread: float, asked: float) -> dict[str, Filling]:
    return {half: Filling(error=error, spread=spread, asked=asked) for half in HALVES}


FOUND = {
    "zeros": _both(20.0, 0.0, 0.0),
    "prompts": _both(12.0, 1e-12, 0.0),
    "retrieval_without_question": _both(1.1, 0.2, 0.0),
    "recommended": _both(0.9, 0.05, 0.01),
}


def test_every_row_of_table_3_that_fills_in_something_is_there():
    configs = views.completers_of_table3("tiny")
    assert next(iter(configs)) == "zeros"
    assert set(configs) == {
        "zeros",
        "slot_mean",
        "retrieval_without_question",
        "retrieval",
        "prompts",
        "shaspec",
        "actionmae",
        "drfuse",
        "rmm_renormalised",
        "recommended",
        "rmm",
    }
    assert configs["retrieval"].bank_size == 32


def test_the_figure_has_two_panels_and_a_mark_for_each_half():
    figure = views.fillings_figure(FOUND)
    assert isinstance(figure, Figure)
    errors, spreads = figure.axes
    assert [one.get_text() for one in errors.get_yticklabels()] == [
        "zeros",
        "missing-aware prompts, input",
        "retrieval by clip alone",
        "recommended",
    ]
    drawn = {round(line.get_xdata()[0], 6) for line in errors.lines if len(line.get_xdata()) == 1}
    assert {2000.0, 1200.0, 110.0, 90.0} <= drawn
    assert spreads.get_xlim()[0] < 0 < spreads.get_xlim()[1]  # zero has a place on the axis


def test_the_table_says_what_had_a_say():
    text = views.fillings_table(FOUND, caption="c").text
    lines = [line for line in text.splitlines() if line.strip().startswith("audio")]
    says = [line.rsplit("  ", 1)[1].strip() for line in lines]
    assert says == [
        "nothing: the same for every clip",
        "nothing: the same for every clip",
        "the clip",
        "clip and question",
    ]
    assert "the answers shape it" in lines[1] and "the real half" in lines[3]
    assert views.same_for_all(FOUND, "visual") == "zeros; missing-aware prompts, input"
    assert views.same_for_all({"recommended": FOUND["recommended"]}, "audio") == "none"


def test_contracts_of_several_parts_stand_side_by_side():
    found = {
        "AVST": [Checked("a", "Promise one.", ""), Checked("b", "Promise two.", "")],
        "AVSD": [Checked("a", "Promise one.", ""), Checked("b", "Promise two.", "it leaks")],
    }
    first, second = views.contracts_matrix(found, caption="c").text.splitlines()[2:]
    assert first.count("holds") == 2
    assert "broken: it leaks" in second and second.count("holds") == 1
