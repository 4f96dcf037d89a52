"""Train a few steps, alone or under ``torchrun``, and leave losses and weights in files.

Run by ``test_distributed.py``: ``python -m tests.training.one_of_two WORLD OUT``.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from avqa_core.completion.rmm import RMMConfig
from avqa_core.data.folder import DataFolder
from avqa_core.diffusion.denoiser import LightConfig
from avqa_core.diffusion.process import DiffusionConfig
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.training.events import EvaluationDone, StepDone
from tests.training.trainers import make_trainer, model_config


def main(world: Path, out: Path) -> None:
    torch.set_num_threads(1)
    enhancer = AVRDiffusionConfig(
        diffusion=DiffusionConfig(num_steps=3), denoiser=LightConfig(hidden_channels=8)
    )
    trainer = make_trainer(
        DataFolder(world),
        out / "run",
        model=replace(model_config(RMMConfig(num_slots=6), dropout=0.0), enhancer=enhancer),
        learning_rate=1e-4,
        num_steps=3,
        evaluate_every=3,
    )
    events = list(trainer.run())
    rank = os.environ.get("RANK", "0")
    losses = [event.losses for event in events if isinstance(event, StepDone)]
    scores = [event.accuracies for event in events if isinstance(event, EvaluationDone)]
    gradients = {n: p.grad for n, p in trainer.trained.items() if p.grad is not None}
    save_file(gradients, out / f"gradients-{rank}.safetensors")
    save_file(trainer.model.state_dict(), out / f"weights-{rank}.safetensors")
    (out / f"events-{rank}.json").write_text(json.dumps([losses, scores]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
