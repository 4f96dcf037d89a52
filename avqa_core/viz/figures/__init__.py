"""Every figure type of the book: plain numbers in, one opaque figure out, no files."""

from avqa_core.viz.figures.ablation import ablation_lines
from avqa_core.viz.figures.accuracy import accuracy_by_category, accuracy_by_scenario
from avqa_core.viz.figures.clips import clip_strip
from avqa_core.viz.figures.diffusion import (
    forward_noising,
    pseudo_and_real,
    reverse_path,
    schedule_plot,
)
from avqa_core.viz.figures.lines import seed_lines, seed_panels
from avqa_core.viz.figures.rows import marked_rows
from avqa_core.viz.figures.slots import (
    addressing_heatmap,
    joint_weight_bound,
    slots_by_instrument,
)
from avqa_core.viz.figures.starts import start_curves
from avqa_core.viz.figures.training import moving_average, training_curves

__all__ = [
    "ablation_lines",
    "accuracy_by_category",
    "accuracy_by_scenario",
    "addressing_heatmap",
    "clip_strip",
    "forward_noising",
    "joint_weight_bound",
    "marked_rows",
    "moving_average",
    "pseudo_and_real",
    "reverse_path",
    "schedule_plot",
    "seed_lines",
    "seed_panels",
    "slots_by_instrument",
    "start_curves",
    "training_curves",
]
