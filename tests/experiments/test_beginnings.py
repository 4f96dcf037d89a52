"""Two sources are compared by what they compute first, with and without folders of runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from avqa_core import cli
from avqa_core.experiments import beginnings
from avqa_core.experiments.beginnings import Beginning, Beginnings
from avqa_core.training import runs
from tests.training.worlds import write_world

SOME = {
    "experiment": "plug_in/rmm",
    "seed": 0,
    "data_hash": "d",
    "source_modules": ("avqa_core.types",),
    "source_hash": "s",
    "rates": "r",
    "losses": ('{"total": 1.0}', '{"total": 0.5}'),
    "logits": {"complete": "a", "audio_missing": "b"},
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"source_hash": "t", "source_modules": ()}, []),
        ({"data_hash": "e"}, ["the data are others"]),
        ({"rates": "q"}, ["the learning rates are others"]),
        (
            {"losses": ('{"total": 1.0}', '{"total": 0.25}')},
            ['step 2: losses {"total": 0.5}, {"total": 0.25} before'],
        ),
        ({"losses": ('{"total": 1.0}',)}, ["2 steps, 1 before"]),
        ({"logits": {"complete": "a", "audio_missing": "c"}}, ["audio_missing: other answers"]),
        ({"logits": {"complete": "a"}}, ["audio_missing: other answers"]),
    ],
)
def test_everything_that_differs_is_told(changed, told):
    assert Beginning(**SOME).differs_from(Beginning(**{**SOME, **changed})) == told


def test_they_are_read_as_they_were_written(tmp_path):
    path, one = tmp_path / "b.json", Beginning(**SOME)
    written = Beginnings({"plug_in/rmm": one}, frozenset("ts"))
    beginnings.write(path, written)
    assert beginnings.read(path) == written


@pytest.mark.parametrize("content", [None, "{", "[]", '{"beginnings": [{"experiment": "a"}]}'])
def test_a_file_that_is_none_is_one_line(tmp_path, capsys, content):
    path = tmp_path / "b.json"
    if content is not None:
        path.write_text(content)
    data = write_world(tmp_path / "world", {"train": 24, "val": 8, "test": 8})
    places = ("--data", str(data), "--out", str(tmp_path / "runs"), "--store", str(path) + ".store")
    assert cli.main(["results", *places, "--replay", "--beginnings", str(path)]) == 2
    assert "--beginnings: expected a file that" in capsys.readouterr().err


@pytest.mark.slow
def test_stored_runs_count_where_both_sources_begin_alike(tmp_path, capsys):
    write_world(tmp_path / "world", {"train": 24, "val": 8, "test": 8})
    store, before = tmp_path / "smoke.json", tmp_path / "before.json"
    arguments = [
        *("results", "--profile", "smoke", "--data", str(tmp_path / "world"), "--seeds", "2"),
        *("--out", str(tmp_path / "runs"), "--store", str(store)),
        *("--only", "table4/rmm", "table4/none", "table4/paper"),
    ]
    assert cli.main(arguments) == 0
    assert cli.main([*arguments, "--beginnings", str(before)]) == 0
    found, sources = beginnings.read(before).found, beginnings.read(before).sources
    assert set(found) == {"complete/plain", "table4/none", "table4/rmm", "table4/paper"}
    assert found["table4/rmm"].losses != found["table4/paper"].losses
    assert not found["table4/none"].losses and len(found["table4/rmm"].losses) == 3
    made = _provenances(store)
    for name, hashes in made.items():  # what a worker imports and what is imported here
        assert hashes == {found[name].source_hash}, name
    assert sources == set().union(*made.values())

    _made_by(store, before, "another", first="another that had imported more")
    shutil.rmtree(tmp_path / "runs")
    _spoil(before, "table4/paper")
    capsys.readouterr()
    assert cli.main([*arguments, "--replay", "--beginnings", str(before)]) == 1
    said = capsys.readouterr().out
    assert "table4/rmm: the same" in said and "table4/paper: step 1: losses" in said
    after = _provenances(store)
    assert after["table4/paper"] <= {"another", "another that had imported more"}
    for name in ("complete/plain", "table4/none", "table4/rmm"):
        assert after[name] == made[name], "both seeds, though one was begun"
    told = [one for one in json.loads(store.read_text())["provenance"] if "replayed" in one]
    assert told and all(one["replayed"]["weights"] == "random" for one in told)
    assert all(runs.is_fresh(one) for one in told)


def _provenances(store: Path) -> dict[str, set[str]]:
    """Return by which sources the runs of each experiment were made."""
    content = json.loads(store.read_text())
    found: dict[str, set[str]] = {}
    for run in content["runs"]:
        made_by = content["provenance"][run["provenance"]]
        found.setdefault(run["experiment"], set()).add(made_by["source_hash"])
    return found


def _made_by(store: Path, before: Path, source: str, first: str) -> None:
    """Let stored runs and beginnings look as if other source had made them."""
    content = json.loads(store.read_text())
    for one in content["provenance"]:
        one["source_hash"] = source
    content["provenance"][0]["source_hash"] = first
    store.write_text(json.dumps(content))
    content = json.loads(before.read_text())
    content["sources"] = [source, first]
    for one in content["beginnings"]:
        one["source_hash"] = source
    before.write_text(json.dumps(content))


def _spoil(before: Path, name: str) -> None:
    content = json.loads(before.read_text())
    (one,) = (one for one in content["beginnings"] if one["experiment"] == name)
    one["losses"][0] = "{}"
    before.write_text(json.dumps(content))
