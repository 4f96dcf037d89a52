"""What a folder, a file or a machine has, in lines for a person."""

from avqa_core.inspection.describing import describe
from avqa_core.inspection.machine import environment

__all__ = ["describe", "environment"]
