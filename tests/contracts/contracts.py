"""What every completer x enhancer x backbone promises, as functions that raise when it is broken.

They live apart from the tests, so that a planted fault can be shown to break them and so that the
chapter "Add your own" can run them on a reader's class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from avqa_core import rng
from avqa_core.losses import ObjectiveConfig, compute_losses
from avqa_core.model import MissingModalityAVQA
from avqa_core.types import FeatureBatch, Modality
from tests.factories import make_batch

Contract = Callable[[MissingModalityAVQA], None]
PATTERNS = ("complete", "audio", "visual", "both", "segments")


def some_absent(batch: FeatureBatch, pattern: str) -> FeatureBatch:
    """Return ``batch`` with something taken away, by a named pattern."""
    availability = batch.availability.clone()
    if pattern in ("audio", "both"):
        availability[..., Modality.AUDIO] = False
    if pattern in ("visual", "both"):
        availability[..., Modality.VISUAL] = False
    if pattern == "segments":
        availability[0, 0, Modality.AUDIO] = False
        availability[1, 1:, Modality.VISUAL] = False
        availability[2, 2] = False
    return dataclasses.replace(batch, availability=availability)


def poisoned(batch: FeatureBatch, poison: float) -> FeatureBatch:
    """Return ``batch`` with ``poison`` written wherever something is absent."""
    audio_absent = ~batch.availability[..., Modality.AUDIO, None]
    visual_absent = ~batch.availability[..., Modality.VISUAL, None, None, None]
    return dataclasses.replace(
        batch,
        audio=batch.audio.masked_fill(audio_absent, poison),
        visual=batch.visual.masked_fill(visual_absent, poison),
    )


def answer(model: MissingModalityAVQA, batch: FeatureBatch, seed: int = 0) -> torch.Tensor:
    """Return the logits of ``batch`` with the sampler seeded."""
    with torch.no_grad():
        return model(batch, generator=rng.named(seed, "contract")).answers.logits


def absent_means_absent(model: MissingModalityAVQA) -> None:
    """NaN in absent places changes nothing; nor does any finite value."""
    for pattern in PATTERNS[1:]:
        batch = some_absent(make_batch(), pattern)
        clean = answer(model, poisoned(batch, 0.0))
        assert clean.isfinite().all(), pattern
        for poison in (float("nan"), float("inf"), 1e4):
            assert torch.equal(clean, answer(model, poisoned(batch, poison))), (pattern, poison)


def losses_ignore_absent(model: MissingModalityAVQA) -> None:
    """Training on clips that miss something never reads what they miss, not even as a target."""
    for pattern in PATTERNS[1:]:
        batch = some_absent(make_batch(), pattern)
        totals = []
        for poison in (0.0, float("nan")):
            terms = compute_losses(
                model,
                poisoned(batch, poison),
                ObjectiveConfig(both_missing_rate=0.5),
                generator=rng.named(0, "loss"),
            )
            totals.append(terms.total())
        assert totals[0].isfinite(), pattern
        assert torch.equal(totals[0], totals[1]), pattern


def rows_do_not_mix(model: MissingModalityAVQA) -> None:
    """Permuting the batch permutes the answers, and a row alone is the row in company."""
    for pattern in PATTERNS:
        batch = some_absent(make_batch(5), pattern)
        together = answer(model, batch)
        order = torch.tensor([3, 0, 4, 1, 2])
        assert torch.allclose(together[order], answer(model, rows(batch, order)), atol=1e-5)
        for row in range(5):
            alone = answer(model, rows(batch, torch.tensor([row])))
            assert torch.allclose(together[row], alone[0], atol=1e-5), (pattern, row)


def rows(batch: FeatureBatch, index: torch.Tensor) -> FeatureBatch:
    """Return the chosen rows of ``batch`` as a batch."""
    chosen = {
        field.name: value[index]
        for field in dataclasses.fields(batch)
        if isinstance(value := getattr(batch, field.name), torch.Tensor)
    }
    videos = tuple(batch.video_ids[row] for row in index.tolist())
    return dataclasses.replace(batch, **chosen, video_ids=videos)


def generator_rules(model: MissingModalityAVQA) -> None:
    """Same generator, same answer; the global generator is neither read nor moved."""
    for pattern in PATTERNS:
        batch = some_absent(make_batch(), pattern)
        torch.manual_seed(1)
        before = torch.random.get_rng_state()
        first = answer(model, batch)
        assert torch.equal(before, torch.random.get_rng_state()), "the global state moved"
        torch.manual_seed(2)
        assert torch.equal(first, answer(model, batch)), "the generator was ignored"


def survives_saving(model: MissingModalityAVQA, folder: Path) -> None:
    """Saved and loaded, a model answers the same."""
    batch = some_absent(make_batch(), "segments")
    before = answer(model, batch)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        folder / "model.safetensors",
    )
    with rng.initialising(99):
        fresh = MissingModalityAVQA(model.config, model.dims).eval()
    fresh.load_state_dict(load_file(folder / "model.safetensors"))
    assert torch.equal(before, answer(fresh, batch))


def gradients_reach_everything(model: MissingModalityAVQA) -> None:
    """Every parameter that wants a gradient gets one from a step of Eq. 8."""
    model.zero_grad()
    terms = compute_losses(
        model, make_batch(), ObjectiveConfig(), generator=rng.named(0, "gradients")
    )
    terms.total().backward()
    dead = [
        name
        for name, value in model.named_parameters()
        if value.requires_grad and (value.grad is None or not value.grad.abs().sum() > 0)
    ]
    assert not dead, f"no gradient reaches {dead}"


def finite_in_bfloat16(model: MissingModalityAVQA) -> None:
    """Answers and losses stay finite under bfloat16 autocast."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for pattern in PATTERNS:
            assert answer(model, some_absent(make_batch(), pattern)).isfinite().all(), pattern
        terms = compute_losses(
            model, make_batch(), ObjectiveConfig(), generator=rng.named(0, "bfloat16")
        )
    assert terms.total().isfinite()


def inputs_stay_untouched(model: MissingModalityAVQA) -> None:
    """A forward pass edits none of its inputs in place, nor does a step of Eq. 8."""
    for pattern in PATTERNS:
        batch = some_absent(make_batch(), pattern)
        copies = {"audio": batch.audio.clone(), "visual": batch.visual.clone()}
        answer(model, batch)
        compute_losses(model, batch, ObjectiveConfig(), generator=rng.named(0, "inputs"))
        assert torch.equal(copies["audio"], batch.audio), pattern
        assert torch.equal(copies["visual"], batch.visual), pattern


CONTRACTS: tuple[Contract, ...] = (
    absent_means_absent,
    losses_ignore_absent,
    rows_do_not_mix,
    generator_rules,
    gradients_reach_everything,
    finite_in_bfloat16,
    inputs_stay_untouched,
)
