"""What a replay says of stored runs that have no folder."""

from __future__ import annotations

import json

from avqa_core.experiments import collecting
from tests.experiments.stored_results import PROVENANCE, content


def test_a_replay_speaks_for_stored_runs_of_the_same_source_and_experiment(tmp_path):
    right = {"complete": [(30, 10), (33, 12), (31, 11)]}
    made = content({"table4/rmm": right, "table4/avr": right})
    made["provenance"].append(PROVENANCE | {"source_hash": "other"})
    made["runs"][2]["provenance"] = 1  # the third seed of the first
    path = tmp_path / "book.json"
    path.write_text(json.dumps(made))
    told = {"source_hash": "new", "replayed": {"seed": 0}}
    collecting.vouch_stored("book", path, "table4/rmm", "?", told)
    after = json.loads(path.read_text())
    by_run = {
        (run["experiment"], run["seed"]): after["provenance"][run["provenance"]]
        for run in after["runs"]
    }
    hashes = {key: one["source_hash"] for key, one in by_run.items()}
    assert [hashes["table4/rmm", seed] for seed in range(3)] == ["new", "new", "other"]
    assert {hashes["table4/avr", seed] for seed in range(3)} == {"?"}
    assert by_run["table4/rmm", 1] == PROVENANCE | told
    assert [run["correct"] for run in after["runs"]] == [run["correct"] for run in made["runs"]]
    assert after["experiments"] == made["experiments"] and after["worlds"] == made["worlds"]


def test_without_a_store_there_is_nothing_to_speak_for(tmp_path):
    collecting.vouch_stored("book", tmp_path / "none.json", "table4/rmm", "?", {})
    assert not (tmp_path / "none.json").exists()
