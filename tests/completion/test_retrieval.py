"""Retrieval: the nearest training clips by what is there, and never the clip itself in training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avqa_core import rng
from avqa_core.completion.retrieval import Retrieval, RetrievalConfig
from avqa_core.errors import ConfigError, ModalityError
from avqa_core.types import Completion, Features, Modality
from tests.features import GRID, everything, make_features, patchy, poisoned, rows, without


def build(bank: Features | None = None, **fields: object) -> Retrieval:
    completer = Retrieval(RetrievalConfig(**{"bank_size": 8, **fields}), GRID).eval()
    if bank is not None:
        completer.fit([bank], generator=rng.named(0, "fit"))
    return completer


def complete(completer: Retrieval, features: Features, availability: torch.Tensor) -> Completion:
    return completer.complete(features, availability, generator=rng.named(0, "unused"))


def test_the_clip_that_sounds_the_same_lends_its_picture() -> None:
    bank = make_features(6)
    query = rows(bank, [4, 1, 3, 0])
    query = replace(query, visual=-query.visual, audio=query.audio * 1.01)
    done = complete(
        build(bank, num_neighbours=1, question_weight=0.0), query, without(Modality.VISUAL)
    )
    assert done.details["neighbours"].flatten().tolist() == [4, 1, 3, 0]
    assert torch.allclose(done.features.visual, bank.visual[[4, 1, 3, 0]], atol=2e-3)
    assert torch.equal(done.features.audio, query.audio)


def test_the_nearest_few_are_averaged() -> None:
    bank = make_features(6)
    done = complete(
        build(bank, num_neighbours=6, question_weight=0.0), make_features(4, seed=1), patchy()
    )
    mean = bank.visual.mean(dim=0)
    assert torch.allclose(done.pseudo_visual, mean.expand_as(done.pseudo_visual), atol=2e-3)


def test_a_row_with_nothing_goes_by_its_question() -> None:
    bank = make_features(6)
    query = replace(make_features(4, seed=1), question=bank.question[[5, 2, 0, 4]])
    nothing = torch.zeros_like(everything())
    done = complete(build(bank, num_neighbours=1, question_weight=0.0), query, nothing)
    assert done.details["neighbours"].flatten().tolist() == [5, 2, 0, 4]


def test_the_question_decides_between_equal_clips() -> None:
    bank = make_features(6)
    bank = replace(bank, audio=bank.audio[:1].expand_as(bank.audio).clone())
    bank.audio[5] += 1.0  # one clip apart, or all cosines around the mean are of rounding errors
    query = replace(rows(bank, [0, 0, 0, 0]), question=bank.question[[3, 1, 2, 0]])
    done = complete(build(bank, num_neighbours=1), query, without(Modality.VISUAL))
    assert done.details["neighbours"].flatten().tolist() == [3, 1, 2, 0]


def test_the_present_half_learns_also_where_a_batch_is_mixed() -> None:
    completer = build(make_features(6))
    for availability in (patchy(), without(Modality.VISUAL)):
        query = make_features(4, seed=1)
        query.audio.requires_grad_()
        complete(completer, query, availability).features.audio.sum().backward()
        assert query.audio.grad is not None
        there = availability[..., Modality.AUDIO, None].expand_as(query.audio)
        assert torch.equal(query.audio.grad, there.float())


def test_in_training_a_clip_never_retrieves_itself() -> None:
    bank = make_features(6)
    completer = build(bank, num_neighbours=2)
    for availability in (without(Modality.AUDIO), without(Modality.VISUAL), everything()):
        query = rows(bank, [0, 1, 2, 3])
        itself = torch.arange(4)[:, None]
        found = complete(completer.eval(), query, availability).details["neighbours"]
        assert (found == itself).any(dim=1).all()
        found = complete(completer.train(), query, availability).details["neighbours"]
        assert not (found == itself).any()


def test_places_that_were_never_filled_are_never_averaged() -> None:
    bank = make_features(2)
    done = complete(build(bank, num_neighbours=5), make_features(4, seed=1), patchy())
    mean = bank.audio.mean(dim=0)
    assert torch.allclose(done.pseudo_audio, mean.expand_as(done.pseudo_audio), atol=2e-3)
    assert done.details["similarities"].isfinite().sum(dim=1).tolist() == [2] * 4


def test_a_smaller_refit_leaves_nothing_of_the_bank_before() -> None:
    few, query = make_features(3), make_features(4, seed=1)
    again, fresh = build(make_features(7, seed=2)), build(few)
    again.fit([few], generator=rng.named(0, "fit"))
    for name, value in fresh.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    first, second = (complete(one, query, patchy()) for one in (again, fresh))
    for name, value in second.details.items():
        assert torch.equal(first.details[name], value), name
    assert torch.equal(first.pseudo_audio, second.pseudo_audio)


def test_absent_halves_are_never_read_and_rows_do_not_mix() -> None:
    completer, features, availability = build(make_features(7, seed=2)), make_features(), patchy()
    clean = complete(completer, features, availability)
    dirty = complete(completer, poisoned(features, availability), availability)
    assert torch.equal(clean.pseudo_visual, dirty.pseudo_visual)
    assert torch.equal(clean.features.audio, dirty.features.audio)
    order = [3, 1]
    some = complete(completer, rows(features, order), availability[order])
    assert torch.allclose(some.pseudo_visual, clean.pseudo_visual[order], atol=1e-6)


def test_more_clips_than_places_have_equal_chances_and_memory_is_bounded() -> None:
    kept: list[int] = []
    for seed in range(60):
        completer = build(bank_size=4)
        clips = replace(
            make_features(12), question=torch.arange(12.0)[:, None].expand(12, 3).clone()
        )
        batches = [rows(clips, list(range(start, start + 4))) for start in (0, 4, 8)]
        completer.fit(batches, generator=rng.named(seed, "fit"))
        assert int(completer.num_kept) == 4
        kept += completer.question_keys[:, 0].int().tolist()
    counts = torch.bincount(torch.tensor(kept), minlength=12)
    assert counts.sum() == 240
    assert int(counts.min()) >= 8  # 20 expected
    assert int(counts.max()) <= 34


def test_the_bank_is_in_the_checkpoint() -> None:
    completer, fresh = build(make_features(6)), build()
    fresh.load_state_dict(completer.state_dict())
    query = make_features(4, seed=1)
    first, second = (
        complete(one, query, without(Modality.AUDIO)).pseudo_audio for one in (completer, fresh)
    )
    assert torch.equal(first, second)


def test_an_empty_bank_says_what_to_do() -> None:
    with pytest.raises(ModalityError, match=r"empty one: call\s+fit"):
        complete(build(), make_features(), everything())
    with pytest.raises(ConfigError, match="num_neighbours >= 1"):
        RetrievalConfig(num_neighbours=0)
    with pytest.raises(ConfigError, match="question_weight >= 0"):
        RetrievalConfig(question_weight=-0.5)
