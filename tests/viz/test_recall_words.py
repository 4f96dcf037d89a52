"""What the chapter on recall quotes is there under the names it uses, stored or not."""

from __future__ import annotations

import re
from pathlib import Path

from avqa_core import experiments
from avqa_core.claims import claims
from avqa_core.experiments import planning
from avqa_core.viz import recall_words
from avqa_core.viz.result_words import NOT_RUN
from tests.experiments.stored_results import stored

CHAPTER = Path(__file__).parents[2] / "notebooks" / "13_where_recall_helps.py"


def test_every_glued_name_of_the_chapter_is_made_and_no_other():
    quoted = set(re.findall(r"\{glue:text\}`([a-z_0-9]+)`", CHAPTER.read_text()))
    assert set(recall_words.words(stored({}))) == quoted


def test_the_hypothesis_names_claims_that_the_ledger_has():
    assert set(recall_words.HYPOTHESIS.values()) <= {one.statement for one in claims()}


def test_without_results_everything_says_so():
    told = recall_words.words(stored({}))
    assert told["plug_in_rmm_audio_missing"] == NOT_RUN
    assert told["hypothesis_frozen"] == "was not run"


def test_a_hypothesis_has_one_word_where_both_scenarios_agree_and_else_two():
    names = [f"joint/{one}" for one in ("modality_dropout", "modality_dropout_wide")]

    def told(audio: int, visual: int) -> str:
        ours = {"complete": 30, "audio_missing": audio, "visual_missing": visual}
        counts = {"joint/recommended": ours, **{one: dict.fromkeys(ours, 30) for one in names}}
        results = stored(
            {
                name: {scenario: [(right, 20)] * 2 for scenario, right in of.items()}
                for name, of in counts.items()
            }
        )
        return recall_words.words(results)["hypothesis_joint"]

    assert told(40, 40) == "holds"
    assert told(40, 20) == "holds and is contradicted"


def test_recall_weighs_what_the_plan_gives_it():
    one = {run.name: run for run in experiments.plan("book", [0])}["few_labels/recommended"]
    weight = one.objective.recall_weight * one.model.completer.recall_weight
    told = recall_words.words(stored({}))
    assert told["recall_weight"] == f"{weight:,.0f}" == "1,000"
    assert told["recall_weight_elsewhere"] == f"{one.model.completer.recall_weight:.0f}" == "20"
    assert told["labelled_share"] == f"{100 * planning.LABELLED_FRACTION:.0f} %"


def test_the_quoted_experiments_are_in_the_plan():
    known = {one.name for one in experiments.plan("book", [0])}
    assert {name for pair in recall_words.GAPS.values() for name in pair} <= known
