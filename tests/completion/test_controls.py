"""The controls: zeros, noise and one learned vector."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avqa_core import rng
from avqa_core.completion import Completer, completers
from avqa_core.errors import ConfigError
from avqa_core.types import Completion, Features, Modality
from tests.features import GRID, everything, make_features, patchy, poisoned, rows, without


def build(name: str, **fields: object) -> Completer:
    with rng.initialising(0):
        return completers.build(completers.config(name)(**fields), GRID).eval()


def complete(
    completer: Completer, features: Features, availability: torch.Tensor, seed: int = 0
) -> Completion:
    return completer.complete(features, availability, generator=rng.named(seed, "complete"))


@pytest.mark.parametrize("name", ["zeros", "noise", "slot_mean"])
def test_present_halves_stay_absent_ones_are_replaced_and_never_read(name: str) -> None:
    completer, features, availability = build(name), make_features(), patchy()
    clean = complete(completer, features, availability)
    dirty = complete(completer, poisoned(features, availability), availability)
    for half, modality in (("audio", Modality.AUDIO), ("visual", Modality.VISUAL)):
        there = availability[..., modality]
        pair, pseudo = getattr(clean.features, half), getattr(clean, f"pseudo_{half}")
        assert torch.equal(pair[there], getattr(features, half)[there])
        assert torch.equal(pair[~there], pseudo[~there])
        assert torch.equal(pair, getattr(dirty.features, half))
        assert torch.equal(pseudo, getattr(dirty, f"pseudo_{half}"))


def test_zeros_are_zeros() -> None:
    done = complete(build("zeros"), make_features(), without(Modality.VISUAL))
    assert not done.features.visual.any()
    assert done.features.audio.all()


def test_noise_has_the_scale_of_the_training_features() -> None:
    completer = build("noise").train()
    features = make_features(200)
    features = replace(features, audio=features.audio * 5 + 3, visual=features.visual * 0.5)
    complete(completer, features, everything(200))
    done = complete(completer.eval(), features, everything(200))
    wanted, got = features.audio, done.pseudo_audio
    assert torch.allclose(got.mean(dim=(0, 1)), wanted.mean(dim=(0, 1)), atol=1.0)
    assert torch.allclose(got.std(dim=(0, 1)), wanted.std(dim=(0, 1)), rtol=0.15)
    assert float(done.pseudo_visual.std()) == pytest.approx(0.5, rel=0.1)


def test_noise_learns_its_scale_from_what_is_present_in_training_only() -> None:
    completer, features = build("noise"), make_features()
    availability = without(Modality.AUDIO)
    complete(completer, features, availability)
    assert int(completer.visual_statistics.num_updates) == 0
    complete(completer.train(), poisoned(features, availability), availability)
    assert int(completer.visual_statistics.num_updates) == 1
    assert int(completer.audio_statistics.num_updates) == 0
    assert completer.audio_statistics.mean.isfinite().all()


def test_noise_of_a_row_is_a_function_of_seed_and_question_id() -> None:
    completer, features = build("noise"), make_features()
    whole = complete(completer, features, everything())
    some = complete(completer, rows(features, [2, 0]), everything(2))
    assert torch.equal(whole.pseudo_visual[[2, 0]], some.pseudo_visual)
    other = complete(completer, features, everything(), seed=1)
    assert not torch.equal(whole.pseudo_audio, other.pseudo_audio)
    renamed = replace(features, extras={"question_id": features.extras["question_id"] + 50})
    assert not torch.equal(
        whole.pseudo_audio, complete(completer, renamed, everything()).pseudo_audio
    )


def test_slot_mean_learns_the_mean_of_what_was_hidden() -> None:
    completer, features = build("slot_mean"), make_features(20)
    availability = without(Modality.AUDIO, num_rows=20)
    visual = completer.visual.detach().clone()
    optimiser = torch.optim.SGD(completer.parameters(), lr=1.0)
    for _ in range(40):
        done = complete(completer, features, availability)
        terms = completer.loss(features, done, availability, everything(20))
        optimiser.zero_grad()
        terms.total().backward()
        optimiser.step()
    assert torch.allclose(completer.audio, features.audio.mean(dim=(0, 1)), atol=1e-4)
    assert torch.equal(completer.visual, visual)  # nothing visual was hidden


def test_slot_mean_loss_by_hand() -> None:
    completer, features = build("slot_mean", recall_weight=0.5), make_features()
    features = replace(features, audio=torch.full_like(features.audio, 2.0))
    torch.nn.init.zeros_(completer.audio)
    availability = without(Modality.AUDIO)
    done = complete(completer, features, availability)
    terms = completer.loss(features, done, availability, everything())
    assert float(terms.means()["recall_audio"]) == 4.0
    assert float(terms.total().detach()) == 2.0  # 0.5 x 4; the visual term counts no segment
    with pytest.raises(ConfigError, match="recall_weight >= 0, got -1"):
        build("slot_mean", recall_weight=-1.0)
