"""What a page offers for download has no MyST left in it."""

from __future__ import annotations

import pytest

from book.tools import downloads


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("see {term}`slot`", "see slot"),
        ("see {term}`slots <slot>`", "see slots"),
        ("after {cite:t}`park2024learning`, Sec. 1", "after [park2024learning], Sec. 1"),
        ("{numref}`fig-x` shows", "(fig-x) shows"),
        ("{doc}`How to run <../book/how_to_run>`", "How to run"),
        ("{glue:text}`gain:.1f` %", "(gain: run the cells) %"),
        ("{math}`x^2`", "$x^2$"),
        ("(fig-place)=\n## Title", "## Title"),
        ("plain *text* with `code` and $x_1$", "plain *text* with `code` and $x_1$"),
        ("```python\nx = {1}\n```", "```python\nx = {1}\n```"),
    ],
)
def test_roles_become_text(source: str, shown: str) -> None:
    assert downloads.plain(source) == shown


def test_a_box_becomes_a_quote() -> None:
    source = ":::{admonition} At a glance\n:class: tip\n\n- one {term}`slot`\n- two\n:::"
    assert downloads.plain(source) == "> **At a glance**\n>\n> - one slot\n> - two"


def test_boxes_within_boxes_become_quotes() -> None:
    source = "::::{note}\nouter\n\n:::{tip}\ninner\n:::\n::::"
    assert downloads.plain(source) == "> **Note**\n>\n> outer\n>\n> > **Tip**\n> >\n> > inner"


def test_a_formula_stays_a_formula() -> None:
    assert downloads.plain("```{math}\n:label: eq-1\nx = 1\n```") == "$$\nx = 1\n$$"


def test_solution_markers_become_a_word() -> None:
    source = ":::{solution-start} ex\n:class: dropdown\n:::\n\ntext\n\n:::{solution-end}\n:::"
    assert downloads.plain(source).split() == ["**Solution**", "text"]
