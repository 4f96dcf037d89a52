"""Where every run stands, and what the stored file keeps: without training anything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from avqa_core import experiments
from avqa_core.errors import CheckpointError, ConfigError
from avqa_core.experiments import (
    collecting,
    making,
    planning,
    processes,
    results,
    schedule,
)
from avqa_core.experiments.experiment import OUTCOME, Job, Outcome
from avqa_core.experiments.worlds import Worlds
from avqa_core.training import runs
from tests.training.worlds import write_world

CATEGORIES = ("Audio Counting", "Visual Location", "Audio-Visual Existential")
SOURCE = {"source_modules": ["avqa_core.types"], "device": "CPU", "seed": 0, "data_hash": "d"}
FRESH = SOURCE | {"source_hash": runs.source_hash(["avqa_core.types"])}
STALE = SOURCE | {"source_hash": "of other source"}
PLAN = planning.chosen(experiments.plan("smoke", [0]), ["plug_in"])


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_world(tmp_path_factory.mktemp("schedule") / "world")


@pytest.fixture
def worlds(data, tmp_path) -> Worlds:
    return Worlds("smoke", tmp_path / "worlds", data, builds=False)


def planned(tmp_path, worlds, **options) -> dict[str, schedule.Planned]:
    found = schedule.planned(PLAN, tmp_path / "runs", worlds, **options)
    return {one.experiment.name: one for one in found}


def finish(run: schedule.Planned, right: int = 8, provenance=FRESH) -> Outcome:
    """Write the outcome of a run that nobody ran: ``right`` of 8 in each category."""
    run.open()
    outcome = Outcome(
        identity=run.job.identity,
        correct={
            scenario: dict.fromkeys(CATEGORIES, right) for scenario in run.experiment.scenarios
        },
        total=dict.fromkeys(CATEGORIES, 8),
        trained_parameters=3,
        total_parameters=5,
        steps=run.experiment.num_steps,
        seconds=6.0,
        evaluation_seconds=2.0,
        losses={"total": 1.0},
        provenance=provenance,
    )
    outcome.write(run.folder)
    return outcome


def test_a_new_run_has_everything_left_to_do(tmp_path, worlds):
    for one in planned(tmp_path, worlds).values():
        assert one.state == "new" and not one.is_finished
        assert one.seconds_left({}) > 0
        one.open()
        assert Job.read(one.folder) == one.job


def test_a_finished_run_is_known_again_with_its_cost(tmp_path, worlds):
    made = finish(planned(tmp_path, worlds)["complete/positions"])
    again = planned(tmp_path, worlds)["complete/positions"]
    assert again.is_finished and again.outcome == made
    costs = schedule.costs([("complete/positions", made)])
    assert costs["complete/positions"] == schedule.Cost(step=1.0, evaluation=2.0)
    assert again.seconds_left(costs) == 0


def test_what_other_source_made_starts_again_with_its_descendants(tmp_path, worlds):
    before = planned(tmp_path, worlds)
    finish(before["complete/positions"], provenance=STALE)
    finish(before["plug_in/zeros"])
    after = planned(tmp_path, worlds)
    assert after["complete/positions"].is_stale and after["plug_in/zeros"].is_stale
    assert not after["plug_in/slot_mean"].is_stale  # nothing was begun
    kept = planned(tmp_path, worlds, keep_stale=True)
    assert kept["complete/positions"].is_finished and kept["plug_in/zeros"].is_finished
    after["complete/positions"].open()
    assert not (after["complete/positions"].folder / OUTCOME).exists()


def test_a_run_without_a_scenario_that_is_wanted_now_is_not_finished(tmp_path, worlds):
    run = planned(tmp_path, worlds)["complete/positions"]
    finish(run)
    path = run.folder / OUTCOME
    content = json.loads(path.read_text())
    del content["correct"]["both_missing"]
    path.write_text(json.dumps(content))
    again = planned(tmp_path, worlds)["complete/positions"]
    assert not again.is_finished and again.folder == run.folder


def test_a_resume_point_counts(tmp_path, worlds):
    run = planned(tmp_path, worlds)["complete/positions"]
    (run.folder / "checkpoints").mkdir(parents=True)
    (run.folder / "checkpoints" / "last").write_text("step-00000004\n")
    (run.folder / "run.json").write_text(json.dumps(FRESH))
    again = planned(tmp_path, worlds)["complete/positions"]
    assert again.state == "goes on at step 4"
    costs = {"complete/positions": schedule.Cost(step=100.0, evaluation=0.0)}
    assert again.seconds_left(costs) == pytest.approx(200.0, abs=10)  # two of six steps


def test_a_damaged_outcome_is_refused(tmp_path, worlds):
    run = planned(tmp_path, worlds)["complete/positions"]
    finish(run)
    (run.folder / OUTCOME).write_text("{}")
    with pytest.raises(CheckpointError, match="outcome of a run"):
        planned(tmp_path, worlds)


def test_without_its_world_a_run_has_no_job(tmp_path):
    nowhere = Worlds("smoke", tmp_path / "worlds", builds=False)
    assert all(one.job is None for one in planned(tmp_path, nowhere).values())
    with pytest.raises(ConfigError, match="coupling"):
        Worlds("smoke", tmp_path, builds=True).find("moon")


def collect(tmp_path, worlds, path: Path, keep=()) -> dict:
    found = list(planned(tmp_path, worlds).values())
    collecting.collect(found, "smoke", path, keep)
    return json.loads(path.read_text())


def test_the_stored_file_has_counts_bounds_and_one_provenance(tmp_path, worlds):
    before = planned(tmp_path, worlds)
    for name, right in (("complete/positions", 6), ("plug_in/zeros", 4)):
        finish(before[name], right)
    content = collect(tmp_path, worlds, tmp_path / "smoke.json")
    assert len(content["runs"]) == 2 and len(content["provenance"]) == 1
    assert "seed" not in content["provenance"][0]
    stored = experiments.stored("smoke", tmp_path / "smoke.json")
    assert stored.accuracies("plug_in/zeros", "audio_missing") == {0: 0.5}
    assert stored.floor("plug_in/zeros") is not None
    assert stored.experiments["plug_in/zeros"]["model"]["completer"] == {"name": "zeros"}


def test_runs_made_elsewhere_stay_as_long_as_the_plan_has_them(tmp_path, worlds):
    before = planned(tmp_path, worlds)
    finish(before["complete/positions"], 6)
    path = tmp_path / "smoke.json"
    collect(tmp_path, worlds, path)
    content = json.loads(path.read_text())
    foreign = content["runs"][0] | {"identity": before["plug_in/zeros"].job.identity}
    foreign |= {"experiment": "plug_in/zeros"}
    unknown = content["runs"][0] | {"identity": "of a plan that was", "experiment": "old/one"}
    content["runs"] += [foreign, unknown]
    path.write_text(json.dumps(content))
    names = [run["experiment"] for run in collect(tmp_path, worlds, path)["runs"]]
    assert names == ["complete/positions", "plug_in/zeros"]


def test_a_stored_backbone_stays_when_it_is_trained_again_for_a_missing_run(tmp_path, worlds):
    path = tmp_path / "smoke.json"
    before = planned(tmp_path, worlds)
    finish(before["complete/positions"], 6)
    collect(tmp_path, worlds, path)
    finish(before["complete/positions"], 7)
    finish(before["plug_in/zeros"], 4)

    def right(keep) -> dict[str, int]:
        found = collect(tmp_path, worlds, path, keep)["runs"]
        return {one["experiment"]: one["correct"]["complete"][0] for one in found}

    keep = collecting.stored_keys(list(before.values()), "smoke", path)
    assert right(keep) == {"complete/positions": 6, "plug_in/zeros": 4}
    assert right(()) == {"complete/positions": 7, "plug_in/zeros": 4}


def test_an_experiment_has_to_fit_itself():
    one = next(run for run in PLAN if run.training is not None)
    with pytest.raises(ConfigError, match="seed 5"):
        replace(one, seed=5)
    with pytest.raises(ConfigError, match="never trained"):
        replace(one, training=None, parent=None)
    with pytest.raises(ConfigError, match="labelled_fraction"):
        replace(one, labelled_fraction=0.0)


def test_what_is_stored_is_made_again_only_where_a_missing_run_starts_from_it(tmp_path, worlds):
    before = planned(tmp_path, worlds)
    path = tmp_path / "smoke.json"
    for name in ("complete/positions", "plug_in/zeros"):
        finish(before[name])
    collect(tmp_path, worlds, path)
    for name in ("complete/positions", "plug_in/zeros"):  # the machine that made them is gone
        (before[name].folder / OUTCOME).unlink()

    def marked(*names: str) -> dict[str, str]:
        runs_of = [one for name, one in planned(tmp_path, worlds).items() if name in names]
        stored = collecting.stored_keys(runs_of, "smoke", path)
        return {one.experiment.name: one.state for one in schedule.without_stored(runs_of, stored)}

    assert marked("complete/positions", "plug_in/zeros") == {
        "complete/positions": "stored",
        "plug_in/zeros": "stored",
    }
    assert marked("complete/positions", "plug_in/zeros", "plug_in/slot_mean") == {
        "complete/positions": "new",
        "plug_in/zeros": "stored",
        "plug_in/slot_mean": "new",
    }
    content = json.loads(path.read_text())
    content["provenance"][0]["source_hash"] = "of other source"
    path.write_text(json.dumps(content))
    assert marked("complete/positions", "plug_in/zeros")["plug_in/zeros"] == "new"


def test_a_missing_run_starts_from_a_network_that_is_kept(tmp_path, worlds):
    runs_of = [
        one
        for name, one in planned(tmp_path, worlds).items()
        if name in ("complete/positions", "plug_in/slot_mean")
    ]
    stored = {("complete/positions", 0)}

    def marked(networks) -> tuple[list[str], str]:
        found = schedule.without_stored(runs_of, stored, networks)
        return [one.state for one in found], found[1].job.parent_run

    trained_here = str(runs_of[0].folder)
    assert marked({}) == (["new", "new"], trained_here)
    network = tmp_path / "network"
    assert marked({("complete/positions", 0): network}) == (["stored", "new"], str(network))


def test_what_another_processor_stored_stays_unless_its_features_differ(
    tmp_path, worlds, monkeypatch
):
    """A run folder is named after the bytes of the features, a stored run is not."""
    monkeypatch.setattr(collecting, "identity_of", lambda folder: "of the same recipe")
    before = planned(tmp_path, worlds)
    path = tmp_path / "smoke.json"
    finish(before["complete/positions"])
    collect(tmp_path, worlds, path)
    (before["complete/positions"].folder / OUTCOME).unlink()
    content = json.loads(path.read_text())
    assert content["runs"][0]["identity"] != before["complete/positions"].job.identity
    moments = content["worlds"]["default"]["features"]
    for factor, kept in ((1 + 1e-6, 1), (1 + 1e-4, 0)):
        features = {name: [mean * factor, std] for name, (mean, std) in moments.items()}
        content["worlds"]["default"]["features"] = features
        path.write_text(json.dumps(content))
        assert len(collect(tmp_path, worlds, path)["runs"]) == kept


def test_runs_of_a_world_that_is_not_here_stay(tmp_path, worlds):
    finish(planned(tmp_path, worlds)["complete/positions"])
    path = tmp_path / "smoke.json"
    content = collect(tmp_path, worlds, path)
    nowhere = Worlds("smoke", tmp_path / "worlds", builds=False)
    again = collect(tmp_path / "elsewhere", nowhere, path)
    assert again["runs"] == content["runs"] and again["worlds"] == content["worlds"]


def test_an_older_run_here_does_not_take_the_place_of_a_stored_one(tmp_path, worlds):
    path = tmp_path / "smoke.json"
    before = planned(tmp_path, worlds)
    finish(before["complete/positions"], 6)
    collect(tmp_path, worlds, path)
    finish(before["complete/positions"], 3, STALE)
    (run,) = collect(tmp_path, worlds, path)["runs"]
    assert run["correct"]["complete"][0] == 6


def test_what_started_from_a_run_of_other_source_does_not_count_as_stored(tmp_path, worlds):
    path = tmp_path / "smoke.json"
    before = planned(tmp_path, worlds)
    names = ("complete/positions", "plug_in/zeros")
    finish(before["complete/positions"], provenance=STALE)
    finish(before["plug_in/zeros"])
    collect(tmp_path, worlds, path)
    assert collecting.stored_keys([before[name] for name in names], "smoke", path) == frozenset()
    finish(before["complete/positions"])
    collect(tmp_path, worlds, path)
    assert collecting.stored_keys([before[name] for name in names], "smoke", path) == {
        (name, 0) for name in names
    }


@pytest.mark.parametrize("content", ["<<<<<<< ours", "[]", '{"format": 0}', "[" * 100_000])
def test_a_damaged_store_is_refused_and_not_written_over(tmp_path, worlds, content):
    path = tmp_path / "smoke.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="expected stored results"):
        collect(tmp_path, worlds, path)
    assert path.read_text() == content


def test_nothing_of_a_stale_run_is_left_when_it_starts_again(tmp_path, worlds):
    before = planned(tmp_path, worlds)["complete/positions"]
    finish(before, provenance=STALE)
    (before.folder / "checkpoints").mkdir()
    planned(tmp_path, worlds)["complete/positions"].open()
    assert [path.name for path in before.folder.iterdir()] == ["job.json"]
    assert [path.name for path in before.folder.parent.iterdir()] == [before.folder.name]


def test_all_descendants_of_a_failed_run_end_with_it(tmp_path, worlds):
    parent, child = (
        planned(tmp_path, worlds)[one] for one in ("complete/positions", "plug_in/rmm")
    )
    of_child = replace(child.experiment, name="plug_in/later", parent="plug_in/rmm")
    grandchild = replace(child, experiment=of_child)
    waiting = {one.experiment.key: one for one in (child, grandchild)}
    assert processes._orphans(waiting, {parent.experiment.key}) == [child, grandchild]
    assert processes._orphans(waiting, set()) == []


def _making(tmp_path: Path, data: Path, **options) -> making.Making:
    return making.Making(
        "smoke", tmp_path / "runs", tmp_path / "worlds", only=["complete"], data=data, **options
    )


def test_a_call_for_fewer_seeds_keeps_the_stored_ones(tmp_path, data):
    path = tmp_path / "smoke.json"
    of_both = _making(tmp_path, data, num_seeds=2, store=path)
    for one in of_both._planned(builds=False):
        finish(one)
    stored = of_both.collect()
    assert stored == 2 * len({one.name for one in of_both.experiments})
    assert _making(tmp_path, data, num_seeds=1, store=path).collect() == stored


def test_runs_in_another_world_do_not_go_to_the_results_of_the_book(tmp_path, data, monkeypatch):
    path = tmp_path / "smoke.json"
    monkeypatch.setattr(results, "default_path", lambda profile: path)
    for one in _making(tmp_path, data)._planned(builds=False):
        finish(one)
    assert _making(tmp_path, data).collect() > 0, "nothing was stored yet: this is the book's world"
    other = write_world(tmp_path / "other", seed=1)
    with pytest.raises(ConfigError, match="expected --store FILE beside it"):
        _making(tmp_path, other)
    assert _making(tmp_path, other, store=tmp_path / "mine.json").collect() == 0


def test_the_list_of_runs_prepares_what_its_commands_need(tmp_path, data):
    made = _making(tmp_path, data, num_seeds=1, store=tmp_path / "smoke.json")
    first, *rest = made._planned(builds=False)
    finish(first)
    told = list(made.listed())
    assert ":" not in told[0], "a finished run needs no command"
    for line, one in zip(told[1:], rest, strict=True):
        assert line.endswith(str(one.folder))
        assert Job.read(one.folder).experiment == one.experiment
