"""Who loses what in the passes of Eq. 8, and what the losses make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from avqa_core import rng
from avqa_core.backbones.avst import AVSTConfig
from avqa_core.completion.segment_transformer import SegmentTransformerConfig
from avqa_core.completion.zeros import ZerosConfig
from avqa_core.diffusion.denoiser import LightConfig
from avqa_core.diffusion.process import DiffusionConfig
from avqa_core.enhancement.avr_diffusion import AVRDiffusionConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.losses import LossModule, ObjectiveConfig, answer_loss, compute_losses, without
from avqa_core.model import MissingModalityAVQA, ModelConfig
from avqa_core.types import FeatureBatch, LossTerms, Modality
from tests.factories import make_batch, make_model

NUM_ROWS = 40


@pytest.fixture(name="model")
def _model() -> MissingModalityAVQA:
    return make_model(
        ModelConfig(
            backbone=AVSTConfig(channels=8, positions="learned", match_weight=0.0, reader_width=8),
            completer=SegmentTransformerConfig(width=8, cell_width=4, num_heads=2),
            enhancer=IdentityConfig(),
        )
    )


def _losses(model: MissingModalityAVQA, batch: FeatureBatch, rate: float) -> LossTerms:
    objective = ObjectiveConfig(regime="plug_in", recall_weight=0.0, both_missing_rate=rate)
    return compute_losses(model, batch, objective, generator=rng.named(0, "losses"))


def _other_clips(batch: FeatureBatch) -> FeatureBatch:
    other = make_batch(NUM_ROWS, seed=1)
    return replace(batch, audio=other.audio, visual=other.visual)


def test_who_loses_both_is_answered_from_the_question_alone(model: MissingModalityAVQA) -> None:
    batch = make_batch(NUM_ROWS)
    blind, other = _losses(model, batch, 1.0), _losses(model, _other_clips(batch), 1.0)
    assert torch.equal(blind.total(), other.total())
    assert torch.equal(blind["audio_missing/answer"].total, blind["visual_missing/answer"].total), (
        "both passes of a blind question see the same nothing"
    )


def test_without_the_rate_nobody_loses_both_and_no_number_is_drawn(
    model: MissingModalityAVQA,
) -> None:
    generator = rng.named(0, "losses")
    before = generator.get_state()
    compute_losses(
        model, make_batch(NUM_ROWS), ObjectiveConfig(regime="plug_in"), generator=generator
    )
    assert torch.equal(before, generator.get_state())
    assert not torch.equal(
        _losses(model, make_batch(NUM_ROWS), 0.0).total(),
        _losses(model, _other_clips(make_batch(NUM_ROWS)), 0.0).total(),
    )


def test_a_question_meets_its_fate_in_any_company(model: MissingModalityAVQA) -> None:
    """The sums over two unequal parts of a batch add up to the sum over the batch."""
    batch = make_batch(NUM_ROWS)
    whole = _losses(model, batch, 0.5)["audio_missing/answer"].total
    halves = [
        _losses(model, _rows(batch, part), 0.5)["audio_missing/answer"].total
        for part in (slice(0, 15), slice(15, NUM_ROWS))
    ]
    assert torch.allclose(whole, halves[0] + halves[1], rtol=1e-5)


def test_about_the_share_that_was_asked_for_loses_both(
    model: MissingModalityAVQA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 4,000 questions at a rate of 0.1 between 320 and 480 do: more than four deviations."""
    complete, allowed = model.completer.complete, []

    def spy(features: Any, availability: torch.Tensor, **given: Any) -> Any:
        allowed.append(availability)
        return complete(features, availability, **given)

    monkeypatch.setattr(model.completer, "complete", spy)
    for first in range(0, 4000, NUM_ROWS):
        questions = torch.arange(first, first + NUM_ROWS)
        _losses(model, replace(make_batch(NUM_ROWS), question_id=questions), 0.1)
    without_audio = torch.cat(allowed[::2])
    assert len(without_audio) == 4000
    assert 320 <= int((~without_audio).all(dim=(1, 2)).sum()) <= 480


def test_a_rate_is_a_share() -> None:
    with pytest.raises(ConfigError, match=r"both_missing_rate in \[0, 1\], got 1.5"):
        ObjectiveConfig(both_missing_rate=1.5)


def _rows(batch: FeatureBatch, part: slice) -> FeatureBatch:
    return replace(
        batch,
        audio=batch.audio[part],
        visual=batch.visual[part],
        tokens=batch.tokens[part],
        availability=batch.availability[part],
        answer=batch.answer[part],
        question_id=batch.question_id[part],
        negative_visual=None,
        video_ids=batch.video_ids[part],
    )


def _with_avr(**fields: Any) -> MissingModalityAVQA:
    avr = AVRDiffusionConfig(
        diffusion=DiffusionConfig(num_steps=2), denoiser=LightConfig(hidden_channels=4), **fields
    )
    backbone = AVSTConfig(channels=8, match_weight=0.0, dropout=0.0)
    return make_model(ModelConfig(backbone=backbone, completer=ZerosConfig(), enhancer=avr))


def test_who_lacks_something_does_not_move_the_noise_of_the_others() -> None:
    model, batch = _with_avr(feature_range="released"), make_batch(6)
    availability = batch.availability.clone()
    availability[5, :, Modality.VISUAL] = False
    batch = replace(batch, availability=availability)
    whole, first, last = (
        compute_losses(model, part, ObjectiveConfig(), generator=rng.named(0, "losses"))
        for part in (batch, _rows(batch, slice(0, 5)), _rows(batch, slice(5, 6)))
    )
    for name in ("complete/answer", "audio_missing/answer", "visual_missing/answer"):
        assert torch.allclose(whole[name].total, first[name].total + last[name].total, atol=1e-5)


@pytest.mark.parametrize("regime", ["joint", "plug_in", "modality_dropout", "plain"])
def test_an_enhancer_takes_note_of_real_features_wherever_it_learns(regime: Any) -> None:
    model = _with_avr(feature_range="standardised").train()
    objective = ObjectiveConfig(regime=regime)
    compute_losses(model, make_batch(6), objective, generator=rng.named(0, "losses"))
    assert int(model.enhancer.audio_statistics.num_updates) == (regime != "plain")


def _last_without_picture(batch: FeatureBatch) -> FeatureBatch:
    availability = batch.availability.clone()
    availability[-1, :, Modality.VISUAL] = False
    return replace(batch, availability=availability)


def test_what_was_never_recorded_is_no_target(model: MissingModalityAVQA) -> None:
    """Six clips of three segments, one of them without a picture."""
    batch = _last_without_picture(make_batch(6))
    terms = compute_losses(model, batch, ObjectiveConfig(), generator=rng.named(0, "losses"))
    counts = {name: int(term.count) for name, term in terms.items() if "recall" in name}
    assert counts == {
        "audio_missing/recall_audio": 18,
        "audio_missing/recall_visual": 0,
        "visual_missing/recall_audio": 0,
        "visual_missing/recall_visual": 15,
    }


def test_an_enhancer_learns_from_what_was_recorded_alone() -> None:
    model = _with_avr(feature_range="standardised", reconstruction_weight=1.0).train()
    batch = _last_without_picture(make_batch(6))
    real = model.encode(batch).visual[:5].detach()
    terms = compute_losses(model, batch, ObjectiveConfig(), generator=rng.named(0, "losses"))
    assert torch.allclose(
        model.enhancer.visual_statistics.mean, real.mean(dim=(0, 1, 3, 4)), atol=1e-6
    )
    counts = [
        int(terms[f"visual_missing/reconstruction_{half}"].count) for half in ("audio", "visual")
    ]
    assert counts == [18, 15]


def test_the_diffusion_loss_has_the_weight_of_the_objective() -> None:
    objective = ObjectiveConfig(diffusion_weight=0.5)
    terms = compute_losses(_with_avr(), make_batch(6), objective, generator=rng.named(0, "losses"))
    assert {name: term.weight for name, term in terms.items() if "/" not in name} == {
        "diffusion": 0.5
    }


def test_the_terms_of_the_backbone_see_what_it_answered_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, seen = _with_avr(), {"answer": [], "loss": []}
    for name in seen:
        method = getattr(model.backbone, name)

        def spy(features: Any, *given: Any, name: str = name, method: Any = method) -> Any:
            seen[name].append(features)
            return method(features, *given)

        monkeypatch.setattr(model.backbone, name, spy)
    compute_losses(model, make_batch(6), ObjectiveConfig(), generator=rng.named(0, "losses"))
    assert len(seen["loss"]) == 3
    assert all(one is other for one, other in zip(*seen.values(), strict=True))


def test_a_frozen_backbone_has_its_dropout_off() -> None:
    module = LossModule(_with_avr(), ObjectiveConfig(regime="plug_in")).train()
    assert module.model.completer.training and not module.model.backbone.training


def test_the_answer_loss_knows_the_first_answer_and_skips_what_is_not_known() -> None:
    """Equal logits of four answers: ln 4."""
    term = answer_loss(torch.zeros(3, 4), torch.tensor([2, -1, 0]))
    assert int(term["answer"].count) == 2
    assert term.means()["answer"].item() == pytest.approx(1.386294)


def test_taking_away_brings_nothing_back() -> None:
    there = torch.tensor([[[True, True], [False, True]]])
    assert without(there, (Modality.VISUAL,)).tolist() == [[[True, False], [False, False]]]


def test_without_answers_avr_needs_another_loss_that_reaches_all_of_it() -> None:
    objective = ObjectiveConfig(use_answers=False)
    with pytest.raises(ConfigError, match="reconstruction_weight"):
        LossModule(_with_avr(), objective)
    model = LossModule(_with_avr(reconstruction_weight=1.0), objective)
    model(make_batch(6), rng.named(0, "losses")).total().backward()
    dead = [name for name, one in model.model.enhancer.named_parameters() if one.grad is None]
    assert not dead
