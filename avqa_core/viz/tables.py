"""Tables for pages: right-aligned numbers of equal digits, the best marked, the source named."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from avqa_core.errors import ConfigError
from avqa_core.viz.display import Rich
from avqa_core.viz.static_controls import asset

BEST = "▲"
UNKNOWN = "\N{EN DASH}"
Cell = str | int | float | None
# behind these a long name may go on in the next line: plug_in/rmm, tests/test_x.py::test_y
_JOINT = re.compile(r"(?<=\w)(/|_|::)(?=\w)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in a row, its heading with the unit, and how its numbers are written.

    Attributes:
        key: name in the rows.
        heading: what stands above it, with the unit, e.g. ``audio missing (%)``.
        digits: digits after the point; 0 for counts.
        scale: numbers are multiplied by it, 100 for fractions shown in per cent.
        best: whether the largest or the smallest value is marked.
    """

    key: str
    heading: str
    digits: int = 1
    scale: int | float = 1
    best: Literal["highest", "lowest"] | None = None

    def write(self, value: Cell) -> str:
        """Return ``value`` as text; nothing known is a dash."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return UNKNOWN
        return value if isinstance(value, str) else f"{value * self.scale:.{self.digits}f}"


def counted(number: int, noun: str) -> str:
    """Return ``number`` with its noun, which takes an s for all numbers but one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def table(
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Cell]],
    *,
    caption: str,
    among: str | None = None,
) -> Rich:
    """Return a table that scrolls inside its box and reads in light and dark.

    Args:
        columns: from left to right.
        rows: values by key of a column; a missing one is a dash.
        caption: what the table shows, with its n.
        among: key of a column (such as ``source``); best values are marked within its groups.
    """
    known = {column.key for column in columns}
    strange = {key for row in rows for key in row} - known
    if strange:
        raise ConfigError(
            f"expected rows with the keys {', '.join(sorted(known))}, got also "
            f"{', '.join(sorted(strange))}: add a column for them or leave them out"
        )
    texts = [[_text(column, row, rows, among) for column in columns] for row in rows]
    numeric = [_is_numeric(column, rows) for column in columns]
    return Rich(
        html=_as_html(columns, texts, numeric, caption), text=_as_text(columns, texts, caption)
    )


def _text(
    column: Column,
    row: Mapping[str, Cell],
    rows: Sequence[Mapping[str, Cell]],
    among: str | None,
) -> str:
    text = column.write(row.get(column.key))
    # Text in a column of numbers, such as a bound in brackets, takes no part in the comparison.
    if column.best is None or text == UNKNOWN or isinstance(row.get(column.key), str):
        return text
    rivals = [other for other in rows if among is None or other.get(among) == row.get(among)]
    numbers = [other.get(column.key) for other in rivals]
    known = [column.write(one) for one in numbers if not isinstance(one, str)]
    known = [one for one in known if one != UNKNOWN]
    written = set(known)
    if len(known) > len(written) == 1:  # where all are alike none is best
        return text
    choose = max if column.best == "highest" else min
    return f"{BEST} {text}" if float(text) == choose(map(float, written)) else text


def _is_numeric(column: Column, rows: Sequence[Mapping[str, Cell]]) -> bool:
    return any(isinstance(row.get(column.key), int | float) for row in rows)


def _as_html(
    columns: Sequence[Column], texts: list[list[str]], numeric: list[bool], caption: str
) -> str:
    heads = "".join(
        f'<th scope="col"{_right(right)}>{escape(column.heading)}</th>'
        for column, right in zip(columns, numeric, strict=True)
    )
    body = []
    for line in texts:
        first, *others = line
        cells = "".join(
            f'<td class="number">{escape(text)}</td>' if right else f"<td>{_breakable(text)}</td>"
            for text, right in zip(others, numeric[1:], strict=True)
        )
        body.append(f'<tr><th scope="row"{_right(numeric[0])}>{_breakable(first)}</th>{cells}</tr>')
    return (
        f'<div class="avqa-live avqa-table" role="region" tabindex="0" '
        f'aria-label="{escape(caption)}"><style>{asset("live.css")}</style><div class="scroll">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div></div>"
    )


def _breakable(text: str) -> str:
    """Return ``text`` for HTML, with places where a name without spaces may be broken."""
    return _JOINT.sub(r"\1<wbr>", escape(text))


def _right(is_number: bool) -> str:
    return ' style="text-align: right"' if is_number else ""


def _as_text(columns: Sequence[Column], texts: list[list[str]], caption: str) -> str:
    lines = [[column.heading for column in columns], *texts]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    drawn = ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
             for line in lines]  # fmt: skip
    return "\n".join([caption, *drawn])
