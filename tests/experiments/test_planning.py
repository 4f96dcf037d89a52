"""The plan: what is compared takes equal steps, and starts from what it says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from avqa_core import experiments, worlds
from avqa_core.backbones import backbones
from avqa_core.completion import completers
from avqa_core.config import from_dict, to_dict
from avqa_core.enhancement.identity import IdentityConfig
from avqa_core.errors import ConfigError
from avqa_core.experiments import avr_trials, capacity, paper_tables, planning, recipe
from avqa_core.experiments.experiment import Experiment

BOOK = {one.name: one for one in experiments.plan("book", [0])}
LONGER = BOOK["joint/modality_dropout_longer"]
PAPER_TABLES = ("table1", "table3", "table4", "table5", "table6")


@pytest.mark.parametrize("profile", ["smoke", "book", "full"])
def test_parents_come_first_and_have_the_parts_that_are_taken(profile):
    seen: dict[tuple[str, int], Experiment] = {}
    for one in experiments.plan(profile, [0, 3]):
        assert one.key not in seen
        if one.parent is not None:
            parent = seen[one.parent, one.seed]
            assert parent.world == one.world
            for part in one.parts:
                assert getattr(parent.model, part) == getattr(one.model, part)
        seen[one.key] = one


def test_what_is_compared_takes_equal_steps():
    for group in ("plug_in", "joint", "table3", "table4", "table5", "table6", "few_labels"):
        steps = {one.num_steps for one in BOOK.values() if one.group == group} - {0}
        steps -= {LONGER.num_steps} if group == "joint" else set()
        assert len(steps) == 1, group
    tables = {BOOK[name].num_steps for name in ("table4/paper", "table5/slots_25")}
    assert tables == {BOOK["table6/steps_5"].num_steps}


def test_what_may_be_retrained_has_a_control_of_as_many_steps_as_a_plug_in():
    short = BOOK["joint/modality_dropout"]
    assert LONGER.num_steps == BOOK["plug_in/recommended"].num_steps
    assert replace(short.training, num_steps=LONGER.num_steps) == LONGER.training
    assert (short.model, short.objective, short.parent) == (
        LONGER.model,
        LONGER.objective,
        LONGER.parent,
    )


def test_the_large_bank_has_a_place_for_every_training_clip():
    most = max(one["train"] for one in (*worlds.CLIPS.values(), *worlds.LARGER.values()))
    for name in ("retrieval", "retrieval_without_question"):
        small, large = (BOOK[f"plug_in/{name}{more}"] for more in ("", "_large_bank"))
        assert large.model.completer.bank_size >= most
        completer = replace(large.model.completer, bank_size=small.model.completer.bank_size)
        assert replace(large.model, completer=completer) == small.model
        assert large.training is None and large.parent == small.parent


def test_methods_of_one_group_see_the_same_missing_schedule():
    rates = {
        group: {
            one.objective.both_missing_rate
            for one in BOOK.values()
            if one.group == group and one.training and one.objective.regime != "plain"
        }
        for group in ("plug_in", "joint", "few_labels", "coupling", *PAPER_TABLES)
    }
    for group in ("plug_in", "joint", "few_labels", "coupling"):
        assert rates[group] == {recipe.BOTH_MISSING_RATE}, group
    for group in PAPER_TABLES:
        assert rates[group] == {0.0}, f"{group}: Eq. 8 has no pass without both"


def test_table_1_has_every_backbone_with_every_method_and_equal_steps_from_its_own_parent():
    learned = set()
    for backbone in paper_tables.BACKBONES:
        plain, *methods = (
            BOOK[paper_tables.table1_run(backbone, method)] for method in paper_tables.TABLE_1
        )
        if plain.training is None:  # a look at a network that has a name of its own
            plain = BOOK[plain.parent]
        assert plain.parent is None and plain.objective.regime == "plain"
        learned.add((type(plain.model.backbone), plain.training.learning_rate))
        regimes = [one.objective.regime for one in methods]
        assert regimes == ["modality_dropout", "joint", "joint"]
        for one in methods:
            assert one.parent == plain.name and one.model.backbone == plain.model.backbone
            assert one.num_steps == BOOK["table4/paper"].num_steps
    assert len(learned) == len(backbones) and len({rate for _, rate in learned}) == 1
    alike = {BOOK[f"table1/{one}/plain"].num_steps for one in ("avsd", "pano_avqa", "pstp_net")}
    assert len(alike) == 1


def test_table_3_has_every_completer_around_the_same_backbone():
    rows = [one for one in BOOK.values() if one.group in ("table3", "table4")]
    assert len({repr(one.model.backbone) for one in rows}) == 1
    tried = {type(one.model.completer) for one in rows}
    assert tried == {completers.config(name) for name in completers}


def test_gaps_in_training_clips_are_all_that_the_field_changes():
    rates = set()
    for name in (one for one in BOOK if one.startswith("field/")):
        _, rate, method = name.split("/")
        rates.add(float(rate))
        assert BOOK[name].missing_rate == float(rate)
        same = replace(
            BOOK[name],
            name=f"joint/{method}",
            group="joint",
            about=BOOK[f"joint/{method}"].about,
            scenarios=BOOK[f"joint/{method}"].scenarios,
            missing_rate=0.0,
        )
        assert same == BOOK[f"joint/{method}"]
    assert rates == set(planning.MISSING_RATES)
    assert "field" in planning.EXTRA_GROUPS
    assert {one.missing_rate for one in BOOK.values() if one.group != "field"} == {0.0}


def test_alone_is_the_plain_network_with_one_category_and_a_ninth_of_its_steps():
    whole = BOOK["start/at_once"]
    alone = {name: one for name, one in BOOK.items() if one.group == "alone"}
    assert set(alone) == {planning.alone_name(one) for one in planning.NO_ORDER}
    assert len(planning.NO_ORDER) == 5
    for category in planning.NO_ORDER:
        one = alone[planning.alone_name(category)]
        assert one.world == f"only({category})" and one.model == whole.model
        assert one.objective == whole.objective
        assert one.training == replace(whole.training, num_steps=whole.num_steps // 9)


def test_two_starts_differ_in_the_answer_layer_alone():
    once, first = BOOK["start/at_once"], BOOK["start/answer_layer_first"]
    assert once.training.answer_layer_steps == 0 and first.training.answer_layer_steps == 300
    assert replace(first.training, answer_layer_steps=0) == once.training
    assert (once.model, once.objective) == (first.model, first.objective)
    longer = BOOK["complete/plain"]
    assert longer.model == first.model
    rate = first.training.learning_rate
    shorter = replace(longer.training, num_steps=first.num_steps, learning_rate=rate)
    assert shorter == first.training and longer.num_steps > first.num_steps


def test_published_backbones_start_with_their_answer_layer_and_nothing_else_does():
    first = {name for name, one in BOOK.items() if one.training and one.training.answer_layer_steps}
    plain = {name for name in BOOK if name.startswith("table1/") and name.endswith("/plain")}
    assert len(plain) == 3
    assert first == {"complete/plain", "start/answer_layer_first"} | plain


def test_nothing_is_trained_where_nothing_can_learn():
    untrained = {name for name, one in BOOK.items() if one.training is None}
    assert {"plug_in/zeros", "plug_in/retrieval", "table4/none"} <= untrained
    assert all(BOOK[name].parent is not None for name in untrained)


def test_the_tables_vary_what_they_say_and_nothing_else():
    paper = BOOK["table4/paper"]
    for slots in (25, 50, 100):
        other = BOOK[f"table5/slots_{slots}"]
        assert other.model.completer.num_slots == slots
        completer = replace(other.model.completer, num_slots=75)
        assert replace(other.model, completer=completer) == paper.model
    for steps in (5, 20):
        assert BOOK[f"table6/steps_{steps}"].model.enhancer.diffusion.num_steps == steps
    assert BOOK["table4/rmm"].model.completer == paper.model.completer
    assert BOOK["table4/avr"].model.enhancer == paper.model.enhancer
    assert type(paper.model.enhancer.denoiser).__name__ == "LightConfig"
    assert type(BOOK["unet/paper"].model.enhancer.denoiser).__name__ == "UNetConfig"


def test_the_trials_of_avr_change_one_thing_each():
    paper, trial = BOOK["table4/paper"], {n: o for n, o in BOOK.items() if o.group == "avr"}
    avr = paper.model.enhancer
    one_step = replace(avr, diffusion=replace(avr.diffusion, num_sampling_steps=1))
    assert one_step.diffusion.path == [avr.diffusion.num_steps, 0]
    changed = {
        "missing_only": replace(avr, outputs="missing_only"),
        "one_step": one_step,
        "one_step_reconstruction": replace(one_step, reconstruction_weight=1.0),
        "one_step_longer": one_step,
        "one_step_missing_only_longer": replace(one_step, outputs="missing_only"),
        "paper_longer": avr,
        "rmm_longer": IdentityConfig(),
        "taken_away": IdentityConfig(),
    }
    control = trial.pop("avr/modality_dropout_longer")
    short = BOOK["table4/modality_dropout"]
    assert (control.model, control.objective) == (short.model, short.objective)
    assert control.num_steps == avr_trials.LONGER * short.num_steps
    assert control.training == replace(short.training, num_steps=control.num_steps)
    assert set(trial) == {f"avr/{one}" for one in changed}
    assert BOOK["table4/rmm"].model == replace(paper.model, enhancer=IdentityConfig())
    for name, enhancer in changed.items():
        one = trial[f"avr/{name}"]
        assert one.model == replace(paper.model, enhancer=enhancer)
        assert one.objective == paper.objective
        times = avr_trials.LONGER if name.endswith("longer") else 1
        if name == "taken_away":
            assert one.parent == paper.name and one.training is None
            assert one.parts == ("backbone", "completer")
        else:
            assert one.parent == paper.parent == "complete/plain"
            assert one.num_steps == times * paper.num_steps


def test_the_wide_control_has_at_least_the_parameters_of_recommended():
    wanted = capacity.num_parameters(BOOK["joint/recommended"].model)
    came = capacity.num_parameters(BOOK["joint/modality_dropout_wide"].model)
    assert wanted <= came < 1.15 * wanted


def test_groups_come_with_what_they_start_from():
    names = {one.name for one in planning.chosen(list(BOOK.values()), ["few_labels"])}
    assert {"complete/positions", "complete/wide", "few_labels/recommended"} <= names
    assert not any(name.startswith(("plug_in", "joint", "complete/plain")) for name in names)
    default = {one.group for one in planning.chosen(list(BOOK.values()))}
    assert default == set(planning.groups(BOOK.values())) - set(planning.EXTRA_GROUPS)
    assert planning.chosen(list(BOOK.values()), [planning.EVERYTHING]) == list(BOOK.values())


def test_one_experiment_is_chosen_by_its_name():
    chosen = planning.chosen(list(BOOK.values()), ["plug_in/rmm"])
    assert [one.name for one in chosen] == ["complete/positions", "plug_in/rmm"]


def test_an_unknown_group_profile_or_no_seed_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'plug_in'"):
        planning.chosen(list(BOOK.values()), ["plugin"])
    with pytest.raises(ConfigError, match="did you mean 'plug_in/rmm'"):
        planning.chosen(list(BOOK.values()), ["plug_in/rm"])
    with pytest.raises(ConfigError, match="profile"):
        experiments.plan("books")
    with pytest.raises(ConfigError, match="at least one"):
        experiments.plan("book", [])


def test_an_experiment_survives_json():
    for one in BOOK.values():
        assert from_dict(Experiment, json.loads(json.dumps(to_dict(one)))) == one


def test_the_identity_covers_what_decides_weights_and_nothing_else():
    one = BOOK["plug_in/recommended"]
    mine = one.identity("data", "parent")
    assert mine == replace(one, about="other words", scenarios=("complete",)).identity(
        "data", "parent"
    )
    assert mine != one.identity("other data", "parent")
    assert mine != one.identity("data", "other parent")
    assert mine != replace(one, labelled_fraction=0.5).identity("data", "parent")
    training = replace(one.training, seed=1)
    assert mine != replace(one, seed=1, training=training).identity("data", "parent")


def test_an_option_at_its_default_leaves_the_identity_as_it_was():
    """What is stored stays what it was when a config gets a new field."""
    one = BOOK["plug_in/recommended"]
    told = json.dumps(to_dict(one, defaults=False))
    assert "answer_layer_steps" not in told and "labelled_fraction" not in told
    assert from_dict(Experiment, json.loads(told)) == one
    training = replace(one.training, answer_layer_steps=1)
    assert replace(one, training=training).identity("d", "p") != one.identity("d", "p")


def test_every_seed_is_a_run_of_its_own():
    runs = experiments.plan("smoke", [0, 1])
    assert len({one.key for one in runs}) == len(runs) == 2 * len(experiments.plan("smoke", [5]))
    for one in runs:
        assert one.training is None or one.training.seed == one.seed
