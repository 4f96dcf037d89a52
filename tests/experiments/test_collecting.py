"""What a replay says of stored runs that have no folder."""

from __future__ import annotations

import json

from avqa_core.experiments import collecting, networks, planning, results, schedule, worlds
from tests.experiments.stored_results import PROVENANCE, content

NAMES = ("table4/rmm", "table4/avr")


def _planned(tmp_path, experiments):
    """Return where the runs stand in a fresh clone, without any world."""
    nowhere = worlds.Worlds("book", tmp_path / "worlds", None, builds=False, watch=iter)
    return schedule.planned(experiments, tmp_path / "runs", nowhere)


def _plan(tmp_path):
    return _planned(tmp_path, planning.chosen(planning.plan("book"), NAMES))


def _stored(path, planned, others=()):
    """Write three seeds of each name under the identities of the plan, but for ``others``."""
    right = {"complete": [(30, 10), (33, 12), (31, 11)]}
    made = content({name: right for name in NAMES})
    made["worlds"]["default"]["identity"] = "w"
    known = collecting.identities(planned, made["worlds"])
    for run in made["runs"]:
        key = run["experiment"], run["seed"]
        run["identity"] = "of another plan" if key in others else known[key]
    path.write_text(json.dumps(made))
    return made


def _hashes(path):
    after = json.loads(path.read_text())
    return after, {
        (run["experiment"], run["seed"]): after["provenance"][run["provenance"]]["source_hash"]
        for run in after["runs"]
    }


def test_a_replay_speaks_for_stored_runs_of_the_same_source_and_experiment(tmp_path):
    planned, path = _plan(tmp_path), tmp_path / "book.json"
    made = _stored(path, planned, others=[("table4/rmm", 1)])
    made["provenance"].append(PROVENANCE | {"source_hash": "other"})
    made["runs"][2]["provenance"] = 1  # the third seed of the first
    path.write_text(json.dumps(made))
    told = {"source_hash": "new", "replayed": {"seed": 0}}
    found = {"table4/rmm": collecting.Vouched("?", told)}
    collecting.vouch_stored(planned, "book", path, found)
    after, hashes = _hashes(path)
    assert [hashes["table4/rmm", seed] for seed in range(3)] == ["new", "?", "other"]
    assert {hashes["table4/avr", seed] for seed in range(3)} == {"?"}
    assert PROVENANCE | told in after["provenance"]
    assert [run["correct"] for run in after["runs"]] == [run["correct"] for run in made["runs"]]
    assert after["experiments"] == made["experiments"] and after["worlds"] == made["worlds"]


def test_without_a_store_there_is_nothing_to_speak_for(tmp_path):
    found = {"table4/rmm": collecting.Vouched("?", {})}
    collecting.vouch_stored([], "book", tmp_path / "none.json", found)
    assert not (tmp_path / "none.json").exists()


def test_every_run_that_the_book_stores_is_one_of_its_plan(tmp_path):
    """An edit of a config that renames runs would drop them at the next collecting."""
    stored = results.stored("book").content
    planned = _planned(tmp_path, planning.plan("book"))
    known = collecting.identities(planned, stored["worlds"])
    strangers = [
        (run["experiment"], run["seed"])
        for run in stored["runs"]
        if run["identity"] != known.get((run["experiment"], run["seed"]))
    ]
    assert not strangers


def test_every_kept_network_is_that_of_a_stored_run(tmp_path):
    store = results.default_path("book")
    planned = _planned(tmp_path, planning.plan("book"))
    kept = networks.kept(planned, "book", store)
    assert {place.name for place in kept.values()} == {
        place.name for place in networks.folder_of(store).iterdir()
    }
