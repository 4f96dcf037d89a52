"""Tables 1 and 3 as pictures and tables, from numbers made for it."""

from __future__ import annotations

from avqa_core.experiments.paper_tables import TABLE_1, table1_run
from avqa_core.experiments.results import Stored
from avqa_core.studies.cost import Cost
from avqa_core.viz import method_views as views
from tests.experiments.stored_results import content, stored

SCENARIOS = ("complete", "audio_missing", "visual_missing")


def _results() -> Stored:
    """Two backbones: what is added to the plain one is 10, 20 and 30 of 100 questions."""
    return stored(
        {
            table1_run(backbone, method): {
                scenario: [(10 + 10 * place + seed, 20) for seed in range(3)]
                for scenario in SCENARIOS
            }
            for backbone in ("avst", "pstp_net")
            for place, method in enumerate(TABLE_1)
        }
    )


def test_every_backbone_has_a_row_with_every_method_between_its_bounds():
    figure = views.backbones_figure(_results(), "audio_missing")
    (panel,) = figure.axes
    assert [one.get_text() for one in panel.get_yticklabels()] == ["AVST", "PSTP-Net"]
    labels = panel.get_legend_handles_labels()[1]
    assert labels == [
        "never trained for absence",
        "modality dropout",
        "RMM and AVR",
        "recommended",
        "floor to ceiling",
    ]


def test_lifts_are_paired_by_seed_and_count_points():
    text = views.lifts_table(_results(), caption="n").text
    found = [line for line in text.splitlines() if line.strip().startswith("PSTP-Net")]
    assert [row.split()[1] for row in found] == ["audio", "visual"]
    for row in found:
        for points in ("+10.0", "+20.0", "+30.0"):
            assert row.count(f"{points} ({points} to {points})") == 1
        assert "31.0" in row  # 11 and 20 of 100 on average
        assert "seeds" not in row and row.split()[-1] == "3"


def test_a_lift_tells_the_seeds_that_both_rows_have():
    """Half-way: the plain row has three seeds, one method one of them, another none."""
    made = content(
        {
            f"table1/avsd/{method}": {one: [(20 + seed, 20) for seed in seeds] for one in SCENARIOS}
            for method, seeds in (("plain", (0, 1, 2)), ("paper", (5,)), ("recommended", (6,)))
        }
    )
    (last,) = (one for one in made["runs"] if one["experiment"] == "table1/avsd/recommended")
    last["seed"] = 7
    text = views.lifts_table(Stored("book", made), caption="n").text
    found = text.splitlines()[-2:]
    for row in found:
        assert row.count("+5.0, 1 seed") == 1 and row.count("no seed in common") == 1
        assert row.split()[-1] == "3"
    assert "seeds of plain" in text


def test_what_is_not_stored_is_a_box_with_the_command():
    for shown in (
        views.backbones_figure(Stored("book"), "audio_missing"),
        views.lifts_table(Stored("book"), caption="n"),
    ):
        assert "avqa results --profile book --only table1 table3 table4" in shown.text


def test_costs_stand_beside_what_is_published():
    one = Cost(
        backbone=7_916_716,
        completer=2_000_000,
        enhancer=500_000,
        complete=109_000_000,
        missing=4_100_000_000,
        training=9_000_000_000,
    )
    text = views.cost_table({"AVST": one}, {"AVST": 7_900_000}, caption="n").text
    row = text.splitlines()[-1].split()
    assert row == ["AVST", "7.92", "7.90", "2.50", "0.11", "4.10", "9.00"]
    bare = views.cost_table({"AVST": one}, {}, caption="n").text
    assert "published" not in bare
    assert bare.splitlines()[-1].split() == ["AVST", "7.92", "2.50", "0.11", "4.10", "9.00"]


def test_costs_of_table_3_leave_out_what_costs_nothing_or_the_same(monkeypatch):
    asked = []
    blank = Cost(backbone=1, completer=0, enhancer=0, complete=1, missing=1, training=1)
    monkeypatch.setattr(views, "cost", lambda model, regime: asked.append(regime) or blank)
    found = views.table3_costs("smoke", "tiny")
    assert len(found) == len(views.TABLE_3) - 2
    assert next(iter(found)) == "modality dropout" and "RMM and AVR" in found
    assert asked == ["modality_dropout", *["joint"] * (len(found) - 1)]
