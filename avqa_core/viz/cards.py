"""Clips to look at and to listen to, side by side, without any script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from avqa_core.errors import ConfigError
from avqa_core.viz.display import Rich
from avqa_core.viz.media import ClipMedia, MediaFiles, encode_png, frame_sheet
from avqa_core.viz.static_controls import asset


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipCard:
    """One clip: what it is called, what is to be seen and heard, and where its files are."""

    title: str
    seen: str
    heard: str
    media: MediaFiles


def clip_cards(cards: Sequence[ClipCard], *, first: ClipMedia | None = None) -> Rich:
    """Return the clips with all their pictures, a player each, and a transcript.

    Args:
        cards: what to show.
        first: pictures of the first clip, for print and LaTeX.
    """
    if not cards:
        raise ConfigError("expected at least one clip to show, got none: choose some clips")
    body = "".join(_card(card) for card in cards)
    html = (
        f'<div class="avqa-live tex2jax_ignore mathjax_ignore"><style>{asset("live.css")}</style>'
        f'<div class="cards">{body}</div></div>'
    )
    text = "\n".join(f"{card.title}: seen: {card.seen} Heard: {card.heard}" for card in cards)
    # Half the size is enough on paper, and a page may not carry more than a megabyte of it.
    still = None if first is None else encode_png(frame_sheet(first.frames[:, ::2, ::2]))
    return Rich(html=html, text=text, png=still)


def in_words(parts: Mapping[str, str]) -> str:
    """Return what is seen and heard as text to open, for readers who do not see or hear it.

    Args:
        parts: what it is, such as ``Seen`` -> the text.
    """
    told = "".join(
        f"<p><strong>{escape(name)}:</strong> {escape(text)}</p>" for name, text in parts.items()
    )
    return f"<details><summary>The clip in words</summary>{told}</details>"


def _card(card: ClipCard) -> str:
    return (
        f"<figure><figcaption>{escape(card.title)}</figcaption>"
        f'<img class="frame" src="{escape(card.media.sheet)}" alt="{escape(card.seen)}">'
        f'<audio controls preload="none" src="{escape(card.media.sound)}" '
        f'aria-label="Sound of {escape(card.title)}"></audio>'
        f"{in_words({'Seen': card.seen, 'Heard': card.heard})}"
        f"</figure>"
    )
