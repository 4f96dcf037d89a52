"""Model x questions x scenarios -> report, the same for one process and for many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from avqa_core import rng
from avqa_core.config import require
from avqa_core.data.annotations import in_table_order
from avqa_core.data.availability import Scenario
from avqa_core.data.dataset import QADataset
from avqa_core.errors import ConfigError
from avqa_core.metrics import tally_by_category
from avqa_core.model import MissingModalityAVQA
from avqa_core.report import Answered, Report, ReportRow
from avqa_core.training.distributed import ALONE, Processes

ByCategory = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said to every question of a data set, in its order."""

    predicted: Int[Tensor, " Q"]
    confidence: Float[Tensor, " Q"]


def evaluate(
    model: MissingModalityAVQA,
    dataset: QADataset,
    scenarios: Sequence[Scenario | str],
    *,
    seed: int,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
    split: str = "test",
    floors: ByCategory | None = None,
    ceilings: Mapping[str, ByCategory] | None = None,
    keep_answers: bool = False,
    provenance: Mapping[str, Any] | None = None,
    temperatures: Mapping[str, float] | None = None,
    processes: Processes = ALONE,
    on_rows: Callable[[int], None] | None = None,
) -> Report:
    """Answer every question of ``dataset`` in every scenario and count.

    Args:
        model: the model; it is put on ``device`` and back into the mode it was in.
        dataset: questions whose answers are known, with features.
        scenarios: what is missing, e.g. ``"audio_missing"`` or ``mixed(0.3, 0.2)``.
        seed: decides who misses what in a mixed scenario, and the noise of a sampler.
        batch_size: questions at a time in one process; the report does not depend on it.
        device: where to compute.
        split: name of the split, for the report.
        floors: accuracy of the question alone, by ``str(category)``.
        ceilings: by scenario, accuracy of a perfect observer, by ``str(category)``.
        keep_answers: put every single answer into the report too.
        provenance: what made the model, for the report.
        temperatures: by scenario, what logits are divided by, 1 if not named; they change
            confidences, never an answer.
        processes: those that share the work; each returns the whole report.
        on_rows: called with the number of questions just answered, for a progress bar.

    Raises:
        ConfigError: the model was built for data of another shape, no answer is known, or
            ``batch_size`` is below one.
    """
    model = model.to(device)
    parsed = [Scenario.parse(one) if isinstance(one, str) else one for one in scenarios]
    rows: list[ReportRow] = []
    answered: list[Answered] = []
    for scenario in parsed:
        said = predict(
            model,
            dataset,
            scenario,
            seed=seed,
            batch_size=batch_size,
            device=device,
            temperature=(temperatures or {}).get(str(scenario), 1.0),
            processes=processes,
            on_rows=on_rows,
        )
        one = _in_words(str(scenario), dataset, said)
        rows += _rows(one, dataset, floors or {}, (ceilings or {}).get(str(scenario), {}))
        answered += [one] if keep_answers else []
    return Report(
        split=split,
        seed=seed,
        rows=tuple(rows),
        answered=tuple(answered),
        provenance=dict(provenance or {}),
    )


@torch.inference_mode()
def predict(
    model: MissingModalityAVQA,
    dataset: QADataset,
    scenario: Scenario,
    *,
    seed: int,
    batch_size: int,
    device: torch.device | str,
    temperature: float = 1.0,
    processes: Processes = ALONE,
    on_rows: Callable[[int], None] | None = None,
) -> Said:
    """Return what ``model`` says to every question, each process answering its share."""
    # Zeros where another process answers, so that a sum over processes puts the shares together.
    predicted = torch.zeros(len(dataset), dtype=torch.long, device=device)
    confidence = torch.zeros(len(dataset), device=device)
    share = processes.share(len(dataset))
    for rows, logits in logits_by_batch(
        model, dataset, scenario, share, seed=seed, batch_size=batch_size, device=device
    ):
        top = (logits / temperature).softmax(dim=-1).max(dim=-1)
        where = torch.tensor(rows, device=device)
        predicted[where], confidence[where] = top.indices, top.values
        if on_rows is not None:
            on_rows(len(rows))
    return Said(processes.sum(predicted).cpu(), processes.sum(confidence).cpu())


def logits_by_batch(
    model: MissingModalityAVQA,
    dataset: QADataset,
    scenario: Scenario,
    share: Sequence[int],
    *,
    seed: int,
    batch_size: int,
    device: torch.device | str,
) -> Iterator[tuple[list[int], Float[Tensor, "B A"]]]:
    """Yield the questions of each batch of ``share`` by their place, with their logits.

    To be read with ``torch.inference_mode``; dropout is off while it runs.

    Raises:
        ConfigError: the model was built for data of another shape, or a batch has no question.
    """
    # Below zero no batch would be asked, and the first answer count as given to all.
    require(
        batch_size >= 1,
        f"evaluation: expected batch_size >= 1, got {batch_size}: choose how many questions are "
        "answered at a time",
    )
    _require_same_dims(model, dataset)
    with _evaluating(model):
        for start in range(0, len(share), batch_size):
            rows = list(share[start : start + batch_size])
            batch = dataset.batch(rows, scenario=scenario, seed=seed).to(device)
            # A fresh generator for each batch: the noise of a row is a function of its question,
            # so the batch it happens to be in must not matter.
            generator = rng.named(seed, "evaluation", str(scenario))
            yield rows, model(batch, generator=generator).answers.logits.float()


@contextmanager
def _evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Switch dropout off for the block; afterwards every part is in the mode it was in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, was_training in modes.items():
            module.training = was_training


def _in_words(scenario: str, dataset: QADataset, said: Said) -> Answered:
    """Return the answers to questions whose truth is known, in words."""
    known = [i for i, example in enumerate(dataset.examples) if example.answer is not None]
    if not known:
        raise ConfigError(
            f"evaluation: expected questions with answers, got {len(dataset)} without: "
            "use a split that tells them"
        )
    choices = dataset.vocabulary.choices
    examples = [dataset.examples[i] for i in known]
    predicted = zip(examples, said.predicted[known].tolist(), strict=True)
    return Answered(
        scenario=scenario,
        question_ids=tuple(example.question_id for example in examples),
        video_ids=tuple(example.video_id for example in examples),
        predicted=tuple(choices(example)[place] for example, place in predicted),
        truth=tuple(str(example.answer) for example in examples),
        confidence=tuple(said.confidence[known].tolist()),
    )


def _rows(
    answered: Answered, dataset: QADataset, floors: ByCategory, ceilings: ByCategory
) -> list[ReportRow]:
    """Count by category, in the order in which every table lists them."""
    categories = [example.category for example in dataset.examples if example.answer is not None]
    tallies = tally_by_category(categories, answered.is_correct)
    return [
        ReportRow(
            scenario=answered.scenario,
            group=category.group,
            kind=category.kind,
            correct=tallies[category].correct,
            total=tallies[category].total,
            floor=floors.get(str(category)),
            ceiling=ceilings.get(str(category)),
        )
        for category in in_table_order(tallies)
    ]


def _require_same_dims(model: MissingModalityAVQA, dataset: QADataset) -> None:
    for one in fields(model.dims):
        expected, came = getattr(model.dims, one.name), getattr(dataset.dims, one.name)
        if expected != came:
            raise ConfigError(
                f"evaluation: expected data with {one.name} = {expected} as the model was trained "
                f"on, got {came}: use the world and the vocabulary of its run"
            )
