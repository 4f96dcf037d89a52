from __future__ import annotations

import numpy as np

from avqa_core.data.draws import draw_below, draw_uniform


def test_the_mixing_function_is_that_of_splitmix64():
    # The first output of SplitMix64 from seed 0 is 0xE220A8397B1DCDAF. Seed 0 and key 0 give a
    # row state of 0, so its first draw is that number modulo the bound.
    assert draw_below(2**62, 0, np.array([0]), 1).item() == 0xE220A8397B1DCDAF % 2**62


def test_a_key_has_its_own_draws_wherever_it_stands():
    keys = np.array([7, 3, 2**62])
    whole = draw_below(100, 5, keys, 4)
    assert whole.shape == (3, 4)
    for row, key in enumerate(keys):
        np.testing.assert_array_equal(draw_below(100, 5, np.array([key]), 4)[0], whole[row])
    np.testing.assert_array_equal(draw_below(100, 5, keys, 2), whole[:, :2])
    assert not (draw_below(100, 6, keys, 4) == whole).all()


def test_draws_are_even_and_below_their_bounds():
    drawn = draw_below(7, 1, np.arange(20_000), 2)
    # expected 20,000 / 7 = 2,857 each, standard deviation 49.5
    for column in drawn.T:
        assert np.abs(np.bincount(column, minlength=7) - 20_000 / 7).max() < 4 * 49.5
    # neighbouring keys and neighbouring places are independent: the pairs are even as well
    for pairs in (drawn[:, 0] * 7 + drawn[:, 1], drawn[:-1, 0] * 7 + drawn[1:, 0]):
        assert np.abs(np.bincount(pairs, minlength=49) - 20_000 / 49).max() < 4.5 * 20
    each = draw_below(np.array([1, 2, 3]), 0, np.array([1, 2, 3]), 1000)
    assert each.max(axis=1).tolist() == [0, 1, 2]


def test_uniform_draws_fill_the_unit_interval():
    drawn = draw_uniform(3, np.arange(20_000), 1)[:, 0]
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = np.histogram(drawn, bins=10, range=(0, 1))[0]
    # expected 2,000 each, standard deviation 42.4
    assert np.abs(counts - 2_000).max() < 4 * 42.4
