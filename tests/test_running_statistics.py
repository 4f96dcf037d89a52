"""Running statistics: exact at first, a window later, blind to rows that are not real."""

from __future__ import annotations

import torch

from avqa_core.running_statistics import RunningStatistics


def yes(count: int) -> torch.Tensor:
    return torch.ones(count, dtype=torch.bool)


def test_first_update_takes_mean_and_variance_by_hand() -> None:
    statistics = RunningStatistics(2)
    # Channel 0 has 1 and 3: mean 2, variance 1. Channel 1 has 0 and 4: mean 2, variance 4.
    statistics.update(torch.tensor([[1.0, 0.0], [3.0, 4.0]]), yes(2))
    assert torch.allclose(statistics.mean, torch.tensor([2.0, 2.0]))
    assert torch.allclose(statistics.variance, torch.tensor([1.0, 4.0]))


def test_equal_updates_average_to_the_statistics_of_everything() -> None:
    values = torch.randn(60, 3, 2, 4, generator=torch.Generator().manual_seed(0)) * 3 + 5
    statistics = RunningStatistics(3)
    for part in values.split(12):
        statistics.update(part, yes(12))
    assert torch.allclose(statistics.mean, values.mean(dim=(0, 2, 3)), atol=1e-5)
    spread = values.var(dim=(0, 2, 3), unbiased=False)
    assert torch.allclose(statistics.variance, spread, atol=1e-4)


def test_old_updates_fade() -> None:
    statistics = RunningStatistics(1)
    for _ in range(100):
        statistics.update(torch.zeros(1, 1), yes(1))
    for _ in range(100):
        statistics.update(torch.ones(1, 1), yes(1))
    assert 0.6 < float(statistics.mean) < 0.65  # 1 - 0.99^100 = 0.634


def test_rows_that_are_not_real_are_never_read() -> None:
    values = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0))
    real = torch.tensor([True, False, True, False])
    alone, poisoned = RunningStatistics(3), RunningStatistics(3)
    alone.update(values[real], yes(2))
    poisoned.update(values.masked_fill(~real[:, None, None], float("nan")), real)
    assert torch.allclose(alone.mean, poisoned.mean)
    assert torch.allclose(alone.variance, poisoned.variance)
    poisoned.update(values.fill_(float("nan")), torch.zeros(4, dtype=torch.bool))
    assert torch.allclose(alone.mean, poisoned.mean)
    assert int(poisoned.num_updates) == 1


def test_two_processes_that_add_their_sums_keep_the_statistics_of_both() -> None:
    values = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    whole, left, right = (RunningStatistics(3) for _ in range(3))
    whole.update(values, yes(8))
    sums: list[torch.Tensor] = []
    for part, one in ((values[:2], left), (values[2:], right)):
        one.reduce = lambda own: (sums.append(own), own)[1]
        one.update(part, yes(len(part)))
    fresh = RunningStatistics(3)
    fresh.reduce = lambda own: sums[0] + sums[1]
    fresh.update(values[:2], yes(2))
    assert torch.allclose(whole.mean, fresh.mean, atol=1e-6)
    assert torch.allclose(whole.variance, fresh.variance, atol=1e-6)
    assert not torch.allclose(whole.mean, left.mean, atol=1e-3)


def test_standardise_and_restore_undo_each_other_and_spare_dead_channels() -> None:
    values = torch.randn(50, 2, 3, generator=torch.Generator().manual_seed(0)) * 4 + 1
    values[:, 1] = 0.0
    statistics = RunningStatistics(2)
    statistics.update(values, yes(50))
    standard = statistics.standardise(values)
    assert torch.allclose(standard[:, 0].mean(), torch.tensor(0.0), atol=1e-5)
    assert torch.allclose(standard[:, 0].var(unbiased=False), torch.tensor(1.0), atol=1e-4)
    assert float(statistics.deviation[1]) > 0.05
    assert torch.allclose(statistics.restore(standard), values, atol=1e-5)


def test_statistics_are_part_of_the_state() -> None:
    statistics, copy = RunningStatistics(2), RunningStatistics(2)
    statistics.update(torch.randn(5, 2, generator=torch.Generator().manual_seed(0)), yes(5))
    copy.load_state_dict(statistics.state_dict())
    assert torch.equal(copy.deviation, statistics.deviation)
    assert int(copy.num_updates) == 1
