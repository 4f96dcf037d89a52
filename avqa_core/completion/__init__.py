"""Completers: what stands in for an absent modality."""

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers

__all__ = ["Completer", "CompleterConfig", "GridDims", "completers"]
