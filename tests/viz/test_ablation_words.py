"""What the ablation chapter quotes is there under the names it uses, stored or not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from avqa_core import experiments, ledger
from avqa_core.viz import ablation_words, avr_words, recall_words
from avqa_core.viz.result_words import NOT_RUN
from tests.experiments.stored_results import stored

CHAPTER = Path(__file__).parents[2] / "notebooks" / "05_ablations.py"


def test_every_glued_name_of_the_chapter_is_made():
    quoted = set(re.findall(r"\{glue:text\}`([a-z_0-9]+)`", CHAPTER.read_text()))
    told = ablation_words.words(stored({}))
    assert quoted <= set(told)
    assert {name for name in told if name not in quoted} == set()


def test_without_results_everything_says_so():
    told = ablation_words.words(stored({}))
    assert told["lift_audio_missing"] == told["cpu_minutes"] == NOT_RUN
    assert told["num_runs"] == "0"
    assert told["verdicts_paper"] == f"{told['num_claims']} were not run"


def test_numbers_are_those_of_the_results():
    right = {"complete": [(54, 30)] * 3, "visual_missing": [(30, 20)] * 3}
    results = stored(
        {
            "table4/none": {**right, "audio_missing": [(20, 10), (22, 11), (24, 9)]},
            "table4/paper": {**right, "audio_missing": [(40, 10), (43, 11), (44, 9)]},
            "complete/plain": right,
        }
    )
    told = ablation_words.words(results)
    assert told["lift_audio_missing"] == "+20.3 points (+18.9 to +21.8, 3 seeds)"
    assert told["share_paper"] == "93.3 %"  # 84 of 90 that can be known
    assert told["share_paper_no_order"] == "90.0 %"
    assert told["num_runs"] == "9"
    assert told["cpu_minutes"] == "1 minute"  # 3 x (2 + 3 + 4) s and 9 x 1 s


def accuracies(**of: int) -> dict[str, list[tuple[int, int]]]:
    return {scenario: [(count, 20), (count + 1, 20)] for scenario, count in of.items()}


def test_what_longer_training_adds_is_a_difference_of_two_gains():
    results = stored(
        {
            "avr/one_step": accuracies(audio_missing=10, visual_missing=10),
            "avr/one_step_longer": accuracies(audio_missing=25, visual_missing=5),
            "table4/rmm": accuracies(audio_missing=20, visual_missing=20),
            "avr/rmm_longer": accuracies(audio_missing=22, visual_missing=22),
        }
    )
    gap, seeds = avr_words.training_gap(results, "audio_missing")
    assert gap is not None and seeds == 2
    assert gap.estimate == pytest.approx(0.13)  # 15 of 100 questions more, less 2
    told = avr_words.avr_words(results)
    assert told["avr_training_audio_missing"].startswith("+13.0 points")
    assert told["avr_training_visual_missing"].startswith("-7.0 points")
    unrun = "1 was not run, 2 was not run, 3 was not run, 4"
    assert told["avr_predictions_audio_missing"] == f"{unrun} holds"
    assert told["avr_predictions_visual_missing"] == f"{unrun} is contradicted"
    assert avr_words.training_gap(stored({}), "audio_missing") == (None, 0)


def test_every_question_of_the_ledger_stands_in_one_chapter():
    entries = ledger.ledger(stored({}))
    of_paper, of_avr = ablation_words.of_paper(entries), ablation_words.about_avr(entries)
    of_recall = recall_words.entries(entries)
    places = [[one.claim for one in part] for part in (of_paper, of_avr, of_recall)]
    for entry in entries:
        assert sum(entry.claim in part for part in places) == 1, entry.claim.statement


def test_the_quoted_experiments_are_in_the_plan():
    known = {one.name for one in experiments.plan("book", [0])}
    quoted = (*ablation_words.GAPS.values(), *avr_words.AVR_GAPS.values())
    named = {name for pair in quoted for name in pair}
    assert named <= known
    assert {*ablation_words.slots().values(), *ablation_words.steps().values()} <= known
