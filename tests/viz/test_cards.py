"""Clips side by side: a picture, a player and a transcript each."""

from __future__ import annotations

import pytest

from avqa_core.errors import ConfigError
from avqa_core.viz.cards import ClipCard, clip_cards
from avqa_core.viz.media import MediaFiles
from tests.viz.fakes import made_up_clip


def card(number: int) -> ClipCard:
    return ClipCard(
        title=f"Clip {number}",
        seen='A "red" square.',
        heard="A tone.",
        media=MediaFiles(f"media/{number}.webp", f"media/{number}.mp3"),
    )


def test_each_clip_has_picture_player_and_words():
    shown = clip_cards([card(0), card(1)], first=made_up_clip())
    assert shown.html.count("<audio controls") == 2
    assert 'alt="A &quot;red&quot; square."' in shown.html
    assert 'src="media/1.mp3"' in shown.html
    assert shown.html.count("<details>") == 2
    assert shown.png.startswith(b"\x89PNG")
    assert "Heard: A tone." in shown.text


def test_no_clip_is_an_error():
    with pytest.raises(ConfigError, match="at least one clip"):
        clip_cards([])
