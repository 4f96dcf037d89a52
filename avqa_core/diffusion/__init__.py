"""Schedules, denoisers and the diffusion process, Eq. 5-7."""

from avqa_core.diffusion.denoiser import Denoiser, DenoiserConfig, LightConfig, denoisers
from avqa_core.diffusion.process import DiffusionConfig, DiffusionProcess
from avqa_core.diffusion.schedule import Schedule
from avqa_core.diffusion.unet import UNetConfig

__all__ = [
    "Denoiser",
    "DenoiserConfig",
    "DiffusionConfig",
    "DiffusionProcess",
    "LightConfig",
    "Schedule",
    "UNetConfig",
    "denoisers",
]
