"""Backbones: AVQA answer networks."""

from avqa_core.backbones import avst
from avqa_core.backbones.avst import AVST, AVSTConfig
from avqa_core.backbones.base import Backbone, BackboneConfig, backbones

__all__ = ["AVST", "AVSTConfig", "Backbone", "BackboneConfig", "avst", "backbones"]
