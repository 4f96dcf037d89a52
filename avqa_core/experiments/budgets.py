"""How long each kind of run trains under each profile: the one table to tune.

Runs that are compared with each other take the same number of steps, but for AVST as published
beside AVST with the reader, which learns faster: there the pages give both numbers. The last
weights count: there is no early stopping unless ``evaluate_every`` is set, so no run profits from
more looks at the validation split than another.
"""

from __future__ import annotations

from dataclasses import dataclass

from avqa_core.presets import SizeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one profile spends.

    Attributes:
        size: of every model.
        seeds: how many.
        complete: steps of the backbones with a reader, from which most else starts.
        published: steps of AVST as published, which learns more slowly; Tables 3 to 6 start there.
        answer_layer: of the steps of a published backbone, the first ones, in which only its answer
            layer learns.
        plug_in: steps of a completer and an enhancer on a frozen backbone.
        joint: steps of everything that trains the backbone too; Tables 4 to 6 among them.
        few_labels: steps with few labels.
        unet: steps with the paper's U-Net, which costs many times as much a step.
        coupling: steps of the backbones, and half as many of the methods, in other worlds.
        table1: steps of the backbones of Table 1 but AVST, a third of ``published``, as two of them
            take three and six times as long a step.
        batch_size: questions a step.
        learning_rate: the highest one, for parts that start anew; a cosine takes it to zero.
        complete_batch_size: questions a step of every backbone that learns complete clips.
        complete_rate: their learning rate.
        published_rate: that of ``published`` steps.
        weight_decay: of every run.
        fine_tuning_rate: the highest one where a trained backbone learns on.
        warmup_steps: steps of linear growth.
        checkpoint_every: steps between two resume points.
        evaluate_every: steps between two validations; 0 never looks and takes the last weights.
        device: where.
    """

    size: SizeName
    seeds: int
    complete: int
    published: int
    answer_layer: int
    plug_in: int
    joint: int
    few_labels: int
    unet: int
    coupling: int
    table1: int
    batch_size: int = 32
    learning_rate: float = 1e-3
    complete_batch_size: int = 32
    complete_rate: float = 1e-3
    published_rate: float = 1e-3
    weight_decay: float = 0.0
    fine_tuning_rate: float = 5e-4
    warmup_steps: int = 50
    checkpoint_every: int = 200
    evaluate_every: int = 0
    device: str = "cpu"


BUDGETS: dict[str, Budget] = {
    "smoke": Budget(
        size="tiny",
        seeds=2,
        complete=6,
        published=8,
        answer_layer=2,
        plug_in=3,
        joint=3,
        few_labels=3,
        unet=2,
        coupling=4,
        table1=4,
        batch_size=16,
        warmup_steps=2,
        checkpoint_every=2,
    ),
    "book": Budget(
        size="book",
        seeds=3,
        complete=8000,
        published=24000,
        answer_layer=300,
        plug_in=1500,
        joint=300,
        few_labels=1500,
        unet=100,
        coupling=2000,
        table1=8000,
        batch_size=64,
        learning_rate=2e-3,
        complete_batch_size=128,
        complete_rate=1e-3,
        published_rate=2e-3,
        weight_decay=0.01,
        checkpoint_every=1000,
    ),
    "full": Budget(
        size="full",
        seeds=5,
        complete=6000,
        published=18000,
        answer_layer=300,
        plug_in=3000,
        joint=3000,
        few_labels=3000,
        unet=3000,
        coupling=6000,
        table1=6000,
        device="auto",
    ),
}

# Seconds for 32 questions on one thread of a two-core machine at size ``book``, until a finished
# run says better: one pass through the backbone, and what one sampler with gradients adds per K.
SECONDS_PER_PASS = 0.03
SECONDS_PER_SAMPLER_STEP = 0.035
UNET_TO_LIGHT = 20.0
SECONDS_PER_EVALUATION = 40.0
SECONDS_TO_START = 6.0
