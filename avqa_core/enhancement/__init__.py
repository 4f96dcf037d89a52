"""Enhancers: what refines a completed pair."""

from avqa_core.enhancement.base import Enhancer, EnhancerConfig, enhancers

__all__ = ["Enhancer", "EnhancerConfig", "enhancers"]
