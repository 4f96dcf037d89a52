"""Every printed row of Tables 1 and 3: with no run, some runs, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from avqa_core.diffusion.denoiser import LightConfig
from avqa_core.experiments import plan
from avqa_core.experiments.paper_tables import BACKBONES, table1_run
from avqa_core.experiments.results import Stored
from avqa_core.viz import method_views, method_words
from avqa_core.viz import paper_rows as views
from avqa_core.viz.method_views import TABLE_3, table1_names
from avqa_core.viz.result_words import NOT_RUN
from tests.experiments.stored_results import CATEGORIES, content, stored

SCENARIOS = ("complete", "audio_missing", "visual_missing")
EMPTY = Stored("book")
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def _same(*right: int) -> dict[str, list[tuple[int, int]]]:
    """Return counts in every scenario, one of 100 questions a seed; the floor is 40 of them."""
    counts = [(min(one, 60), max(one - 60, 0)) for one in right]
    return dict.fromkeys(SCENARIOS, counts)


SOME = stored(
    {
        "table4/none": _same(60, 61, 62),
        "table4/paper": _same(70, 72, 71),
        "table1/avsd/plain": _same(20, 21, 22),
        "table1/pano_avqa/plain": _same(50, 60, 50),
        "table1/pano_avqa/paper": _same(52, 58, 49),
    }
)
ALL = stored(
    {name: _same(60, 61, 62) for name in {*table1_names(), *TABLE_3}}
    | {views.BOTH: _same(70, 71, 72), "table3/drfuse": _same(80, 81, 82)}
)
ONE_SEED = stored({name: _same(60) for name in {*table1_names(), *TABLE_3}})


def _row(text: str, *starts: str) -> str:
    (row,) = [one for one in text.splitlines() if one.split()[: len(starts)] == list(starts)]
    return row


def test_the_tables_have_every_printed_row():
    one, three = views.table1_rows(), views.table3_rows()
    assert len(one) == 16 and len(three) == 12
    text = views.rows_table(EMPTY, one, caption="c").text
    for value in ("59.25", "68.91", "36.60", "69.71", "67.74"):
        assert value in text
    text = views.rows_table(EMPTY, three, caption="c").text
    for value in ("60.28", "66.44", "67.37", "66.50", "69.71", "67.98"):
        assert value in text


def test_without_a_run_every_row_says_so():
    for rows in (views.table1_rows(), views.table3_rows()):
        lines = views.rows_table(EMPTY, rows, caption="c").text.splitlines()[2:]
        assert len(lines) == len(rows)
        assert all(": not run" in line for line in lines)


def test_what_is_stored_has_mean_interval_counts_bounds_and_verdict():
    text = views.rows_table(SOME, views.table1_rows(), caption="c").text
    lines = [line for line in text.splitlines() if line.split()[:1] == ["audio"]]
    plain, completed = (line for line in lines if "  AVST" in line)
    for part in (
        "61.0 (58.5 to 63.5)",
        "183 of 300",
        "3",
        "40.0 to 90.0",
        "our check, over the floor: holds here",
    ):
        assert part in plain
    for part in ("69.71", "71.0 (", "213 of 300", "over plain: holds here"):
        assert part in completed
    # below the floor with its whole interval
    assert "contradicted here" in next(line for line in lines if "  AVSD " in line)
    assert "not run" in next(line for line in lines if "AVSD, RMM" in line)
    assert "not told apart" in next(line for line in lines if "Pano-AVQA, RMM" in line)


def test_table_3_judges_rivals_as_the_paper_has_them():
    verdicts = {
        row.label: views.row_verdict(ALL, row)
        for row in views.table3_rows()
        if row.scenario == "audio_missing"
    }
    assert verdicts == {
        "AVST": "holds here",
        "missing-aware prompts": "holds here",
        "ShaSpec": "holds here",
        "ActionMAE": "holds here",
        "DrFuse": "contradicted here",  # better than RMM and AVR
        "RMM and AVR": "holds here",
    }


def test_one_seed_decides_nothing_and_has_no_interval():
    for rows in (views.table1_rows(), views.table3_rows()):
        assert {views.row_verdict(ONE_SEED, row) for row in rows} == {"one seed: no verdict"}
        text = views.rows_table(ONE_SEED, rows, caption="c").text
        assert "nan" not in text and "not told apart" not in text
    told = method_words.table1_words(ONE_SEED)
    assert told["verdicts_paper"] == "8 have one seed and no verdict"


def test_over_the_floor_is_a_check_of_ours_and_no_claim_of_the_paper():
    plain = [row for row in (*views.table1_rows(), *views.table3_rows()) if row.rival is None]
    assert len(plain) == 10 and all(row.says.startswith("our check") for row in plain)
    assert "paper's claim or our check" in views.rows_table(EMPTY, plain, caption="c").text
    for name in ("08_four_backbones", "09_other_ways"):
        prose = " ".join((NOTEBOOKS / f"{name}.py").read_text().replace("#", "").split())
        assert "with its claim" not in prose and "*our check*" in prose


def test_what_is_stored_is_counted_by_seeds():
    names = table1_names()
    text = views.stored_table(SOME, names, 3, caption="c").text
    assert _row(text, "table1/avsd/paper").split()[-5:] == ["0", "3", *"\N{EN DASH}" * 3]
    row = _row(text, "table4/paper")
    assert "about table4/paper" in row and row.split()[-5:] == ["3", "3", "5", "1200", "10"]


def test_a_plan_is_complete_with_all_its_seeds_and_else_has_its_command():
    names = table1_names()
    assert "All of these runs are stored" in views.missing_box(ALL, names, 3).text
    command = "avqa results --profile book --only table1 table3 table4"
    for results, told in ((EMPTY, "0 of 48"), (SOME, "15 of 48"), (ONE_SEED, "16 of 48")):
        text = views.missing_box(results, names, 3).text
        assert text.startswith(f"{told} runs are stored") and text.endswith(command)
    # more seeds of one row do not make up for another that has none
    assert views.missing_box(SOME, names, 1).text.startswith("5 of 16 runs")


def test_table_2_is_printed_and_not_run():
    from avqa_core.paper_values import _folder

    lines = views.table2_table(_folder(), caption="c").text.splitlines()[2:]
    assert len(lines) == 6 and all(line.endswith("not run") for line in lines)
    assert any("57.03" in line and "70.28" in line and "13.25" in line for line in lines)


@pytest.mark.parametrize("results", [EMPTY, SOME, ALL, ONE_SEED])
def test_the_words_are_there_with_any_results(results):
    one, three = method_words.table1_words(results), method_words.table3_words(results)
    assert all(isinstance(said, str) and "nan" not in said for said in (one | three).values())
    assert one["printed_avst_audio_missing"] == "+33.11"
    assert three["printed_rival_audio_missing"] == "ActionMAE"
    assert three["printed_lead_audio_missing"] == "+2.34"
    assert three["num_claims"] == "8" and one["num_claims"] == "8"
    if results is EMPTY:
        assert one["stored_runs"] == "0 of 48" and three["stored_runs"] == "0 of 39"
        assert one["paper_avst_audio_missing"] == NOT_RUN
        assert one["verdicts_paper"] == "8 were not run"
    if results is SOME:
        assert one["stored_runs"] == "15 of 48"
        assert one["paper_avst_audio_missing"].startswith("+10.0 points (")
        assert one["verdicts_paper"] == "2 hold, 2 are not told apart, 4 were not run"
    if results is ALL:
        assert one["stored_runs"] == "48 of 48" and three["stored_runs"] == "39 of 39"
        assert three["verdicts_paper"] == "6 hold, 2 are contradicted"


def test_ways_are_sorted_by_what_they_do_to_the_present_half():
    told = method_words.table3_words(ALL)
    assert told["changing"] == "ShaSpec; RMM and AVR"
    assert told["changing_audio_missing"] == "61.0 to 71.0 %"  # ShaSpec 61, RMM and AVR 71
    assert told["keeping_audio_missing"] == "61.0 to 81.0 %"  # DrFuse 81
    none = method_words.table3_words(EMPTY)
    assert none["keeping_visual_missing"] == none["changing_visual_missing"] == NOT_RUN
    assert none["changing"] == NOT_RUN


def test_only_stored_ways_are_named():
    some = stored({"table3/shaspec": _same(60, 61, 62), "table3/drfuse": _same(80, 81, 82)})
    assert method_words.table3_words(some)["changing"] == "ShaSpec"
    keeping = stored({"table3/drfuse": _same(80, 81, 82)})
    assert method_words.table3_words(keeping)["changing"] == NOT_RUN


@pytest.mark.parametrize("words", [method_words.table1_words, method_words.table3_words])
def test_the_size_of_the_control_is_told_beside_what_it_is_compared_with(words):
    made = content({name: _same(60) for name in TABLE_3})
    sizes = {"control": 1_000, "paper": 2_000, "recommended": 30_000}
    for short, size in sizes.items():
        (run,) = (one for one in made["runs"] if one["experiment"] == method_words.SIZED[short])
        run["trained_parameters"] = size
    told = words(Stored("book", made))
    assert [told[f"size_{short}"] for short in sizes] == ["1,000", "2,000", "30,000"]
    assert words(EMPTY)["size_control"] == NOT_RUN


def test_around_avst_the_sizes_and_the_denoiser_are_those_of_table_1_too():
    of = {one.name: one for one in plan("book", [0])}
    for method, short in (
        ("modality_dropout", "control"),
        ("paper", "paper"),
        ("recommended", "recommended"),
    ):
        assert table1_run("avst", method) == method_words.SIZED[short]
    for backbone in BACKBONES:
        name = table1_run(backbone, "paper")
        assert isinstance(of[name].model.enhancer.denoiser, LightConfig)


def test_the_steps_are_those_of_the_plan():
    of = {one.name: one for one in plan("book", [0])}
    one, three = method_words.table1_words(EMPTY), method_words.table3_words(EMPTY)
    assert one["steps_plain"] == f"{of['table1/avsd/plain'].num_steps:,}"
    assert three["steps_plain"] == f"{of['complete/plain'].num_steps:,}"
    methods = [name for name in (*table1_names(), *TABLE_3) if of[name].num_steps]
    methods = [name for name in methods if not name.endswith("/plain")]
    assert {f"{of[name].num_steps:,}" for name in methods} == {one["steps_methods"]}
    assert one["steps_methods"] == three["steps_methods"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("08_four_backbones", method_words.table1_words),
        ("09_other_ways", method_words.table3_words),
    ],
)
def test_what_a_chapter_quotes_is_made_and_its_verdicts_have_steps_and_sizes(name, words):
    text = (NOTEBOOKS / f"{name}.py").read_text()
    quoted = set(re.findall(r"\{glue:text\}`([a-z_0-9]+)", text))
    on_page = [re.sub(r"\{.*?\}", ".+", one) for one in re.findall(r'glue\(\s*f?"(.+?)"', text)]
    told = words(EMPTY)
    assert not {
        one
        for one in quoted
        if one not in told and not any(re.fullmatch(pattern, one) for pattern in on_page)
    }
    assert {one for one in told if one.startswith(("size_", "steps_"))} <= quoted
    summary = text.split("\n# ## ")[-1]
    assert summary.startswith("Summary") and "{glue:text}`steps_methods`" in summary
    (cell,) = [one for one in text.split("# %%") if "`num_controls`" in one]
    assert all(f"`{one}`" in cell for one in ("size_control", "size_paper", "size_recommended"))


def test_the_pretended_bounds_are_what_these_tests_count_on():
    assert SOME.floor("table4/none") == pytest.approx(0.4)
    assert SOME.ceiling("table4/none", "complete") == pytest.approx(0.9)
    assert len(CATEGORIES) == 2 and len(method_views.BACKBONES) == 4
