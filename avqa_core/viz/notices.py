"""A box for what a page cannot show, with the command that makes it."""

from __future__ import annotations

from html import escape

from avqa_core.viz.display import Rich


def notice(title: str, text: str, command: str | None = None) -> Rich:
    """Return a box that says what is missing and how to get it.

    Args:
        title: what is missing, in a few words.
        text: why, and what the page does instead.
        command: what to type to get it.
    """
    typed = f"<pre><code>{escape(command)}</code></pre>" if command else ""
    # In the dark the theme gives outputs a light ground and dark text, and the box its dark ground.
    html = (
        '<div class="admonition warning" role="note" style="color: var(--pst-color-text-base)">'
        f'<p class="admonition-title">{escape(title)}</p><p>{escape(text)}</p>{typed}</div>'
    )
    said = f"{title}: {text}" + (f" Type: {command}" if command else "")
    return Rich(html=html, text=said)
