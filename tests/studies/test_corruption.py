"""A half with noise counts as present: what networks answer with it, and without it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from avqa_core.bandstand.world import MARK
from avqa_core.data.folder import DataFolder
from avqa_core.errors import ConfigError
from avqa_core.evaluation import evaluate
from avqa_core.studies import corruption
from avqa_core.viz import corruption_views
from avqa_core.viz.result_words import NOT_RUN
from tests.factories import make_model
from tests.training.trainers import model_config
from tests.training.worlds import write_world

NETWORKS = [Path("one"), Path("other")]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> DataFolder:
    folder = DataFolder(write_world(tmp_path_factory.mktemp("corruption") / "world"))
    (folder.path / MARK).write_text("{}")
    return folder


@pytest.fixture
def models(data, monkeypatch):
    """Return two networks that stand in for kept ones; zeros complete what they miss."""
    test = data.dataset("test")
    made = {}
    for number, path in enumerate(NETWORKS):
        torch.manual_seed(number)
        made[path] = make_model(model_config("zeros"), test.dims)
    monkeypatch.setattr(
        corruption.runs, "load_run", lambda path: (made[path], test.vocabulary, None)
    )
    return list(made.values())


def study(data, levels=(0.0, 50.0), num_questions=10_000, seed=0):
    rows = corruption.study(data, NETWORKS, levels=levels, num_questions=num_questions, seed=seed)
    return {(row.half, row.level): row.accuracies for row in rows}


def test_without_noise_it_is_the_complete_test_and_without_the_half_that_of_its_absence(
    data, models
):
    found = study(data, levels=(0.0,))
    test = data.dataset("test")
    for half in corruption.HALVES:
        for number, model in enumerate(models):
            report = evaluate(model, test, ["complete", f"{half}_missing"], seed=0)
            for level, scenario in ((0.0, "complete"), (None, f"{half}_missing")):
                wanted = report.total(scenario).tally.accuracy
                assert found[half, level][number] == pytest.approx(wanted)


def test_noise_is_in_deviations_of_the_half_it_is_added_to(data, models):
    model, test = models[0], data.dataset("test")
    asked = corruption._Asked(model.eval(), [test.batch(range(len(test)))], "cpu")
    seen = []
    asked._accuracy = lambda features, availability: seen.append((features, availability)) or 0.0
    asked.corrupted("audio", 2.0, torch.Generator().manual_seed(0))
    (((noisy,), (present,)),) = seen
    (real,) = asked.features
    added = noisy.audio - real.audio
    assert float(added.std() / real.audio.std()) == pytest.approx(2.0, rel=0.1)
    assert torch.equal(noisy.visual, real.visual) and bool(present.all())


def test_the_noise_is_a_function_of_the_seed(data, models):
    assert study(data, seed=3) == study(data, seed=3)
    levels = [0.5 + number / 10 for number in range(8)]
    assert study(data, levels, seed=3) != study(data, levels, seed=4)


def test_fewer_questions_are_spread_over_the_split(data, models, monkeypatch):
    asked = []
    test = data.dataset("test")
    monkeypatch.setattr(type(test), "batch", lambda self, rows: asked.append(list(rows)) or _stop())
    with pytest.raises(StopIteration):
        study(data, num_questions=3)
    assert asked == [[0, (len(test) - 1) // 2, len(test) - 1]]


def _stop():
    raise StopIteration


def test_other_data_and_no_networks_say_nothing(data, models, tmp_path):
    other = DataFolder(write_world(tmp_path / "world"))
    assert study(other) == {}
    assert corruption.study(data, [], levels=(0.0,), num_questions=5, seed=0) == []
    told = corruption_views.corruption_words([])
    assert set(told.values()) == {NOT_RUN}
    assert "avqa results" in corruption_views.corruption_figure([]).text


@pytest.mark.parametrize(("levels", "num_questions"), [((-0.1,), 5), ((0.0,), 0)])
def test_impossible_requests_are_told(data, levels, num_questions):
    with pytest.raises(ConfigError, match="corruption: expected"):
        study(data, levels, num_questions)


def rows_of(half: str, gone: float, noisy: float, whole: float) -> list[corruption.Row]:
    levels = {None: gone, corruption.RELEASED[half]: noisy, 0.0: whole}
    return [
        corruption.Row(half=half, level=level, accuracies=(value, value, value))
        for level, value in levels.items()
    ]


def test_words_and_figure_say_what_noise_gives_back():
    rows = [*rows_of("audio", 0.5, 0.75, 0.8), *rows_of("visual", 0.6, 0.6, 0.6)]
    told = corruption_views.corruption_words(rows)
    assert told["absent_audio"] == "50.0 % (50.0 to 50.0)"
    assert told["gained_audio"] == "+25.0 points (+25.0 to +25.0, 3 seeds)"
    assert (
        told["of_loss_audio"] == "83.3 % (83.3 to 83.3)"
    )  # 25 of the 30 points that its absence costs
    assert told["of_loss_visual"] == "nothing is lost"
    figure = corruption_views.corruption_figure(rows)
    assert isinstance(figure, Figure) and len(figure.axes) == 2
