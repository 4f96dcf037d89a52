"""The only drawing code: style, figures, live controls for pages, and the JupyterLab panel.

Nothing else in the package imports it, and it imports matplotlib and ipywidgets, which come with
the extra ``book``. The panel is imported by name (``from avqa_core.viz.panel import TogglePanel``),
so that figures work where ipywidgets is not installed.
"""

from avqa_core.viz.cards import ClipCard, clip_cards
from avqa_core.viz.display import Rich, png_of, svg_of
from avqa_core.viz.live import watch
from avqa_core.viz.media import ClipMedia, MediaFiles, embed_media, write_media
from avqa_core.viz.static_controls import StepSlider, static_toggles
from avqa_core.viz.style import mark_of, use_style
from avqa_core.viz.tables import Column, table
from avqa_core.viz.toggle_data import ToggleClip, ToggleData, ToggleQuestion, ToggleView

__all__ = [
    "ClipCard",
    "ClipMedia",
    "Column",
    "MediaFiles",
    "Rich",
    "StepSlider",
    "ToggleClip",
    "ToggleData",
    "ToggleQuestion",
    "ToggleView",
    "clip_cards",
    "embed_media",
    "mark_of",
    "png_of",
    "static_toggles",
    "svg_of",
    "table",
    "use_style",
    "watch",
    "write_media",
]
