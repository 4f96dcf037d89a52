"""Verdicts follow from the numbers: each of the five on numbers made for it."""

from __future__ import annotations

import math

import pytest

from avqa_core import ledger
from avqa_core.claims import Claim, claims, table1_claims, table3_claims
from avqa_core.experiments import planning
from avqa_core.experiments.results import Stored
from avqa_core.ledger import judge
from avqa_core.metrics import Interval
from avqa_core.paper_values import paper_accuracies, paper_accuracy
from tests.experiments.stored_results import content as stored_content
from tests.experiments.stored_results import stored


def claim(better=("table4/paper",), worse=("table4/none",), minus=None) -> Claim:
    return Claim(
        source="Table 4",
        statement="it helps",
        scenario="audio_missing",
        better=better,
        worse=worse,
        minus=minus,
    )


def results(paper, none, rmm=None):
    """Three seeds each; the first category has 60 questions, and the second stays at 20 of 40."""
    counts = {"table4/paper": paper, "table4/none": none} | ({"table4/rmm": rmm} if rmm else {})
    return stored(
        {
            name: {
                "audio_missing": [(right, 20) for right in rights],
                "complete": [(50, 20)] * 3,
            }
            for name, rights in counts.items()
        }
    )


def test_a_difference_clear_of_zero_holds():
    (entry,) = ledger.ledger(results((40, 41, 42), (20, 21, 23)), [claim()])
    # 20, 20 and 19 questions of 100: mean 0.1967, deviation 0.0058, t(0.975, 2) = 4.303.
    assert entry.verdict == "holds"
    assert entry.ours.estimate == pytest.approx(0.59 / 3)
    assert entry.ours.low == pytest.approx(0.59 / 3 - 4.3027 * 0.0057735 / math.sqrt(3), abs=1e-5)
    assert entry.num_seeds == 3


def test_a_difference_is_paired_over_the_seeds_that_both_have():
    """0.38 - 0.2 and 0.48 - 0.3: the seeds differ, their difference does not; the third is alone.

    As if such seeds differed by 0.01 at least: t(0.975, 1) = 12.706, 12.706 * 0.01 / sqrt(2).
    """
    ours, theirs = {0: 0.38, 1: 0.48, 2: 0.9}, {0: 0.2, 1: 0.3}
    for least, half in ((0.0, 0.0), (0.01, 0.08985)):
        gap, num_shared = ledger.paired(ours, theirs, least)
        assert num_shared == 2
        assert (gap.estimate, gap.low, gap.high) == pytest.approx(
            (0.18, 0.18 - half, 0.18 + half), abs=1e-5
        )
    alone, num_shared = ledger.paired({0: 0.5}, theirs, 0.01)
    assert (alone.estimate, num_shared) == (pytest.approx(0.3), 1)
    assert math.isnan(alone.low)
    assert ledger.paired({3: 0.5}, theirs, 0.01) == (None, 0)


def test_the_other_way_round_is_contradicted():
    (entry,) = ledger.ledger(results((20, 21, 23), (40, 41, 42)), [claim()])
    assert entry.verdict == "contradicted"


def test_an_interval_with_zero_in_it_is_open():
    (entry,) = ledger.ledger(results((20, 30, 40), (22, 20, 35)), [claim()])
    assert entry.verdict == "open"


def test_what_is_not_stored_is_not_run():
    (entry,) = ledger.ledger(results((1, 2, 3), (1, 2, 3)), [claim(worse=("table4/avr",))])
    assert entry.verdict == "not run" and entry.ours is None


def test_runs_without_a_common_seed_decide_nothing():
    content = stored_content(
        {name: {"audio_missing": [(40, 20)] * 2} for name in ("table4/paper", "table4/none")}
    )
    content["runs"] = [
        run
        for run in content["runs"]
        if (run["experiment"], run["seed"]) in (("table4/paper", 0), ("table4/none", 1))
    ]
    (entry,) = ledger.ledger(Stored("book", content), [claim()])
    assert entry.verdict == "not run"


def test_the_closest_rival_decides():
    several = results((40, 41, 42), (20, 21, 23), rmm=(39, 42, 42))
    (entry,) = ledger.ledger(several, [claim(worse=("table4/none", "table4/rmm"))])
    assert entry.pair == ("table4/paper", "table4/rmm")
    assert entry.verdict == "open"


def test_the_number_beside_a_verdict_is_the_one_it_rests_on():
    """Not the smallest: a single seed far below zero decides nothing."""
    one_seed = Interval(-0.03, math.nan, math.nan)
    surely_below, above = Interval(-0.01, -0.02, -0.005), Interval(0.1, 0.05, 0.15)
    unsure, barely = Interval(0.2, -0.1, 0.5), Interval(0.2, 0.01, 0.39)
    deciding = ledger.deciding
    assert deciding({"a": one_seed, "b": surely_below, "c": above}) == "b"
    assert deciding({"a": above, "b": unsure}) == "b"
    assert deciding({"a": above, "b": one_seed, "c": unsure}) == "c"
    assert deciding({"a": above, "b": one_seed, "c": barely}) == "b"
    # of several that it beats the closest is the one that it is ahead of by least
    assert deciding({"a": above, "b": barely}) == "a"


def test_a_claim_about_what_is_lost_takes_the_complete_accuracy_off():
    (entry,) = ledger.ledger(results((40, 41, 42), (20, 21, 23)), [claim(minus="complete")])
    # Complete is 70 of 100 on both sides and cancels.
    assert entry.ours.estimate == pytest.approx(0.59 / 3)


def test_a_claim_about_gains_takes_the_run_beside_off():
    names = [f"coupling/{x}/{one}" for x in ("1.0", "0.0") for one in ("recommended", "slot_mean")]
    rights = ((40, 41, 42), (20, 20, 20), (30, 30, 30), (25, 25))
    found = stored(
        {
            name: {"audio_missing": [(right, 20) for right in of]}
            for name, of in zip(names, rights, strict=True)
        }
    )
    gain = Claim(
        source="control",
        statement="more",
        scenario="audio_missing",
        better=("coupling/1.0/recommended",),
        worse=("coupling/0.0/recommended",),
        over="slot_mean",
    )
    (entry,) = ledger.ledger(found, [gain])
    # 20 - 5 and 21 - 5 of 100; the third seed has no vector to compare with at coupling 0
    assert entry.num_seeds == 2
    assert entry.ours.estimate == pytest.approx(0.155)


def test_one_seed_decides_nothing():
    one_seed = Interval(0.3, math.nan, math.nan)
    assert judge([one_seed]) == "one seed"
    assert judge([one_seed, Interval(0.2, 0.1, 0.3)]) == "one seed"
    # more seeds cannot make it hold, so it is known to be open
    assert judge([one_seed, Interval(0.2, -0.1, 0.5)]) == "open"
    assert judge([]) == "not run"


def test_several_comparisons_need_wider_intervals_to_contradict():
    """One of nine pairs lies below zero by 95 %, which chance alone does in one of six cases."""
    below = Interval(-0.02, -0.03, -0.01)
    wide = Interval(-0.02, -0.05, 0.01)
    assert judge([below]) == "contradicted"
    assert judge([below, below], [wide, wide]) == "open"
    assert ledger.confidence_against(1) == 0.95
    assert ledger.confidence_against(5) == pytest.approx(0.99)


def test_a_rival_among_two_contradicts_only_with_the_wider_interval():
    # 4, 5 and 6 of 100 behind: deviation 0.01, so 0.0248 wide by 95 % and 0.0359 by 97.5 %
    behind = {"paper": (40, 40, 40), "none": (20, 20, 20), "rmm": (44, 45, 46)}
    both = claim(worse=("table4/none", "table4/rmm"))
    (entry,) = ledger.ledger(results(**behind), [both])
    assert entry.pair == ("table4/paper", "table4/rmm") and entry.verdict == "contradicted"
    assert entry.ours.high == pytest.approx(-0.05 + 4.3027 * 0.01 / math.sqrt(3), abs=1e-5)
    nearer = behind | {"rmm": (42, 43, 44)}
    (entry,) = ledger.ledger(results(**nearer), [both])
    assert entry.verdict == "contradicted"  # a claim of its own: "AVR adds to RMM"
    swapped = claim(better=("table4/none",), worse=("table4/paper", "table4/rmm"))
    of_swapped = {"none": (20, 20, 20), "paper": (22, 23, 24), "rmm": (10, 10, 10)}
    (entry,) = ledger.ledger(results(**of_swapped), [swapped])
    assert entry.pair == ("table4/none", "table4/paper") and entry.verdict == "open"


def test_what_contradicts_a_claim_contradicts_every_claim_that_contains_it():
    """Whatever the other pairs do, one fact has one verdict."""
    single = {
        (one.pairs[0], one.scenario): one
        for one in claims()
        if len(one.pairs) == 1 and one.minus is None
    }
    found = results((20, 20, 20), (22, 23, 24), rmm=(10, 10, 10))
    (alone,) = ledger.ledger(found, [single[("table4/paper", "table4/none"), "audio_missing"]])
    (wider,) = ledger.ledger(found, [claim(worse=("table4/rmm", "table4/none"))])
    assert alone.verdict == wider.verdict == "contradicted"
    assert alone.ours == wider.ours


def test_seeds_that_agree_by_chance_make_no_sharp_interval():
    found = results((40, 40, 40), (20, 21, 22), rmm=(20, 20, 20))
    (entry,) = ledger.ledger(found, [claim(worse=("table4/rmm",))])
    # paper over rmm is 20 of 100 with every seed; the other differences deviate by 0.01
    half = 4.3027 * 0.01 / math.sqrt(3)
    assert entry.ours.low == pytest.approx(0.2 - half, abs=1e-5)
    assert entry.ours.high == pytest.approx(0.2 + half, abs=1e-5)


def test_paper_and_ours_in_one_line_are_the_same_pair():
    several = results((40, 41, 42), (20, 21, 23), rmm=(39, 42, 42))
    (entry,) = ledger.ledger(several, [claim(worse=("table4/none", "table4/rmm"))])
    assert entry.pair == ("table4/paper", "table4/rmm")
    assert entry.paper == pytest.approx(
        paper_accuracy("table4/paper", "audio_missing")
        - paper_accuracy("table4/rmm", "audio_missing")
    )


def test_the_papers_side_is_computed_from_its_tables():
    found = {(e.claim.statement, e.claim.scenario): e for e in ledger.ledger(stored({}))}
    lift = found["RMM and AVR lift plain AVST", "audio_missing"]
    assert lift.paper == pytest.approx(0.6971 - 0.3660)
    best = found["L = 75 is best", "visual_missing"]
    assert best.paper == pytest.approx(0.6798 - 0.6741)  # 67.41 at L = 25 comes closest
    larger = found["the lift is larger where audio is missing", "audio_missing"]
    assert larger.paper == pytest.approx((0.6971 - 0.3660) - (0.6798 - 0.5914))
    fig5 = found["less is lost as the missing ratio goes from 0 to 1", "audio_missing"]
    assert fig5.paper is None
    assert all(entry.verdict == "not run" for entry in found.values())


def test_every_claim_of_the_paper_holds_in_the_paper():
    printed = [entry for entry in ledger.ledger(stored({})) if entry.paper is not None]
    assert len(printed) == 19  # all but the two of Fig. 5
    for entry in printed:
        assert entry.paper > 0, entry.claim


def test_the_papers_tables_are_read_and_contradictions_found(tmp_path):
    assert paper_accuracy("table6/steps_5", "audio_missing") == pytest.approx(0.6704)
    assert paper_accuracy("joint/recommended", "audio_missing") is None
    for number, what in ((4, "rmm,avr"), (5, "slots"), (6, "steps")):
        (tmp_path / f"table{number}.csv").write_text(f"missing,{what},accuracy,source\n")
    for number in (1, 3):
        (tmp_path / f"table{number}_full.csv").write_text("method,missing,all_avg,source\n")
    assert paper_accuracies(tmp_path) == {}
    paper_accuracies.cache_clear()
    (tmp_path / "table4.csv").write_text("missing,rmm,avr,accuracy\naudio,1,1,50\n")
    (tmp_path / "table5.csv").write_text("missing,slots,accuracy\naudio,75,51\n")
    with pytest.raises(Exception, match="agree on table4/paper"):
        paper_accuracies(tmp_path)


@pytest.mark.parametrize("some", [claims, table1_claims, table3_claims])
def test_every_claim_names_runs_of_the_plan(some):
    planned = {one.name for one in planning.plan("book", [0])}
    named = {name for one in some() for pair in one.pairs for name in pair}
    assert named <= planned


def test_every_claim_of_tables_1_and_3_has_the_papers_difference_beside_it():
    entries = ledger.ledger(Stored("book"), [*table1_claims(), *table3_claims()])
    of_paper = {
        (one.claim.statement, one.claim.scenario): one.paper
        for one in entries
        if one.claim.source != "control"
    }
    assert len(of_paper) == 2 * (4 + 4) and None not in of_paper.values()
    lifted = of_paper["RMM and AVR lift the plain backbone, PSTP-Net", "audio_missing"]
    assert lifted == pytest.approx(0.7155 - 0.6774)
    assert of_paper["RMM and AVR beat DrFuse", "visual_missing"] == pytest.approx(0.6798 - 0.6718)
