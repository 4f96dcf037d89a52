"""Few labels: a function of (seed, question id), nested over fractions, and -1 in the batch."""

from __future__ import annotations

import pytest

from avqa_core.data.labels import with_few_labels
from avqa_core.errors import ConfigError


def _labelled(examples) -> set[int]:
    return {example.question_id for example in examples if example.answer is not None}


def test_about_the_share_that_is_asked_for_keeps_its_answer(small_folder):
    examples = small_folder.examples("train") * 40
    many = [replace_id(example, number) for number, example in enumerate(examples)]
    kept = _labelled(with_few_labels(many, 0.25, seed=0))
    expected, deviation = 0.25 * len(many), (0.25 * 0.75 * len(many)) ** 0.5
    assert abs(len(kept) - expected) < 4 * deviation


def test_the_choice_depends_on_seed_and_question_alone(small_folder):
    examples = small_folder.examples("train")
    forward = _labelled(with_few_labels(examples, 0.5, seed=1))
    assert forward == _labelled(with_few_labels(examples[::-1], 0.5, seed=1))
    assert forward != _labelled(with_few_labels(examples, 0.5, seed=2))
    assert forward > _labelled(with_few_labels(examples, 0.2, seed=1))


def test_everything_else_about_a_question_stays(small_folder):
    examples = small_folder.examples("train")
    for before, after in zip(examples, with_few_labels(examples, 0.5, seed=0), strict=True):
        assert (after.question_id, after.tokens) == (before.question_id, before.tokens)
        assert after.answer in (before.answer, None)


def test_the_batch_says_minus_one_and_the_vocabulary_keeps_every_answer(small_folder):
    whole = small_folder.dataset("train")
    few = small_folder.dataset("train", labelled_fraction=0.3, seed=0)
    assert few.vocabulary == whole.vocabulary
    rows = range(len(few))
    known = few.batch(rows).answer >= 0
    assert 0 < int(known.sum()) < len(few)
    assert (few.batch(rows).answer[known] == whole.batch(rows).answer[known]).all()


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.5])
def test_an_impossible_fraction_is_refused(small_folder, fraction):
    with pytest.raises(ConfigError, match="labelled_fraction"):
        with_few_labels(small_folder.examples("train"), fraction, seed=0)


def test_no_label_at_all_is_refused(small_folder):
    with pytest.raises(ConfigError, match="at least one labelled"):
        with_few_labels(small_folder.examples("train"), 1e-6, seed=0)


def test_a_job_trains_on_the_labels_and_halves_that_its_experiment_has(small_folder):
    from dataclasses import replace

    from avqa_core.experiments import plan, worker
    from avqa_core.experiments.experiment import Job

    (one,) = (one for one in plan("smoke", [0]) if one.name == "complete/plain")
    one = replace(one, labelled_fraction=0.5, missing_rate=1.0)
    job = Job(experiment=one, identity="i", data=str(small_folder.path), data_hash="d")
    train = worker.trainer_of(job, small_folder, None, None).train
    told = int((train.questions.answer >= 0).sum())
    assert 0 < told < len(train)
    assert train.present.sum(dim=1).tolist() == [1] * len(train.clips)


def replace_id(example, number: int):
    from dataclasses import replace

    return replace(example, question_id=number)


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory):
    from avqa_core.data.folder import DataFolder
    from tests.training.worlds import write_world

    return DataFolder(write_world(tmp_path_factory.mktemp("labels") / "world"))
