"""Pictures at the size of an encoder; rounded to whole levels, as the recipes do.

The published recipes resize with Pillow, whose filters grow when a picture shrinks ("antialias").
Torch has the same filters, so that neither Pillow nor torchvision is needed.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import UInt8
from torch.nn import functional

Pictures = UInt8[np.ndarray, "n old_height old_width 3"]


def stretched(
    pictures: Pictures, height: int, width: int
) -> UInt8[np.ndarray, "n {height} {width} 3"]:
    """Resize bilinearly, without crop: what does not have the right proportions is distorted.

    MUSIC-AVQA's recipe for 224 x 224. Pictures of the right size come back as they are.
    """
    return _resized(pictures, height, width, "bilinear")


def centre_square(pictures: Pictures, side: int) -> UInt8[np.ndarray, "n {side} {side} 3"]:
    """Resize bicubically until the shorter side fits, then cut out the middle: CLIP's recipe."""
    _, height, width, _ = pictures.shape
    # The longer side is rounded down and the cut is rounded to the nearest, as CLIP does.
    tall, wide = (side * length // min(height, width) for length in (height, width))
    resized = _resized(pictures, tall, wide, "bicubic")
    top, left = round((tall - side) / 2), round((wide - side) / 2)
    return resized[:, top : top + side, left : left + side]


def _resized(
    pictures: Pictures, height: int, width: int, mode: str
) -> UInt8[np.ndarray, "n {height} {width} 3"]:
    if pictures.shape[1:3] == (height, width):
        return pictures
    planes = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float()
    resized = functional.interpolate(
        planes, size=(height, width), mode=mode, align_corners=False, antialias=True
    )
    return resized.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
