from __future__ import annotations

from itertools import chain

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avqa_core.data.loading import BatchPlan, load
from avqa_core.errors import ConfigError
from tests.data.samples import make_dataset


def rows_of(epoch=0, start=0, **options):
    return list(BatchPlan(**options).batches(epoch, start))


def test_without_shuffling_the_order_is_that_of_the_file():
    options = {"num_questions": 5, "batch_size": 2, "shuffle": False}
    assert rows_of(**options, last="drop") == [[0, 1], [2, 3]]
    assert rows_of(**options, last="keep") == [[0, 1], [2, 3], [4]]
    assert rows_of(**options, last="pad") == [[0, 1], [2, 3], [4, 0]]


def test_a_split_smaller_than_a_batch_is_padded_round_and_round():
    options = {"num_questions": 2, "batch_size": 5, "shuffle": False}
    assert rows_of(**options, last="pad") == [[0, 1, 0, 1, 0]]
    with pytest.raises(ConfigError, match="at least 5 questions"):
        BatchPlan(**options)


@settings(deadline=None)
@given(
    num_questions=st.integers(1, 60),
    share=st.integers(1, 5),
    world_size=st.integers(1, 4),
    epoch=st.integers(0, 3),
    last=st.sampled_from(["pad", "keep"]),
)
def test_processes_together_do_what_one_does(num_questions, share, world_size, epoch, last):
    options = {
        "num_questions": num_questions,
        "batch_size": share * world_size,
        "last": last,
        "seed": 5,
    }
    alone = rows_of(epoch, **options)
    shares = [
        rows_of(epoch, **options, rank=rank, world_size=world_size) for rank in range(world_size)
    ]
    together = [list(chain(*parts)) for parts in zip(*shares, strict=True)]
    assert together == alone
    assert {row for batch in alone for row in batch} == set(range(num_questions))
    if last == "keep":
        assert sum(map(len, alone)) == num_questions
    else:
        assert {len(batch) for part in shares for batch in part} == {share}


def test_an_epoch_can_be_resumed_anywhere():
    options = {"num_questions": 23, "batch_size": 4, "seed": 1}
    whole = rows_of(2, **options)
    assert len(whole) == len(BatchPlan(**options)) == 5
    for start in range(6):
        assert rows_of(2, start, **options) == whole[start:]


def test_the_order_changes_with_seed_and_epoch_only():
    options = {"num_questions": 50, "batch_size": 5}
    assert rows_of(0, **options, seed=1) == rows_of(0, **options, seed=1)
    assert rows_of(0, **options, seed=1) != rows_of(1, **options, seed=1)
    assert rows_of(0, **options, seed=1) != rows_of(0, **options, seed=2)


@pytest.mark.parametrize(
    "bad",
    [
        {"batch_size": 0},
        {"batch_size": 3, "world_size": 2},
        {"batch_size": 2, "world_size": 2, "rank": 2},
        {"batch_size": 2, "num_questions": 0, "last": "pad"},
        {"batch_size": 2, "world_size": 0},
    ],
)
def test_an_impossible_plan_is_refused(bad):
    with pytest.raises(ConfigError, match="batch plan: expected"):
        BatchPlan(**({"num_questions": 10} | bad))


def test_loading_yields_the_batches_of_the_plan(tmp_path):
    dataset = make_dataset(tmp_path)
    plan = BatchPlan(num_questions=len(dataset), batch_size=4, last="keep", seed=3)
    batches = list(load(dataset, plan, epoch=1, seed=3, negatives=True))
    assert [batch.question_id.tolist() for batch in batches] == [
        [1000 + row for row in rows] for rows in plan.batches(1)
    ]
    resumed = list(load(dataset, plan, epoch=1, start=2, seed=3, negatives=True))
    assert len(resumed) == 1
    assert torch.equal(resumed[0].negative_visual, batches[2].negative_visual)


def test_a_process_without_a_share_of_the_last_batch_skips_it(tmp_path):
    dataset = make_dataset(tmp_path, num_clips=5, each=1)
    plans = [
        BatchPlan(
            num_questions=5, batch_size=4, shuffle=False, last="keep", rank=rank, world_size=2
        )
        for rank in (0, 1)
    ]
    seen = [[batch.question_id.tolist() for batch in load(dataset, plan)] for plan in plans]
    assert seen == [[[1000, 1001], [1004]], [[1002, 1003]]]
