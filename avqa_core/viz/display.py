"""An object that shows itself three ways: web page, printed page, terminal."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from avqa_core.errors import ConfigError

LARGEST_OUTPUT = 1_000_000


@dataclass(frozen=True)
class Rich:
    """What a notebook cell returns: the page takes ``html``, LaTeX ``png``, a terminal ``text``."""

    html: str
    text: str
    png: bytes | None = None

    def __post_init__(self) -> None:
        if len(self.html) > LARGEST_OUTPUT:
            raise ConfigError(
                f"expected at most {LARGEST_OUTPUT:,} characters of HTML for one output of a page, "
                f"got {len(self.html):,}: show fewer states, or smaller pictures"
            )

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        bundle: dict[str, object] = {"text/html": self.html, "text/plain": self.text}
        if self.png is not None:
            bundle["image/png"] = self.png
        return bundle

    def __repr__(self) -> str:
        return self.text


def png_of(figure: Figure, dpi: int = 100) -> bytes:
    """Return ``figure`` as an opaque PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
    return buffer.getvalue()


def pixels_of(figure: Figure, dpi: int = 100) -> UInt8[np.ndarray, "height width 3"]:
    """Return ``figure`` as an opaque picture."""
    canvas = FigureCanvasAgg(figure)
    before = figure.dpi
    figure.set_dpi(dpi)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    figure.set_dpi(before)
    return pixels
