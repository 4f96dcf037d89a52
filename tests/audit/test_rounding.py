from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avqa_core.audit.rounding import (
    Printed,
    consistent_counts,
    printed_count,
    share_in_common,
    share_of_values,
)
from avqa_core.errors import AnnotationError


@pytest.mark.parametrize(
    ("text", "total", "counts"),
    [
        # 696 / 1022 = 68.1018 %; of 1017, 692 give 68.043 and 693 give 68.142
        ("68.10", 1022, [696]),
        ("68.10", 1017, []),
        # 1 / 8 = 12.5 %: a half, which programs round up or to even
        ("12", 8, [1]),
        ("13", 8, [1]),
        ("12.5", 8, [1]),
        ("12.50", 8, [1]),
        ("0.00", 5, [0]),
        ("100.00", 5, [5]),
        # units of 0.01 % of 40,000 are four questions; both halves count: 3998 to 4002
        ("10.00", 40_000, [3998, 3999, 4000, 4001, 4002]),
        ("74.0", 3, []),
    ],
)
def test_counts_by_hand(text, total, counts):
    assert list(consistent_counts(Printed.parse(text), total)) == counts


@given(st.data(), st.integers(1, 30_000), st.integers(0, 3))
def test_what_was_printed_is_found_again(data, total, decimals):
    count = data.draw(st.integers(0, total))
    printed = printed_count(count, total, decimals)
    assert count in consistent_counts(printed, total)
    assert Printed.parse(printed.text) == printed


@given(st.integers(1, 400), st.integers(0, 10_000))
def test_counts_are_exactly_those_within_half_a_unit(total, units):
    printed = Printed("", 0, 2).moved_to(units)
    within = [
        k for k in range(total + 1)
        if abs(Fraction(100 * k, total) - Fraction(units, 100)) <= Fraction(1, 200)
    ]  # fmt: skip
    assert list(consistent_counts(printed, total)) == within


@pytest.mark.parametrize("text", ["", "abc", "-3", "101", "100.01", "1e2", "3.14159", "6 8", "6,8"])
def test_what_is_no_accuracy_is_refused(text):
    with pytest.raises(AnnotationError, match="row 3: expected an accuracy"):
        Printed.parse(text, "row 3")


def test_shares_by_hand():
    # of 0 to 100 without decimals, n = 4 gives 0, 25, 50, 75 and 100
    assert share_of_values(4, 0) == pytest.approx(5 / 101)
    # n = 8 has four halves, 12.5, 37.5, 62.5 and 87.5, each of which may be printed in two ways
    assert share_of_values(8, 0) == pytest.approx(13 / 101)
    assert share_of_values(20_000, 2) == 1.0
    # fourths, printed as 0, 25, 50, 75, 100: of them 0, 50 and 100 are halves
    assert share_in_common(4, 2, 0) == pytest.approx(3 / 5)
    assert share_in_common(1022, 1022, 2) == 1.0
