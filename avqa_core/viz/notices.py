"""A box for what a page cannot show, with the command that makes it."""

from __future__ import annotations

from html import escape
from typing import Literal

from avqa_core.viz.display import Rich


def notice(
    title: str, text: str, command: str | None = None, kind: Literal["warning", "note"] = "warning"
) -> Rich:
    """Return a box that says what is missing and how to get it, or that nothing is.

    Args:
        title: what is missing, in a few words.
        text: why, and what the page does instead.
        command: what to type to get it.
        kind: a ``note`` where there is nothing to be done.
    """
    typed = f"<pre><code>{escape(command)}</code></pre>" if command else ""
    # In the dark the theme gives outputs a light ground and dark text, and the box its dark ground.
    html = (
        f'<div class="admonition {kind}" role="note" style="color: var(--pst-color-text-base)">'
        f'<p class="admonition-title">{escape(title)}</p><p>{escape(text)}</p>{typed}</div>'
    )
    said = f"{title}: {text}" + (f" Type: {command}" if command else "")
    return Rich(html=html, text=said)
