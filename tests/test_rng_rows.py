"""Per-row randomness: a row's draws depend on the seed and on its name, on nothing else."""

from __future__ import annotations

import torch

from avqa_core import rng


def streams(keys: list[rng.RowKey], seed: int = 0) -> rng.RowStreams:
    return rng.RowStreams(keys, generator=rng.named(seed, "rows"))


def test_a_row_draws_the_same_in_any_company() -> None:
    together = streams([5, (5, 1), 7]).normal(2, 3)
    assert together.shape == (3, 2, 3)
    assert torch.equal(together[[2, 0]], streams([7, 5]).normal(2, 3))
    assert torch.equal(together[1], streams([(5, 1)]).normal(2, 3)[0])


def test_rows_draws_and_seeds_differ() -> None:
    first = streams([1, 2, (1, 2)])
    drawn = [*first.normal(4), *first.normal(4), *streams([1, 2], seed=1).normal(4)]
    assert len({tuple(one.tolist()) for one in drawn}) == len(drawn)


def test_one_key_twice_draws_the_same_twice() -> None:
    drawn = streams([9, 9]).normal(5)
    assert torch.equal(drawn[0], drawn[1])


def test_the_generator_moves_on() -> None:
    generator = rng.named(0, "rows")
    first = rng.RowStreams([1], generator=generator).normal(4)
    assert not torch.equal(first, rng.RowStreams([1], generator=generator).normal(4))


def test_normals_are_standard_and_integers_cover_their_range() -> None:
    many = streams(list(range(400)))
    drawn = many.normal(50)
    assert abs(float(drawn.mean())) < 0.03
    assert abs(float(drawn.var()) - 1) < 0.05
    steps = many.integers(1, 4)
    assert torch.bincount(steps, minlength=5).tolist()[0] == 0
    assert all(60 < count < 140 for count in torch.bincount(steps).tolist()[1:])


def test_rows_are_named_by_question_id_if_there_is_one() -> None:
    assert rng.row_keys({"question_id": torch.tensor([8, 3])}, 2) == [8, 3]
    assert rng.row_keys({}, 2) == [0, 1]
