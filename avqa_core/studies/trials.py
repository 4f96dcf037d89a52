"""Trials on a page: several networks, a few steps each, on a small part of a world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avqa_core import contracts
from avqa_core.bandstand.calibration import calibrate
from avqa_core.bandstand.multiple_choice import multiple_choice_row
from avqa_core.bandstand.questions import ask_about
from avqa_core.bandstand.sampling import sample_scene
from avqa_core.bandstand.world import read_config
from avqa_core.contracts import Checked
from avqa_core.data.avqa_annotations import parse_avqa_row
from avqa_core.data.dataset import QADataset
from avqa_core.losses import ObjectiveConfig
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.training.events import StepDone
from avqa_core.training.loop import TrainConfig, Trainer
from avqa_core.types import QAExample


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A network after its few steps.

    Attributes:
        model: in evaluation mode.
        first: its answer loss in the first step, in nats.
        last: that in the last step.
        seconds: that training took.
    """

    model: MissingModalityAVQA
    first: float
    last: float
    seconds: float


def about_clips(examples: Sequence[QAExample], num_clips: int) -> list[QAExample]:
    """Return the questions about the first clips, all of them if there are fewer."""
    clips = set(list(dict.fromkeys(one.video_id for one in examples))[:num_clips])
    return [one for one in examples if one.video_id in clips]


def one_each(examples: Sequence[QAExample]) -> list[QAExample]:
    """Return the first question about each clip."""
    return list({one.video_id: one for one in reversed(examples)}.values())[::-1]


def as_choices(world: Path, examples: Sequence[QAExample]) -> list[QAExample]:
    """Return the questions about the same clips in the format of AVQA, with four candidates.

    Args:
        world: folder of a Bandstand; its scenes are drawn again from its config.
        examples: questions in the format of MUSIC-AVQA; their clips count.

    Raises:
        ConfigError: the folder is no Bandstand.
    """
    config = read_config(world)
    scenes = [sample_scene(config, one) for one in dict.fromkeys(one.video_id for one in examples)]
    asked = ask_about(config, calibrate(config), scenes)
    rows = [
        multiple_choice_row(question, scene, config.seed)
        for scene, questions in zip(scenes, asked, strict=True)
        for question in questions
    ]
    return [parse_avqa_row(row) for row in rows if row is not None]


def briefly(
    model: ModelConfig,
    train: QADataset,
    *,
    num_steps: int,
    batch_size: int,
    seed: int,
    device: str = "cpu",
    learning_rate: float = 1e-2,
) -> Trial:
    """Train a network on complete clips, for long enough to see it move.

    Args:
        model: what to build.
        train: questions to learn from.
        num_steps: of the optimiser.
        batch_size: questions a step.
        seed: of weights and order.
        device: where.
        learning_rate: the highest one; a cosine takes it to zero.
    """
    trainer = Trainer(
        TrainConfig(
            num_steps=num_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule="cosine",
            gradient_clip=1.0,
            seed=seed,
            device=device,
        ),
        model=model,
        objective=ObjectiveConfig(regime="plain"),
        train=train,
    )
    losses = [one.losses for one in trainer.run() if isinstance(one, StepDone)]
    return Trial(
        model=trainer.model.eval(),
        first=losses[0]["complete/answer"],
        last=losses[-1]["complete/answer"],
        seconds=trainer.seconds,
    )


def contracts_of(backbone: str) -> list[Checked]:
    """Try every contract on a backbone with nothing around it."""
    return contracts.check(backbone=backbone)
