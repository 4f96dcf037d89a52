"""The trainer learns, resumes exactly, adds gradients up exactly and refuses what cannot work."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from avqa_core import losses as losses_module
from avqa_core import processors
from avqa_core.completion import CompleterConfig
from avqa_core.completion.retrieval import RetrievalConfig
from avqa_core.completion.segment_transformer import SegmentTransformerConfig
from avqa_core.errors import CheckpointError, ConfigError, ModalityError
from avqa_core.losses import ObjectiveConfig
from avqa_core.training import loop as loop_module
from avqa_core.training import runs
from avqa_core.training.events import (
    CheckpointWritten,
    EvaluationDone,
    Finished,
    StepDone,
    read_log,
)
from avqa_core.training.loop import TrainConfig, Trainer
from tests.training.trainers import SETTINGS, make_trainer, model_config, same, weights


def test_events_come_in_order_and_the_log_has_them_all(data, tmp_path):
    trainer = make_trainer(data, tmp_path / "run")
    events = list(trainer.run())
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [event.step for event in steps] == list(range(1, 9))
    validated = [event for event in events if isinstance(event, EvaluationDone)]
    assert [event.step for event in validated] == [4, 8]
    best = {event.step for event in validated if event.is_best}
    written = [event.step for event in events if isinstance(event, CheckpointWritten)]
    assert written == sorted({3, 6, 8} | best)
    assert isinstance(events[-1], Finished) and events[-1].step == 8
    assert runs.RunFolder(tmp_path / "run").log.read_text().count("\n") == len(events)


def test_the_total_is_the_weighted_sum_of_the_named_losses(data):
    event = next(iter(make_trainer(data).run()))
    assert isinstance(event, StepDone)
    passes = ("complete", "audio_missing", "visual_missing")
    expected = sum(event.losses[f"{name}/answer"] for name in passes)
    expected += 0.5 * sum(event.losses[f"{name}/match"] for name in passes)
    recall = event.losses["audio_missing/recall_audio"]
    recall += event.losses["visual_missing/recall_visual"]
    expected += SegmentTransformerConfig().recall_weight * recall
    assert event.losses["total"] == pytest.approx(expected, rel=1e-6)
    # Nothing was taken from the picture in this pass, so there is no mean to report.
    assert "audio_missing/recall_visual" not in event.losses


def test_training_learns_the_small_world(data):
    trainer = make_trainer(
        data,
        model=model_config(dropout=0.0, channels=16, match_weight=0.0),
        regime="plain",
        num_steps=100,
        learning_rate=1e-2,
        evaluate_every=0,
    )
    events = list(trainer.run())
    steps = [event for event in events if isinstance(event, StepDone)]
    assert steps[-1].losses["complete/answer"] < 0.5 * steps[0].losses["complete/answer"]
    accuracies = next(e for e in events if isinstance(e, EvaluationDone)).accuracies
    # Always saying the commonest answer of each kind is right for one question in three.
    assert accuracies["complete"] > 0.5


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    trainer = make_trainer(data, tmp_path_factory.mktemp("whole") / "run")
    list(trainer.run())
    return trainer


@pytest.mark.parametrize(("stop_after", "goes_on_with"), [(1, 1), (3, 1), (4, 4), (7, 7)])
def test_a_run_that_stopped_ends_with_the_same_weights(
    data, tmp_path, whole, stop_after, goes_on_with
):
    first = make_trainer(data, tmp_path / "run")
    for event in (running := first.run()):
        if isinstance(event, StepDone) and event.step == stop_after:
            running.close()
            break
    second = make_trainer(data, tmp_path / "run")
    resumed = [event for event in second.run() if isinstance(event, StepDone)]
    assert resumed[0].step == goes_on_with
    assert same(weights(whole.model), weights(second.model))
    logs = [read_log(runs.RunFolder(t.folder.path).log) for t in (whole, second)]
    losses = [[e.losses for e in log if isinstance(e, StepDone)] for log in logs]
    assert losses[0] == losses[1]
    assert len(losses[1]) == 8
    best = [weights(runs.load_run(t.folder.path, "best")[0]) for t in (whole, second)]
    assert same(*best)


def test_a_finished_run_is_not_trained_again(data, tmp_path):
    list(make_trainer(data, tmp_path / "run", num_steps=2).run())
    again = make_trainer(data, tmp_path / "run", num_steps=2)
    assert [type(event) for event in again.run()] == [Finished]


def test_dropout_is_a_function_of_seed_and_step_and_leaves_the_global_state_alone(data):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = make_trainer(data, num_steps=2, model=model_config(dropout=0.5))
    first_losses = [e.losses for e in first.run() if isinstance(e, StepDone)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = make_trainer(data, num_steps=2, model=model_config(dropout=0.5))
    assert [e.losses for e in second.run() if isinstance(e, StepDone)] == first_losses
    other = make_trainer(data, num_steps=2, model=model_config(dropout=0.5), seed=1)
    assert [e.losses for e in other.run() if isinstance(e, StepDone)] != first_losses


def test_every_step_and_every_epoch_has_draws_of_its_own(data, monkeypatch):
    """24 clips of three questions in batches of 12 are six steps an epoch."""
    trainer = make_trainer(data, num_steps=7, evaluate_every=0)
    losses, batch, seeds, epochs = losses_module.compute_losses, trainer.train.batch, [], []

    def compute(*given, generator):
        seeds.append((generator.initial_seed(), torch.initial_seed()))
        return losses(*given, generator=generator)

    def drawn(rows, *, seed, epoch, negatives):
        epochs.append(epoch)
        return batch(rows, seed=seed, epoch=epoch, negatives=negatives)

    monkeypatch.setattr(losses_module, "compute_losses", compute)
    monkeypatch.setattr(trainer.train, "batch", drawn)
    list(trainer.run())
    assert [len(set(of)) for of in zip(*seeds, strict=True)] == [7, 7]
    assert epochs == [0] * 6 + [1]


def test_the_score_is_the_mean_over_the_scenarios_of_the_selection(data, monkeypatch):
    found = {"complete": 0.5, "audio_missing": 0.25}
    asked = []

    def told(model, validation, scenarios, **given):
        asked.append(scenarios)
        return SimpleNamespace(scenarios=list(found), accuracy=found.get)

    monkeypatch.setattr(loop_module, "evaluate", told)
    events = list(make_trainer(data, num_steps=4).run())
    (event,) = (one for one in events if isinstance(one, EvaluationDone))
    assert asked == [("complete", "audio_missing")]
    assert (event.accuracies, event.score) == (found, 0.375)


@pytest.mark.parametrize("completer", [None, "rmm"])
def test_accumulation_gives_the_gradient_of_the_whole_batch(data, completer):
    parts = {}
    for accumulation in (1, 3):
        trainer = make_trainer(
            data, model=model_config(completer, dropout=0.0), accumulation=accumulation
        )
        running = trainer.run()
        event = next(running)
        gradients = {n: p.grad.clone() for n, p in trainer.trained.items() if p.grad is not None}
        running.close()
        parts[accumulation] = (event.losses, gradients)
    assert parts[1][0] == pytest.approx(parts[3][0], abs=1e-5)
    assert parts[1][1].keys() == parts[3][1].keys()
    for name, gradient in parts[1][1].items():
        torch.testing.assert_close(gradient, parts[3][1][name], atol=1e-6, rtol=1e-4)


def test_plug_in_leaves_the_backbone_as_it_was(data):
    plain = make_trainer(data, regime="plain", num_steps=2)
    list(plain.run())
    before = weights(plain.model.backbone)
    trainer = make_trainer(data, regime="plug_in", initial=plain.model, num_steps=3)
    completer_before = weights(trainer.model.completer)
    list(trainer.run())
    assert same(weights(trainer.model.backbone), before)
    assert not same(weights(trainer.model.completer), completer_before)


def test_plug_in_wants_the_backbone_that_it_freezes(data):
    initial = make_trainer(data, regime="plain", num_steps=1).model
    for parts in (("completer",), ()):
        with pytest.raises(ConfigError, match="expected backbone among them"):
            Trainer(
                TrainConfig(**SETTINGS),
                model=model_config(),
                objective=ObjectiveConfig(regime="plug_in"),
                train=data.dataset("train"),
                initial=initial,
                initial_parts=parts,
            )


def test_a_run_is_not_taken_up_on_clips_that_lack_something_else(data, tmp_path):
    def train(missing_rate):
        list(
            Trainer(
                TrainConfig(**{**SETTINGS, "evaluate_every": 0}),
                model=model_config(),
                objective=ObjectiveConfig(),
                train=data.dataset("train", missing_rate=missing_rate, seed=0),
                run_dir=tmp_path / "run",
            ).run()
        )

    train(0.0)
    train(0.0)
    with pytest.raises(CheckpointError):
        train(0.5)


def test_the_answer_layer_learns_first_and_then_everything(data):
    trainer = make_trainer(data, regime="plain", num_steps=4, answer_layer_steps=2)
    layer = set(trainer.model.backbone.answer_layer.parameters())
    moved, rates, before = [], [], weights(trainer.model)
    for event in trainer.run():
        if isinstance(event, StepDone):
            after = weights(trainer.model)
            moved.append({n for n in trainer.trained if not torch.equal(before[n], after[n])})
            rates.append(event.learning_rate)
            before = after
    names = {name for name, parameter in trainer.trained.items() if parameter in layer}
    assert names and moved[:2] == [names, names]
    assert moved[2] > names and any("fusion" in name for name in moved[2])
    assert rates == [0.03, 0.03, 0.003, 0.003]


def test_a_run_that_stopped_while_the_answer_layer_learned_ends_with_the_same_weights(
    data, tmp_path
):
    settings = {"num_steps": 6, "answer_layer_steps": 4, "regime": "plain", "checkpoint_every": 3}
    ends = []
    for name, stop_after in (("whole", None), ("stopped", 3)):
        first = make_trainer(data, tmp_path / name, **settings)
        for event in (running := first.run()):
            if isinstance(event, CheckpointWritten) and event.step == stop_after:
                running.close()
                break
        last = make_trainer(data, tmp_path / name, **settings)
        resumed = [event.step for event in last.run() if isinstance(event, StepDone)]
        assert resumed == ([] if stop_after is None else [4, 5, 6])
        ends.append(weights(runs.load_run(tmp_path / name, "last")[0]))
    assert same(*ends)


def test_the_answer_layer_of_a_frozen_backbone_cannot_learn_first(data):
    plain = make_trainer(data, regime="plain").model
    with pytest.raises(ConfigError, match="answer_layer_steps"):
        make_trainer(data, regime="plug_in", initial=plain, answer_layer_steps=1)


def test_more_than_the_answer_layer_has_to_learn(data):
    with pytest.raises(ConfigError, match="fewer than the 8 steps of the run, got 8"):
        make_trainer(data, regime="plain", answer_layer_steps=8)


def test_plug_in_needs_a_trained_backbone_of_the_same_build(data):
    with pytest.raises(ConfigError, match="--init-from"):
        make_trainer(data, regime="plug_in")
    other = make_trainer(data, model=model_config(channels=16)).model
    with pytest.raises(ConfigError, match="expected a backbone built as"):
        make_trainer(data, regime="plug_in", initial=other)


def test_nothing_to_train_is_an_error(data):
    plain = make_trainer(data, regime="plain").model
    with pytest.raises(ConfigError, match="something to train"):
        make_trainer(data, model=model_config("zeros"), regime="plug_in", initial=plain)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_loss_that_reaches_nothing_is_an_error(data, accumulation):
    plain = make_trainer(data, regime="plain").model
    trainer = Trainer(
        TrainConfig(**{**SETTINGS, "accumulation": accumulation}),
        model=replace(model_config("rmm")),
        objective=ObjectiveConfig(regime="modality_dropout", use_answers=False),
        train=data.dataset("train"),
        initial=plain,
    )
    with pytest.raises(ConfigError, match="use_answers"):
        next(trainer.run())


def test_a_misspelt_setting_is_refused_before_anything_is_built(data):
    objective = ObjectiveConfig()
    object.__setattr__(objective, "regime", "plugin")  # as where no type checker looks on
    with pytest.raises(ConfigError, match=r"objective\.regime: .*'plug_in'.*got 'plugin'"):
        Trainer(
            TrainConfig(**SETTINGS),
            model=model_config(),
            objective=objective,
            train=data.dataset("train"),
        )


def test_a_selection_that_no_clip_can_meet_is_refused_before_anything_is_trained(data, tmp_path):
    num_segments = data.dataset("train").dims.num_segments
    make_trainer(data, selection=(f"audio_drops({num_segments})",))
    with pytest.raises(ModalityError, match=f"at most {num_segments} dropped segments"):
        make_trainer(data, tmp_path / "run", selection=(f"audio_drops({num_segments + 1})",))
    assert not (tmp_path / "run").exists()


def test_a_broken_loss_stops_before_the_weights_break(data, tmp_path):
    trainer = make_trainer(data, tmp_path / "run", validate=False)
    with pytest.raises(ConfigError, match=r"got nan .* at step 5: lower training.learning_rate"):
        for event in trainer.run():
            if event.step == 4:
                trainer.model.backbone.answer_head.bias.data[0] = math.nan
    model, _, _ = runs.load_run(tmp_path / "run", "last")
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


def test_a_broken_gradient_of_a_finite_loss_stops_too(data):
    trainer = make_trainer(data, validate=False)
    before = weights(trainer.model)
    bias = trainer.model.backbone.answer_head.bias
    bias.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(ConfigError, match="'gradient' at step 1: look at the features"):
        list(trainer.run())
    assert same(weights(trainer.model), before)


def test_gradient_clipping_bounds_the_norm(data):
    norms = {}
    for clip in (None, 0.01):
        trainer = make_trainer(data, gradient_clip=clip)
        running = trainer.run()
        next(running)
        squares = [p.grad.square().sum() for p in trainer.trained.values() if p.grad is not None]
        norms[clip] = math.sqrt(float(torch.stack(squares).sum()))
        running.close()
    assert norms[None] > 0.1
    assert norms[0.01] == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("known", [True, False])
def test_bfloat16_trains_and_keeps_float32_weights(data, known, monkeypatch):
    if not known:  # also where the processor has to go the way around
        monkeypatch.setattr(processors, "has_bfloat16_lstm", lambda: False)
    trainer = make_trainer(data, precision="bfloat16", num_steps=2)
    losses = [event.losses["total"] for event in trainer.run() if isinstance(event, StepDone)]
    assert torch.backends.mkldnn.enabled
    exact = next(iter(make_trainer(data).run()))
    assert losses[0] == pytest.approx(exact.losses["total"], rel=0.05)
    assert losses[0] != exact.losses["total"]
    assert all(p.dtype is torch.float32 for p in trainer.model.parameters())


def test_a_bank_of_clips_is_fitted_and_saved(data, tmp_path):
    bank: CompleterConfig = RetrievalConfig(bank_size=32, num_neighbours=2)
    plain = make_trainer(data, regime="plain").model
    trainer = make_trainer(
        data,
        tmp_path / "run",
        model=model_config(bank),
        regime="modality_dropout",
        initial=plain,
        num_steps=3,
    )
    list(trainer.run())
    model, _, _ = runs.load_run(tmp_path / "run")
    assert int(model.completer.num_kept) == 24


def test_a_run_folder_belongs_to_one_run(data, tmp_path):
    list(make_trainer(data, tmp_path / "run", num_steps=2).run())
    with pytest.raises(CheckpointError, match=r"training\.seed = 0 instead of 1"):
        list(make_trainer(data, tmp_path / "run", num_steps=2, seed=1).run())
    with pytest.raises(CheckpointError, match="--resume refuse"):
        list(make_trainer(data, tmp_path / "run", num_steps=2, resume="refuse").run())
    with pytest.raises(CheckpointError, match="--resume require"):
        list(make_trainer(data, tmp_path / "other", num_steps=2, resume="require").run())


def test_other_first_weights_are_another_run(data, tmp_path):
    one, two = (make_trainer(data, regime="plain", seed=seed).model for seed in (0, 1))
    list(make_trainer(data, tmp_path / "run", regime="plug_in", initial=one, num_steps=2).run())
    with pytest.raises(CheckpointError, match="first weights"):
        list(make_trainer(data, tmp_path / "run", regime="plug_in", initial=two, num_steps=2).run())


def test_only_one_process_trains_into_a_folder(data, tmp_path):
    first = make_trainer(data, tmp_path / "run").run()
    next(first)
    with pytest.raises(CheckpointError, match="alone"):
        next(make_trainer(data, tmp_path / "run").run())
    first.close()
    next(make_trainer(data, tmp_path / "run").run())


def test_the_best_checkpoint_stays_while_later_ones_come_and_go(data, tmp_path):
    trainer = make_trainer(data, tmp_path / "run", learning_rate=1e-12)
    events = list(trainer.run())
    best = [e.step for e in events if isinstance(e, EvaluationDone) and e.is_best]
    assert best == [4]  # with such a rate nothing changes, and no later score is higher
    checkpoints = tmp_path / "run" / "checkpoints"
    names = sorted(path.name for path in checkpoints.glob("step-*"))
    assert names == ["step-00000004", "step-00000008"]
    assert (checkpoints / "best").read_text() == "step-00000004\n"
    assert (checkpoints / "last").read_text() == "step-00000008\n"


def test_without_validation_the_last_checkpoint_is_the_best(data, tmp_path):
    list(make_trainer(data, tmp_path / "run", validate=False, num_steps=3).run())
    assert runs.load_run(tmp_path / "run", "best")[2].training.num_steps == 3
