"""The live toggles without any widget: a question, two switches, an answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from avqa_core import rng
from avqa_core.config import require
from avqa_core.enhancement.avr_diffusion import AVRDiffusion
from avqa_core.errors import ConfigError
from avqa_core.model import MissingModalityAVQA
from avqa_core.training.runs import load_run
from avqa_core.types import FeatureBatch, Features, Prediction, QAExample
from avqa_core.viz.session_world import Floor, SessionWorld
from avqa_core.viz.toggle_data import top_answers

# Which addressing fills in what: see ``avqa_core.types.Addressing``.
RECALLING = {
    "audio_missing": "visual_question",
    "visual_missing": "audio_question",
    "both_missing": "question",
}
ABSENT = {
    "complete": (),
    "audio_missing": ("audio",),
    "visual_missing": ("visual",),
    "both_missing": ("audio", "visual"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What was put in the place of an absent modality, beside what really was there.

    The visual feature is the mean over its grid.
    """

    modality: str
    real: Float[np.ndarray, "T C"]
    pseudo: Float[np.ndarray, "T C"]
    enhanced: Float[np.ndarray, "T C"]

    def similarity(self, name: str = "pseudo") -> Float[np.ndarray, " T"]:
        """Return the cosine between the named feature and the real one, segment by segment."""
        made = getattr(self, name)
        norms = np.linalg.norm(made, axis=1) * np.linalg.norm(self.real, axis=1)
        return (made * self.real).sum(axis=1) / np.maximum(norms, 1e-12)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleAnswer:
    """Everything that a panel shows after one toggle.

    Attributes:
        example: the question; its ``answer`` is the truth, None where unknown.
        scenario: ``complete``, ``audio_missing``, ``visual_missing`` or ``both_missing``.
        completer: name of the model that answered.
        num_steps: diffusion steps taken; None where the enhancer has none.
        answers: the most probable answers with their probabilities, best first.
        floor: what the question alone gives, None where that was not measured.
        addressing: weights over the slots that recalled the absent half, if any did.
        recalled: for each absent modality, pseudo and enhanced beside the real feature.
        milliseconds: from the toggle to this answer.
    """

    example: QAExample
    scenario: str
    completer: str
    num_steps: int | None
    answers: tuple[tuple[str, float], ...]
    floor: Floor | None
    addressing: Float[np.ndarray, "T L"] | None
    recalled: tuple[Recalled, ...]
    milliseconds: float

    @property
    def is_right(self) -> bool | None:
        """Whether the first answer is the truth; None where nobody knows the truth."""
        return None if self.example.answer is None else self.answers[0][0] == self.example.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """One state of the reverse process: its step k and its distance to the real feature."""

    step: int
    distances: Mapping[str, float]


class ToggleSession:
    """Answers one question at a time with any of several models.

    Args:
        models: name of the completer (as a reader knows it) -> trained model.
        world: questions and features.
        seed: of the sampler's noise; the same toggle gives the same answer.
    """

    def __init__(
        self, models: Mapping[str, MissingModalityAVQA], world: SessionWorld, *, seed: int = 0
    ) -> None:
        require(bool(models), "session: expected at least one model, got none: train or load one")
        self.models = {name: model.eval() for name, model in models.items()}
        self.world, self.seed = world, seed

    @classmethod
    def from_runs(
        cls, runs: Mapping[str, Path], folder: Path, *, split: str = "test", seed: int = 0
    ) -> ToggleSession:
        """Load the best checkpoint of each run and open a data folder for them.

        Args:
            runs: name of the completer, as a reader is to see it -> run folder.
            folder: data folder, e.g. a Bandstand world.
            split: whose questions are offered.
            seed: of the sampler's noise.

        Raises:
            AvqaError: a run or the folder cannot be read, or the runs speak different vocabularies.
        """
        loaded = {name: load_run(run) for name, run in runs.items()}
        vocabularies = {vocabulary for _, vocabulary, _ in loaded.values()}
        require(
            len(vocabularies) == 1,
            f"session: expected runs with one vocabulary, got {len(vocabularies)} in "
            f"{', '.join(runs)}: train them on the same data",
        )
        models = {name: model for name, (model, _, _) in loaded.items()}
        world = SessionWorld.open(folder, split, vocabularies.pop())
        return cls(models, world, seed=seed)

    def largest_num_steps(self, completer: str) -> int | None:
        """Return how many diffusion steps a model can take, None if its enhancer takes none."""
        sampler = sampler_of(self._model(completer))
        return None if sampler is None else sampler.process.config.first_step

    def trained_num_steps(self, completer: str) -> int | None:
        """Return how many diffusion steps a model takes unless told otherwise."""
        with sampling_steps(self._model(completer), None) as taken:
            return taken

    def answer(
        self,
        example: QAExample,
        *,
        audio_present: bool = True,
        visual_present: bool = True,
        completer: str | None = None,
        num_steps: int | None = None,
    ) -> ToggleAnswer:
        """Answer a question with the halves of the clip that are switched on.

        Args:
            example: of ``world.questions_of``, or freely chosen with ``world.ask``.
            audio_present: whether the model gets the sound.
            visual_present: whether the model gets the picture.
            completer: which model; the first if None.
            num_steps: diffusion steps; as trained if None.

        Raises:
            AvqaError: the clip, the question, the completer or the steps do not fit.
        """
        began = time.perf_counter()
        completer = completer or next(iter(self.models))
        model = self._model(completer)
        batch = self.world.batch(example, audio_present, visual_present)
        with torch.inference_mode(), sampling_steps(model, num_steps) as taken:
            prediction = model(batch, generator=self._generator(example))
            real = self._real_features(model, example)
        probabilities = prediction.answers.logits[0].float().softmax(dim=-1).tolist()
        scenario = scenario_of(batch)
        return ToggleAnswer(
            example=example,
            scenario=scenario,
            completer=completer,
            num_steps=taken,
            answers=top_answers(
                probabilities, self.world.vocabulary.choices(example), example.answer
            ),
            floor=self.world.floor.of(example) if self.world.floor else None,
            addressing=_addressing(prediction, scenario),
            recalled=tuple(_recalled(prediction, real, name) for name in ABSENT[scenario]),
            milliseconds=1000 * (time.perf_counter() - began),
        )

    def path(self, answer: ToggleAnswer) -> list[PathPoint]:
        """Return the reverse process behind ``answer``, empty where there was none.

        Costs as much as the answer itself, so a panel asks for it only while it is shown.
        """
        model = self._model(answer.completer)
        sampler = sampler_of(model)
        if sampler is None or answer.scenario == "complete":
            return []
        present = [name not in ABSENT[answer.scenario] for name in ("audio", "visual")]
        batch = self.world.batch(answer.example, *present)
        generator = self._generator(answer.example)
        with torch.inference_mode(), sampling_steps(model, answer.num_steps):
            pair = model.completer.complete(
                model.encode(batch), batch.availability, generator=generator
            ).features
            real = self._real_features(model, answer.example)
            trajectory = sampler.trajectory(pair, generator=generator)
            return [
                PathPoint(
                    step=state.step,
                    distances={
                        name: _distance(getattr(state, name), getattr(real, name))
                        for name in ABSENT[answer.scenario]
                    },
                )
                for state in trajectory
            ]

    def _generator(self, example: QAExample) -> torch.Generator:
        return rng.named(self.seed, "toggle session", example.question_id)

    def _real_features(self, model: MissingModalityAVQA, example: QAExample) -> Features:
        """Return what the backbone would have seen with everything present."""
        return model.encode(self.world.batch(example, True, True))

    def _model(self, completer: str) -> MissingModalityAVQA:
        if completer not in self.models:
            raise ConfigError(
                f"expected a completer out of {', '.join(self.models)}, got {completer!r}: "
                "choose one of them or load its model into the session"
            )
        return self.models[completer]


def scenario_of(batch: FeatureBatch) -> str:
    """Return the name of what is present in a batch of one clip."""
    audio, visual = (bool(batch.availability[..., index].any()) for index in (0, 1))
    if audio:
        return "complete" if visual else "visual_missing"
    return "audio_missing" if visual else "both_missing"


@contextmanager
def sampling_steps(model: MissingModalityAVQA, num_steps: int | None) -> Iterator[int | None]:
    """Let the model's sampler take ``num_steps`` steps inside the block; yield how many it takes.

    Raises:
        ConfigError: more steps than the schedule has, or none.
    """
    sampler = sampler_of(model)
    if sampler is None:
        yield None
        return
    trained = sampler.process.config
    if num_steps is not None:
        sampler.process.config = replace(trained, num_sampling_steps=num_steps)
    try:
        yield len(sampler.process.config.path) - 1
    finally:
        sampler.process.config = trained


def sampler_of(model: MissingModalityAVQA) -> AVRDiffusion | None:
    """Return the model's enhancer if it is one that takes diffusion steps."""
    return model.enhancer if isinstance(model.enhancer, AVRDiffusion) else None


def _addressing(prediction: Prediction, scenario: str) -> np.ndarray | None:
    addressing = prediction.completion.addressing
    if addressing is None or scenario not in RECALLING:
        return None
    return getattr(addressing, RECALLING[scenario])[0].float().numpy()


def _recalled(prediction: Prediction, real: Features, modality: str) -> Recalled:
    return Recalled(
        modality=modality,
        real=_by_segment(getattr(real, modality)),
        pseudo=_by_segment(getattr(prediction.completion, f"pseudo_{modality}")),
        enhanced=_by_segment(getattr(prediction.enhancement.features, modality)),
    )


def _by_segment(feature: torch.Tensor) -> Float[np.ndarray, "T C"]:
    """Return [1, T, C] or [1, T, C, H, W] as [T, C], the mean over the grid."""
    one = feature[0].float()
    return (one.flatten(2).mean(dim=2) if one.dim() == 4 else one).numpy()


def _distance(made: torch.Tensor, real: torch.Tensor) -> float:
    """Return the size of the difference relative to that of the real feature."""
    return float((made - real).norm() / real.norm().clamp(min=1e-12))
