"""How an experiment of a profile is trained: its size, its steps, its rates, what it misses."""

from __future__ import annotations

from typing import Any

from avqa_core.completion import CompleterConfig
from avqa_core.enhancement import EnhancerConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.experiments.budgets import Budget
from avqa_core.experiments.experiment import DEFAULT_WORLD, SCENARIOS, Experiment
from avqa_core.losses import ObjectiveConfig
from avqa_core.model import ModelConfig
from avqa_core.presets import SIZES, resize
from avqa_core.training.settings import TrainConfig

# Share of questions that lose both halves while a method learns, the same for every method of these
# groups; the tables of the paper have none, as Eq. 8 has none.
BOTH_MISSING_RATE = 0.1
TRAINED_BLIND = ("plug_in", "joint", "few_labels", "coupling", "grid", "field")


class Recipe:
    """Experiments of one seed with the settings of one budget."""

    def __init__(self, budget: Budget, seed: int) -> None:
        self.budget, self.seed = budget, seed
        self.sizes = SIZES[budget.size]

    def run(
        self,
        name: str,
        about: str,
        model: ModelConfig,
        regime: Any,
        steps: int,
        *,
        parent: str | None = None,
        answers: bool = True,
        recall: float = 1.0,
        labelled_fraction: float = 1.0,
        missing_rate: float = 0.0,
        answer_layer_first: bool = False,
        world: str = DEFAULT_WORLD,
        scenarios: tuple[str, ...] = SCENARIOS,
    ) -> Experiment:
        """Return one run with the settings of the budget; without steps nothing is trained."""
        group = name.split("/")[0]
        blind = group in TRAINED_BLIND and regime != "plain"
        objective = ObjectiveConfig(
            regime=regime,
            use_answers=answers,
            recall_weight=recall,
            both_missing_rate=BOTH_MISSING_RATE if blind else 0.0,
        )
        return Experiment(
            name=name,
            group=group,
            about=about,
            model=model,
            objective=objective,
            training=self.training(steps, regime, answer_layer_first) if steps else None,
            seed=self.seed,
            parent=parent,
            labelled_fraction=labelled_fraction,
            missing_rate=missing_rate,
            world=world,
            scenarios=scenarios,
            device=self.budget.device,
        )

    def training(self, steps: int, regime: str, answer_layer_first: bool = False) -> TrainConfig:
        """Return the settings of the trainer for ``steps`` in ``regime``."""
        budget = self.budget
        is_first = regime == "plain"
        learns_on = regime in ("joint", "modality_dropout")
        rate = budget.fine_tuning_rate if learns_on else budget.learning_rate
        return TrainConfig(
            num_steps=steps,
            batch_size=budget.complete_batch_size if is_first else budget.batch_size,
            learning_rate=budget.complete_rate if is_first else rate,
            weight_decay=budget.weight_decay,
            schedule="cosine",
            warmup_steps=min(budget.warmup_steps, steps // 4),
            answer_layer_steps=budget.answer_layer if answer_layer_first else 0,
            gradient_clip=1.0,
            seed=self.seed,
            device=budget.device,
            evaluate_every=budget.evaluate_every,
            checkpoint_every=budget.checkpoint_every,
            selection=("complete",) if is_first else SCENARIOS[:3],
        )

    def model(
        self, backbone: Any, completer: CompleterConfig, enhancer: EnhancerConfig | None = None
    ) -> ModelConfig:
        """Return a model of parts, without an enhancer if there is none."""
        return ModelConfig(
            backbone=backbone, completer=completer, enhancer=enhancer or IdentityConfig()
        )

    def sized(self, part: Any) -> Any:
        """Return a part at the size of the budget."""
        return resize(part, self.sizes)
