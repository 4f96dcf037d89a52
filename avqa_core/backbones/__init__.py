"""Backbones: AVQA answer networks."""

from avqa_core.backbones.base import Backbone, BackboneConfig, backbones

__all__ = ["Backbone", "BackboneConfig", "backbones"]
