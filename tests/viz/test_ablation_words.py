"""What the ablation chapter quotes is there under the names it uses, stored or not."""

from __future__ import annotations

import re
from pathlib import Path

from avqa_core import experiments
from avqa_core.viz import ablation_words
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


def test_the_quoted_experiments_are_in_the_plan():
    known = {one.name for one in experiments.plan("book", [0])}
    named = {name for pair in ablation_words.GAPS.values() for name in pair}
    assert named <= known
    assert {*ablation_words.slots().values(), *ablation_words.steps().values()} <= known
