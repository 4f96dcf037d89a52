"""The trainer: a generator of events, the same on one CPU, one GPU or many machines.

Nothing random survives from step to step: order, negatives, noise and dropout are functions of
(seed, epoch or step, question), so a run that was killed goes on from its last checkpoint and ends
with the very weights it would have had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from avqa_core import rng
from avqa_core.config import require, require_valid
from avqa_core.data.availability import Scenario
from avqa_core.data.dataset import QADataset
from avqa_core.errors import ConfigError
from avqa_core.evaluation import evaluate
from avqa_core.losses import LossModule, ObjectiveConfig
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.running_statistics import RunningStatistics
from avqa_core.training import checkpoint, starting
from avqa_core.training.checkpoint import Checkpoint, State
from avqa_core.training.distributed import ALONE, Processes, joined, resolve_device
from avqa_core.training.events import (
    CheckpointWritten,
    EvaluationDone,
    Event,
    Finished,
    StepDone,
    rewind_log,
)
from avqa_core.training.gradients import Gradients, plan_part
from avqa_core.training.runs import RunFolder, provenance
from avqa_core.training.settings import RunConfig, TrainConfig

__all__ = ["RunConfig", "TrainConfig", "Trainer"]

Resume = Literal["auto", "require", "refuse"]


class Trainer:
    """Train one model; ``run()`` does it, ``model`` is the result.

    Args:
        config: settings of the trainer.
        model: what to build.
        objective: what to minimise.
        train: training questions with their features.
        validation: validation questions, for selection; None trains without looking.
        run_dir: where the run lives and resumes, seen by all machines; None writes nothing.
        initial: a trained model whose parts to start from; ``plug_in`` needs one.
        initial_parts: names of the parts taken from ``initial``.
        data_hash: ``runs.data_hash`` of the folder the data came from.
        resume: go on from a checkpoint if there is one (``auto``), or only then (``require``),
            or only if there is none (``refuse``).

    Raises:
        ConfigError: the settings, the parts and the data do not fit together.
        ModalityError: a scenario of the selection drops more segments than a clip has.
    """

    def __init__(
        self,
        config: TrainConfig,
        *,
        model: ModelConfig,
        objective: ObjectiveConfig,
        train: QADataset,
        validation: QADataset | None = None,
        run_dir: Path | None = None,
        initial: MissingModalityAVQA | None = None,
        initial_parts: Sequence[str] = ("backbone",),
        data_hash: str | None = None,
        resume: Resume = "auto",
    ) -> None:
        self.config = RunConfig(model=model, dims=train.dims, objective=objective, training=config)
        require_valid(self.config)
        for name in config.selection if validation is not None else ():
            # refuses now what clips are too short for, not at the first validation
            Scenario.parse(name).availability([0], train.dims.num_segments, config.seed)
        self.train, self.validation, self.data_hash = train, validation, data_hash
        self.folder = None if run_dir is None else RunFolder(Path(run_dir))
        self._resume = resume
        self.device = resolve_device(config.device)
        self.processes: Processes = ALONE
        with rng.initialising(rng.derive(config.seed, "parameters")):
            self.model = MissingModalityAVQA(model, train.dims)
        starting.take_parts(self.model, initial, initial_parts, objective.regime)
        self._data = starting.data_identity(data_hash, train, self.model)
        self.model.to(self.device)
        self.loss_module = LossModule(self.model, objective)
        self.trained = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        require(
            bool(self.trained),
            f"objective: expected something to train, got none in regime {objective.regime!r} with "
            "this completer and enhancer: choose parts that learn, or another regime",
        )
        require(
            config.answer_layer_steps == 0
            or (objective.regime != "plug_in" and objective.use_answers),
            "training.answer_layer_steps: expected 0 where the backbone is frozen (plug_in) or no "
            f"answer is used, got {config.answer_layer_steps}: leave it out",
        )
        answer_layer = set(self.model.backbone.answer_layer.parameters())
        self._learn_later = [p for p in self.trained.values() if p not in answer_layer]
        self.optimizer = torch.optim.AdamW(
            self.trained.values(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.steps_per_epoch = len(plan_part(config, len(train), 0, 1))
        self.num_steps = config.num_steps or (config.num_epochs or 0) * self.steps_per_epoch
        require(
            config.answer_layer_steps < self.num_steps,
            f"training.answer_layer_steps: expected fewer than the {self.num_steps} steps of the "
            f"run, got {config.answer_layer_steps}: nothing else would ever learn",
        )
        self.step, self.seconds = 0, 0.0
        self.best_score: float | None = None
        self.best_step: int | None = None
        self._provenance: dict[str, Any] = {}

    def run(self) -> Iterator[Event]:
        """Train from where the run stands to its last step, yielding what happens.

        Raises:
            CheckpointError: the run folder is in use, damaged, or belongs to another run.
            ConfigError: the loss is not finite any more.
        """
        with ExitStack() as stack:
            self._prepare(stack)
            for parts in self._gradients.parts(self.step):
                if self.step >= self.num_steps:
                    break
                started = time.perf_counter()
                if parts[0].opens_epoch:
                    self._fit()
                rate = self._set_learning_rate()
                self.optimizer.zero_grad(set_to_none=True)
                losses = self._gradients.backward(self.step, parts)
                self._hold_back()
                self._descend(losses)
                self.step += 1
                elapsed = time.perf_counter() - started
                self.seconds += elapsed
                yield self._record(StepDone(self.step, losses, rate, elapsed))
                yield from self._after_step()
            yield self._record(Finished(self.step, self.best_score, self.seconds))

    def _prepare(self, stack: ExitStack) -> None:
        """Join the other processes, open the folder, resume, and build what trains."""
        self.processes = stack.enter_context(joined(self.device))
        settings = self.config.training
        self._provenance = provenance(settings.seed, self.device, self.data_hash)
        # With the recipe of its features a run can be asked about a film, without its data.
        self._provenance["features"] = self.train.store.recipe
        if self.folder is not None:
            self._open(self.folder, stack)
        for module in self.model.modules():
            if isinstance(module, RunningStatistics):
                stack.callback(setattr, module, "reduce", module.reduce)
                module.reduce = self.processes.sum
        if settings.compile:
            self.loss_module.compile()
        self.loss_module.train()
        self._gradients = Gradients(
            self.loss_module,
            self.train,
            settings,
            self.processes,
            self.device,
            negatives=self.model.backbone.needs_negatives and self.config.objective.use_answers,
        )

    def _open(self, folder: RunFolder, stack: ExitStack) -> None:
        """Lock the folder and go on from its last checkpoint, if there is one."""
        with self.processes.following("the first process could not open the run folder"):
            if self.processes.is_main:
                stack.enter_context(folder.locked())
                folder.identify(self.config, self._data, self._provenance)
                starting.check_resume(self._resume, folder.has_checkpoint, folder.path)
        found = folder.resume_point()
        if found is not None:
            checkpoint.restore(self.model, found.weights, folder.path)
            starting.restore_optimizer(self.optimizer, self.trained, found.optimizer)
            self.step, self.seconds = found.state.step, found.state.seconds
            self.best_score, self.best_step = found.state.best_score, found.state.best_step
        starting.check_same_step(self.processes, self.step, folder.path)
        if self.processes.is_main:
            rewind_log(folder.log, self.step)

    def _hold_back(self) -> None:
        """Drop the gradients of what does not learn yet; without one a parameter stays still."""
        if self.step < self.config.training.answer_layer_steps:
            for parameter in self._learn_later:
                parameter.grad = None

    def _descend(self, losses: Mapping[str, float]) -> None:
        """Clip the gradient and take the step, unless a loss or the gradient is not finite."""
        gradients = [p.grad for p in self.trained.values() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        known = {**losses, "gradient": float(norm)}
        broken = [name for name, value in known.items() if not math.isfinite(value)]
        if broken:
            advice = (
                "lower training.learning_rate or set training.gradient_clip; checkpoints written "
                "so far are whole"
            )
            if self.step == 0:  # nothing has been learned yet, so no rate is to blame
                advice = "look at the features with 'avqa inspect', and at the losses of a new part"
            raise ConfigError(
                f"training: expected finite losses and gradients, got {known[broken[0]]} for "
                f"{broken[0]!r} at step {self.step + 1}: {advice}"
            )
        clip = self.config.training.gradient_clip
        if clip is not None:
            nn.utils.clip_grads_with_norm_(list(self.trained.values()), clip, norm)
        self.optimizer.step()

    def _after_step(self) -> Iterator[Event]:
        """Validate and write a checkpoint where they are due."""
        is_end, is_best = self.step == self.num_steps, False
        if is_end or self._is_due("evaluate_every"):
            self._fit()
        if self.validation is not None and (is_end or self._is_due("evaluate_every")):
            done = self._evaluate(self.validation)
            is_best = done.is_best
            yield self._record(done)
        if self.folder is not None and (is_end or is_best or self._is_due("checkpoint_every")):
            yield self._record(self._write(self.folder, is_best or self.validation is None))

    def _fit(self) -> None:
        """Let a completer that keeps training clips take them in as they are encoded now."""
        generator = rng.named(self.config.training.seed, "fit", self.step)
        clips = starting.encoded_clips(self.model, self.train, self.device)
        self.model.completer.fit(clips, generator=generator)
        self.loss_module.train()

    def _evaluate(self, validation: QADataset) -> EvaluationDone:
        settings = self.config.training
        report = evaluate(
            self.model,
            validation,
            settings.selection,
            seed=settings.seed,
            device=self.device,
            split="val",
            provenance=self._provenance,
            processes=self.processes,
        )
        accuracies = {name: report.accuracy(name) for name in report.scenarios}
        score = math.fsum(accuracies.values()) / len(accuracies)
        is_best = self.best_score is None or score > self.best_score
        if is_best:
            self.best_score, self.best_step = score, self.step
        if self.folder is not None and self.processes.is_main:
            report.save(self.folder.validation)
        return EvaluationDone(self.step, accuracies, score, is_best)

    def _write(self, folder: RunFolder, is_best: bool) -> CheckpointWritten:
        name = f"step-{self.step:08d}"
        if self.processes.is_main:
            written = checkpoint.write(
                Checkpoint(
                    weights=self.model.state_dict(),
                    optimizer=starting.optimizer_tensors(self.optimizer, self.trained),
                    config=self.config,
                    vocabulary=self.train.vocabulary,
                    state=self._state(),
                ),
                folder.checkpoints / name,
            )
            # A kill between the two leaves the older resume point, which leads here once more.
            if is_best:
                checkpoint.point(written, "best")
            checkpoint.point(written, "last")
            checkpoint.prune(folder.checkpoints)
            name = written.name
        self.processes.wait()
        return CheckpointWritten(self.step, name, is_best)

    def _state(self) -> State:
        return State(
            step=self.step,
            epoch=self.step // self.steps_per_epoch,
            best_score=self.best_score,
            best_step=self.best_step,
            seconds=self.seconds,
            provenance=self._provenance,
        )

    def _set_learning_rate(self) -> float:
        rate = self.config.training.learning_rate_at(
            self.step, self.num_steps, self.steps_per_epoch
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _is_due(self, setting: str) -> bool:
        interval = getattr(self.config.training, setting)
        return interval > 0 and self.step % interval == 0

    def _record(self, event: Event) -> Event:
        if self.folder is not None and self.processes.is_main:
            self.folder.record(event)
        return event
