"""Stored results know what they were made from."""

from __future__ import annotations

import json

import pytest

from avqa_core.training import runs
from book.tools import freshness
from book.tools.layout import Layout


@pytest.fixture
def provenance() -> dict:
    modules = ["avqa_core.rng", "avqa_core.errors"]
    return {"source_modules": modules, "source_hash": runs.source_hash(modules)}


def store(layout: Layout, content: object, name: str = "main.json") -> None:
    (layout.results / name).write_text(json.dumps(content))


def test_a_result_of_this_source_is_fresh(layout: Layout, provenance: dict) -> None:
    store(layout, {"provenance": provenance, "rows": []})
    assert freshness.stale(layout) == []
    assert freshness.banner(layout) is None


def test_a_result_of_other_source_is_stale(layout: Layout, provenance: dict) -> None:
    store(
        layout,
        {"runs": [{"provenance": provenance}, {"provenance": provenance | {"source_hash": "0"}}]},
    )
    assert "main.json was made by another version" in freshness.stale(layout)[0]
    assert "main.json" in str(freshness.banner(layout))


def test_each_file_is_told_with_the_command_that_makes_it(layout: Layout, provenance: dict) -> None:
    old = {"provenance": provenance | {"source_hash": "0"}}
    (layout.results / "benchmarks").mkdir()
    store(layout, old, "benchmarks/cpu.json")
    store(layout, old | {"command": "avqa floors --fit x.json"}, "floors.json")
    store(layout, old, "main.json")
    commands = [one.split(": run ")[1] for one in freshness.stale(layout)]
    assert commands == ["'make bench'", "'avqa floors --fit x.json'", "'make results'"]


def test_a_result_that_does_not_say_is_stale(layout: Layout) -> None:
    store(layout, {"accuracy": 99})
    assert "does not say" in freshness.stale(layout)[0]


def test_a_damaged_result_is_stale(layout: Layout) -> None:
    (layout.results / "x.json").write_text("{")
    assert "is no JSON" in freshness.stale(layout)[0]


def test_a_kept_network_is_as_fresh_as_its_stored_run(layout: Layout, provenance: dict) -> None:
    (layout.results / "book_networks" / "one").mkdir(parents=True)
    store(layout, {"provenance": provenance | {"source_hash": "0"}}, "book_networks/one/state.json")
    assert freshness.stale(layout) == []


def test_the_banner_stays_short(layout: Layout) -> None:
    for number in range(5):
        store(layout, {}, f"{number}.json")
    assert "0.json, 1.json, 2.json and 2 more" in str(freshness.banner(layout))
