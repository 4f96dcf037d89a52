"""The published comparison methods: their formulas on numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from avqa_core import rng, small_models
from avqa_core.backbones.avst import AVSTConfig
from avqa_core.completion import Completer, GridDims, completers
from avqa_core.completion import drfuse as drfuse_module
from avqa_core.completion.missing_aware_prompts import MissingAwarePromptsConfig
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.model import ModelConfig
from avqa_core.types import Completion, Features, Modality
from tests.factories import make_batch, make_model
from tests.features import everything, make_features, without

GRID = GridDims(channels=4, num_segments=2, height=2, width=4)
EVERYTHING, NOTHING = everything(), ~everything()
NUM_SEGMENTS = 8  # four rows of two


def _features() -> Features:
    return make_features(grid=GRID)


def _build(name: str, **fields: object) -> Completer:
    with rng.initialising(0):
        return completers.build(completers.config(name)(**fields), GRID).eval()


def _complete(completer: Completer, features: Features, availability: torch.Tensor) -> Completion:
    with torch.no_grad():
        return completer.complete(features, availability, generator=rng.named(0, "completer"))


def _always(layer: nn.Linear, *values: float) -> None:
    """Make ``layer`` return ``values``, whatever comes in."""
    nn.init.zeros_(layer.weight)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor(values))


def test_shaspec_puts_the_shared_feature_of_one_half_for_the_other() -> None:
    completer, features = _build("shaspec"), _features()
    found = _complete(completer, features, without(Modality.VISUAL))
    shared = completer.shared(features.audio)[..., None, None].expand_as(features.visual)
    assert torch.allclose(found.features.visual, shared, atol=1e-6)
    found = _complete(completer, features, without(Modality.AUDIO))
    cells = completer.shared(features.visual.permute(0, 1, 3, 4, 2))
    assert torch.allclose(found.features.audio, cells.mean(dim=(2, 3)), atol=1e-6)


def test_shaspec_composes_what_is_present_from_shared_and_specific() -> None:
    completer, features = _build("shaspec"), _features()
    for name, gone in (("audio", Modality.VISUAL), ("visual", Modality.AUDIO)):
        completed = _complete(completer, features, without(gone)).features
        real, found = (getattr(one, name).movedim(2, -1) for one in (features, completed))
        shared, specific = completer.shared(real), getattr(completer, f"{name}_specific")(real)
        composed = shared + completer.compose(torch.cat([shared, specific], dim=-1))
        assert torch.allclose(found, composed, atol=1e-6), name


def test_shaspec_has_nothing_to_share_when_both_are_gone() -> None:
    found = _complete(_build("shaspec"), _features(), NOTHING)
    assert not found.features.audio.any() and not found.features.visual.any()


def test_shaspec_weighs_its_losses_as_published() -> None:
    completer, features = _build("shaspec"), _features()
    availability = without(Modality.AUDIO)
    completion = _complete(completer, features, availability)
    terms = completer.loss(features, completion, availability, EVERYTHING)
    weights = {name: term.weight for name, term in terms.items()}
    assert weights == {"alignment": 0.1, "domain_audio": 0.01, "domain_visual": 0.01}
    assert all(term.count == NUM_SEGMENTS for term in terms.values())
    skipped = completer.loss(features, completion, availability, availability)
    assert [int(skipped[name].count) for name in weights] == [0, 0, NUM_SEGMENTS]


def test_the_losses_of_shaspec_golden() -> None:
    """|3 - 1| = 2; of a sound told with 1/4 and a picture with 3/4, ln 4 and ln 4/3."""
    completer, features = _build("shaspec"), _features()
    completer.shared = nn.Identity()
    _always(completer.which, 0.0, math.log(3.0))
    features = replace(
        features,
        audio=torch.full_like(features.audio, 3.0),
        visual=torch.full_like(features.visual, 1.0),
    )
    completion = _complete(completer, features, NOTHING)
    assert completer.loss(features, completion, NOTHING, EVERYTHING).means() == {
        "alignment": pytest.approx(2.0),
        "domain_audio": pytest.approx(math.log(4.0)),
        "domain_visual": pytest.approx(math.log(4.0 / 3.0)),
    }


def test_shaspec_tells_a_modality_from_its_own_specific_feature() -> None:
    completer, features = _build("shaspec"), _features()
    completion = _complete(completer, features, NOTHING)
    for name in ("audio", "visual"):
        before = completer.loss(features, completion, NOTHING, EVERYTHING).means()
        nn.init.ones_(getattr(completer, f"{name}_specific")[-1].bias)
        after = completer.loss(features, completion, NOTHING, EVERYTHING).means()
        assert [one for one in before if before[one] != after[one]] == [f"domain_{name}"]


def test_the_pooling_of_drfuse_golden() -> None:
    """log(2 e^0 + e^0 + e^0) - log(2 + 1 + 1) = 0; with 1 and 0: log(3e + 1) - log(3 + e)."""
    zero, one = torch.zeros(1, 1, 1), torch.ones(1, 1, 1)
    both = torch.ones(1, 1, 2, dtype=torch.bool)
    assert drfuse_module.pool(zero, zero, both).item() == pytest.approx(0.0, abs=1e-6)
    by_hand = math.log(3 * math.e + 1) - math.log(3 + math.e)
    assert drfuse_module.pool(one, zero, both).item() == pytest.approx(by_hand, abs=1e-6)


def test_of_one_half_the_pooling_of_drfuse_is_that_half_and_of_none_zero() -> None:
    audio, visual = torch.full((1, 3, 1), 2.0), torch.full((1, 3, 1), 5.0)
    there = torch.tensor([[[True, False], [False, True], [False, False]]])
    assert drfuse_module.pool(audio, visual, there).flatten().tolist() == [2.0, 5.0, 0.0]


def test_the_divergence_of_drfuse_golden() -> None:
    """Of a coin that surely falls on one side and one on the other it is log 2; of equals zero.

    Elements add up, as published.
    """
    sure = torch.full((1, 1, 4), 40.0)
    assert drfuse_module.divergence(sure, -sure).item() == pytest.approx(4 * math.log(2), abs=4e-4)
    assert drfuse_module.divergence(sure, sure).item() == pytest.approx(0.0, abs=1e-6)
    fair, uneven = torch.zeros(1, 1, 4), torch.full((1, 1, 4), math.log(3.0))
    # coins of 1/2 and 3/4: H(5/8) - (H(1/2) + H(3/4)) / 2
    entropy = [-p * math.log(p) - (1 - p) * math.log(1 - p) for p in (5 / 8, 1 / 2, 3 / 4)]
    by_hand = 4 * (entropy[0] - (entropy[1] + entropy[2]) / 2)
    assert drfuse_module.divergence(fair, uneven).item() == pytest.approx(by_hand, abs=1e-6)


def test_drfuse_learns_in_bfloat16_from_coins_that_surely_fall_on_one_side() -> None:
    """In bfloat16 the number next to one is 0.996, so nothing there keeps an entropy off log 0."""
    sure = torch.full((1, 1, 4), 40.0, dtype=torch.bfloat16, requires_grad=True)
    found = drfuse_module.divergence(sure, -sure)
    assert found.item() == pytest.approx(4 * math.log(2), abs=4e-4)
    found.sum().backward()
    assert sure.grad is not None and sure.grad.isfinite().all()


def test_the_losses_of_drfuse_have_gradients_in_bfloat16() -> None:
    completer, features = _build("drfuse"), _features()
    nn.init.constant_(completer.shared_project[-1].bias, 40.0)
    availability = without(Modality.AUDIO)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        completion = completer.complete(features, availability, generator=rng.named(0, "completer"))
        terms = completer.loss(features, completion, availability, EVERYTHING)
    terms.total().backward()
    gradients = [one.grad for one in completer.parameters() if one.grad is not None]
    assert gradients and all(one.isfinite().all() for one in gradients)


def test_drfuse_likens_shared_and_distinct_of_what_is_there() -> None:
    """Shared (1, 0), distinct (-3, 4) of a sound: 3/5; (0, 1) and (5, 12) of a picture: 12/13."""
    completer, features = _build("drfuse"), _features()
    completer.shared_project = nn.Identity()
    _always(completer.into_shared[Modality.AUDIO][-1], 1.0, 0.0, 0.0, 0.0)
    _always(completer.into_distinct[Modality.AUDIO][-1], -3.0, 4.0, 0.0, 0.0)
    _always(completer.into_shared[Modality.VISUAL][-1], 0.0, 1.0, 0.0, 0.0)
    _always(completer.into_distinct[Modality.VISUAL][-1], 5.0, 12.0, 0.0, 0.0)
    availability = without(Modality.AUDIO)
    completion = _complete(completer, features, availability)
    terms = completer.loss(features, completion, availability, availability)
    counts = {name: int(term.count) for name, term in terms.items()}
    assert counts == {"alignment": 0, "distinct_audio": 0, "distinct_visual": NUM_SEGMENTS}
    means = completer.loss(features, completion, availability, EVERYTHING).means()
    assert means["distinct_audio"].item() == pytest.approx(3 / 5)
    assert means["distinct_visual"].item() == pytest.approx(12 / 13)


def test_actionmae_looks_at_what_is_there_and_at_the_question() -> None:
    completer, features = _build("actionmae", num_heads=2), _features()
    gone = without(Modality.AUDIO)
    before = _complete(completer, features, gone).pseudo_audio
    for name in ("visual", "question"):
        changed = {name: getattr(features, name).flip(0)}
        other = _complete(completer, replace(features, **changed), gone).pseudo_audio
        assert not torch.allclose(before, other), name


def test_actionmae_compares_normalised_tokens() -> None:
    """Twice the target and three more is the same token once both are normalised."""
    completer, features = _build("actionmae", num_heads=2), _features()
    availability = without(Modality.AUDIO)
    completion = _complete(completer, features, availability)
    moved = replace(completion, pseudo_audio=2 * features.audio + 3)
    with torch.no_grad():
        terms = completer.loss(features, moved, availability, EVERYTHING)
    assert float(terms["recall_audio"].total) == pytest.approx(0.0, abs=1e-3)
    assert (int(terms["recall_audio"].count), int(terms["recall_visual"].count)) == (
        NUM_SEGMENTS,
        0,
    )
    assert float(completer.loss(features, completion, availability, EVERYTHING).total()) > 0.1


def test_actionmae_predicts_what_is_real_and_does_not_move_it() -> None:
    completer, features = _build("actionmae", num_heads=2), _features()
    gone = without(Modality.AUDIO)
    completion = _complete(completer, features, gone)
    assert completer.loss(features, completion, gone, gone).counts().tolist() == [0, 0]
    features.audio.requires_grad_()
    features.visual.requires_grad_()
    terms = completer.loss(features, completion, NOTHING, EVERYTHING)
    assert not terms.total().requires_grad


def test_input_prompts_stand_in_by_segment_and_by_what_is_missing() -> None:
    completer, features = _build("missing_aware_prompts"), _features()
    availability = everything()
    availability[0, :, Modality.AUDIO] = False
    availability[1] = False
    found = _complete(completer, features, availability).features
    assert torch.equal(found.audio[0], completer.audio[0])
    assert torch.equal(found.audio[1], completer.audio[1])
    assert torch.equal(found.audio[2:], features.audio[2:])
    both_gone = completer.visual[1, ..., None, None].expand_as(found.visual[1])
    assert torch.equal(found.visual[1], both_gone)
    nn.init.ones_(completer.pattern)
    gone = without(Modality.VISUAL)
    visual = _complete(completer, features, gone).features.visual
    expected = (completer.visual[0] + 1)[..., None, None].expand_as(visual[0])
    assert torch.equal(visual[0], expected) and torch.equal(visual[3], expected)


def test_prefix_prompts_follow_what_a_clip_misses() -> None:
    completer, features = _build("missing_aware_prompts", form="prefix", num_prompts=6), _features()
    availability = everything()
    availability[0, 0, Modality.AUDIO] = False
    availability[1, 1, Modality.VISUAL] = False
    availability[2] = False
    completion = _complete(completer, features, availability)
    prompts = completion.features.prompts
    assert prompts.shape == (4, 2, 6, 4)
    for row in range(3):
        assert torch.equal(prompts[row], completer.prefix[row])
    assert not prompts[3].any(), "who misses nothing has no prompt"
    assert not completion.pseudo_audio.any() and not completion.pseudo_visual.any()


@pytest.mark.parametrize("backbone", ["avsd", "pano_avqa", "pstp_net"])
def test_prefix_prompts_want_a_backbone_that_reads_them(backbone: str) -> None:
    with pytest.raises(ConfigError, match="a backbone that reads prompts"):
        small_models.small_model(MissingAwarePromptsConfig(form="prefix"), "identity", backbone)


def test_prefix_prompts_change_the_answers_of_avst_where_something_is_missing() -> None:
    config = ModelConfig(
        backbone=AVSTConfig(channels=8),
        completer=MissingAwarePromptsConfig(form="prefix"),
        enhancer=IdentityConfig(),
    )
    model, batch = make_model(config), make_batch()
    availability = batch.availability.clone()
    availability[0, :, Modality.AUDIO] = False
    batch = replace(batch, availability=availability)
    with torch.no_grad():
        before = model(batch, generator=rng.named(0, "prompts")).answers.logits
        model.completer.prefix += 1.0
        after = model(batch, generator=rng.named(0, "prompts")).answers.logits
    assert not torch.allclose(before[0], after[0])
    assert torch.allclose(before[1:], after[1:], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("shaspec", {"alignment_weight": -1.0}, "alignment_weight >= 0, got -1"),
        ("drfuse", {"distinct_weight": -1.0}, "distinct_weight >= 0, got -1"),
        ("missing_aware_prompts", {"num_prompts": 5}, "even num_prompts >= 2"),
        ("actionmae", {"num_memory_tokens": 0}, "num_memory_tokens >= 1, got 0"),
        ("actionmae", {"num_heads": 5}, "channels divisible by num_heads=5"),
    ],
)
def test_settings_that_do_not_work_are_refused(
    name: str, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        _build(name, **fields)
