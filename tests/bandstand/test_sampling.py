from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avqa_core.bandstand.facts import facts_of_draws
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.sampling import (
    draw_heard_given_seen,
    draw_seen_given_heard,
    sample_joint,
    sample_scene,
    to_scene,
)
from avqa_core.bandstand.staging import Stage, staging_likelihood

NUM_CLIPS = 6000
SMALL = WorldConfig(
    coupling=0.6,
    num_segments=3,
    num_instruments=3,
    num_acts=2,
    latest_entry=1,
    shortest=1,
    twin_rate=0.4,
    difficulty=1.0,
)


def mutual_information(one, other):
    """Return the mutual information in bits, less what independent counts of this size show."""
    _, one = np.unique(one, return_inverse=True)
    _, other = np.unique(other, return_inverse=True)
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    joint = table / table.sum()
    product = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    known = joint > 0
    plain = (joint[known] * np.log2(joint[known] / product[known])).sum()
    return plain - (table.shape[0] - 1) * (table.shape[1] - 1) / (2 * np.log(2) * len(one))


def entropy(one):
    return mutual_information(one, one)


def recalled_facts(config):
    """Return pairs (what is seen, what is heard) of everything that one can recall the other by."""
    draws = sample_joint(config, NUM_CLIPS, np.random.default_rng(1))
    seen, heard, stage = draws.seen, draws.heard, draws.stage
    rows = np.arange(len(draws))
    act = stage.act.max(axis=1)  # somebody who is on stage
    facts = facts_of_draws(config, draws)
    two = ((stage.act >= 0).sum(axis=1) == 2) & (np.sort(stage.act, axis=1)[:, 1] != act)
    pair = np.sort(np.where(stage.act >= 0, np.arange(3), 9), axis=1)[two, :2]
    left, right = (stage.act[two][np.arange(two.sum()), pair[:, side]] for side in (0, 1))
    entry = heard.entries()[two]
    each = np.arange(len(entry))
    return {
        "instruments": (facts.seen[:, :22].ravel(), facts.heard[:, :22].ravel()),
        "instrument": (seen.instrument[rows, act], heard.instrument[rows, act]),
        "entries": (seen.entries()[rows, act], heard.entries()[rows, act]),
        "lengths": (seen.pattern[rows, act].sum(-1), heard.pattern[rows, act].sum(-1)),
        "levels": (seen.strength[rows, act], heard.strength[rows, act]),
        "rates": (seen.pace[rows, act], heard.pace[rows, act]),
        "settings": (seen.setting, heard.setting),
        "speech": (seen.speech.argmax(1), heard.speech.argmax(1)),
        "order": (np.sign(right - left), np.sign(entry[each, right] - entry[each, left])),
    }


def test_nothing_can_be_recalled_at_coupling_zero():
    for name, (one, other) in recalled_facts(WorldConfig(coupling=0.0)).items():
        assert abs(mutual_information(one, other)) < 0.006, name


def test_nearly_everything_can_be_recalled_at_coupling_one():
    pairs = recalled_facts(WorldConfig(coupling=1.0))
    del pairs["order"], pairs["instruments"]
    for name, (one, other) in pairs.items():
        assert mutual_information(one, other) > 0.95 * entropy(other), name


def test_players_stand_in_the_order_of_entry_at_coupling_one():
    draws = sample_joint(WorldConfig(coupling=1.0), 500, np.random.default_rng(2))
    entries = draws.heard.entries()
    for row, acts in enumerate(draws.stage.act):
        on_stage = [entries[row, act] for act in acts if act >= 0]
        assert on_stage == sorted(on_stage)


@pytest.mark.parametrize("coupling", [0.0, 0.7, 1.0])
def test_both_halves_have_the_same_marginals(coupling):
    config = WorldConfig(coupling=coupling)
    draws = sample_joint(config, NUM_CLIPS, np.random.default_rng(3))
    noise = 4.5 / np.sqrt(NUM_CLIPS * config.num_acts)
    for half in (draws.seen, draws.heard):
        shares = np.bincount(half.instrument.ravel(), minlength=22) / half.instrument.size
        assert np.abs(shares - 1 / 22).max() < noise * 0.25
        assert all(len(set(row)) == config.num_acts for row in half.instrument[:200])
    difference = draws.seen.pattern.mean((0, 1)) - draws.heard.pattern.mean((0, 1))
    # Clips without any sound are drawn again, so the sound is a trace more often there.
    assert np.abs(difference).max() < noise + 0.004


def test_the_number_of_linked_acts_follows_the_coupling():
    draws = sample_joint(WorldConfig(coupling=0.7), NUM_CLIPS, np.random.default_rng(4))
    same = (draws.seen.instrument == draws.heard.instrument).mean()
    assert abs(same - (0.7 + 0.3 / 22)) < 0.02


def stage_of(*acts):
    act = np.array([acts])
    return Stage(act=act, count=(act >= 0).astype(int), motion=np.zeros((1, 3, 10), dtype=bool))


def heard_with_entries(config, *entries):
    half = sample_joint(config, 1, np.random.default_rng(0)).heard
    pattern = np.zeros((1, config.num_acts, config.num_segments), dtype=bool)
    for act, entry in enumerate(entries):
        pattern[0, act, entry:] = True
    return replace(half, pattern=pattern)


@pytest.mark.parametrize(
    ("acts", "entries", "expected"),
    [
        ((0, 1, 2), (0, 2, 4, 1), 0.7 + 0.3 / 6),
        ((1, 0, 2), (0, 2, 4, 1), 0.3 / 6),
        ((0, 1, 2), (0, 2, 2, 1), 0.7 / 2 + 0.3 / 6),
        ((2, 0, 1), (5, 5, 5, 1), 0.7 / 6 + 0.3 / 6),
        ((0, 1, 2), (3, 10, 10, 1), 0.7 / 2 + 0.3 / 6),
        ((2, -1, 3), (0, 0, 1, 4), 0.7 + 0.3 / 2),
        ((-1, 3, -1), (0, 0, 1, 4), 1.0),
        ((0, 0, 1), (2, 5, 0, 0), 0.7 + 0.3 / 3),
        ((0, 1, 0), (2, 2, 0, 0), 0.3 / 3),
        ((1, 0, 0), (2, 2, 0, 0), 0.7 / 2 + 0.3 / 3),
        ((1, -1, 1), (2, 2, 0, 0), 1.0),
    ],
)
def test_likelihood_of_an_order_on_stage(acts, entries, expected):
    config = WorldConfig(coupling=0.7, num_acts=4)
    heard = heard_with_entries(config, *entries)
    assert staging_likelihood(config, stage_of(*acts), heard) == pytest.approx([expected])


def test_an_order_on_stage_is_as_frequent_as_its_likelihood_says():
    config = WorldConfig(coupling=0.5, num_acts=2, twin_rate=1.0)
    draws = sample_joint(config, 20000, np.random.default_rng(5))
    likely = staging_likelihood(config, draws.stage, draws.heard)
    full = (draws.stage.act >= 0).all(axis=1)
    apart = draws.stage.act[:, 0] == draws.stage.act[:, 2]
    # Three sections of two acts: the twins are apart in a third of the unstaged clips.
    assert np.unique(likely[full & apart].round(12)) == pytest.approx([0.5 / 3])
    assert apart[full].mean() == pytest.approx(0.5 / 3, abs=0.012)


def heard_key(facts):
    """Return the heard facts of the small world as one number a scene."""
    bits = facts.pattern[:, :-1].reshape(len(facts), -1)
    return bits @ (2 ** np.arange(bits.shape[1]))


def seen_key(facts):
    """Return the instruments on stage and their motion as one number a scene."""
    bits = facts.motion.reshape(len(facts), -1)
    return ((facts.on_place + 1) @ [1, 4, 16]) * 2**9 + bits @ (2 ** np.arange(9))


def distance(keys, weights, other_keys):
    """Return the total variation between a weighted sample and a plain one."""
    both = np.concatenate([keys, other_keys])
    _, index = np.unique(both, return_inverse=True)
    ours = np.bincount(index[: len(keys)], weights, minlength=index.max() + 1)
    theirs = np.bincount(index[len(keys) :], minlength=index.max() + 1)
    return np.abs(ours / ours.sum() - theirs / theirs.sum()).sum() / 2


@pytest.fixture(scope="module")
def small_world():
    draws = sample_joint(SMALL, 400_000, np.random.default_rng(6))
    facts = facts_of_draws(SMALL, draws)
    return draws, seen_key(facts), heard_key(facts)


def commonest(keys, wanted, number):
    values, counts = np.unique(keys[wanted], return_counts=True)
    return values[np.argsort(-counts)[:number]]


def test_sound_drawn_given_the_picture_is_that_of_all_scenes_with_the_picture(small_world):
    draws, seen, heard = small_world
    crowded = (draws.stage.act >= 0).sum(axis=1) >= 2
    unweighted = []
    for key in commonest(seen, crowded, 5):
        matching = np.flatnonzero(seen == key)
        scene = to_scene(SMALL, draws, int(matching[0]), "00000001")
        given = draw_heard_given_seen(SMALL, scene, 60_000, np.random.default_rng(7))
        drawn = heard_key(facts_of_draws(SMALL, given))
        assert distance(drawn, given.weight, heard[matching]) < noise_of(heard[matching])
        unweighted.append(distance(drawn, np.ones(len(drawn)), heard[matching]))
    # The check can tell: without the weights the very same draws are off.
    assert min(unweighted) > 1.7 * noise_of(heard[matching])


def test_pictures_drawn_given_the_sound_are_those_of_all_scenes_with_the_sound(small_world):
    draws, seen, heard = small_world
    for key in commonest(heard, np.ones(len(heard), dtype=bool), 4):
        matching = np.flatnonzero(heard == key)
        scene = to_scene(SMALL, draws, int(matching[0]), "00000001")
        given = draw_seen_given_heard(SMALL, scene, 60_000, np.random.default_rng(8))
        drawn = seen_key(facts_of_draws(SMALL, given))
        noise = noise_of(seen[matching])
        assert distance(drawn, given.weight, seen[matching]) < noise
        wrong = replace(SMALL, coupling=0.3)
        given = draw_seen_given_heard(wrong, scene, 60_000, np.random.default_rng(8))
        drawn = seen_key(facts_of_draws(SMALL, given))
        assert distance(drawn, given.weight, seen[matching]) > 1.5 * noise


def noise_of(keys):
    """Return how far two samples, of this size and a large one, are apart by chance, and some."""
    _, counts = np.unique(keys, return_counts=True)
    return 1.35 * np.sqrt(counts / (2 * np.pi)).sum() / counts.sum()


def test_draws_use_nothing_of_the_absent_modality():
    config = WorldConfig()
    scene, other = sample_scene(config, "00000001"), sample_scene(config, "00000002")
    deaf = replace(scene, sources=other.sources, ambience=other.ambience, voice=other.voice)
    blind = replace(
        scene, sections=other.sections, backdrop=other.backdrop, captions=other.captions
    )
    for draw, changed in ((draw_heard_given_seen, deaf), (draw_seen_given_heard, blind)):
        ours = facts_of_draws(config, draw(config, scene, 50, np.random.default_rng(9)))
        theirs = facts_of_draws(config, draw(config, changed, 50, np.random.default_rng(9)))
        assert np.array_equal(ours.pattern, theirs.pattern)
        assert np.array_equal(ours.on_place, theirs.on_place)


def test_draws_keep_what_is_present():
    config = WorldConfig()
    for index in range(20):
        scene = sample_scene(config, f"{index:08d}")
        generator = np.random.default_rng(index)
        for row in range(3):
            given = draw_heard_given_seen(config, scene, 3, generator)
            again = to_scene(config, given, row, scene.clip_id).seen()
            assert seen_facts(again) == seen_facts(scene.seen())
            given = draw_seen_given_heard(config, scene, 3, generator)
            again = to_scene(config, given, row, scene.clip_id).heard()
            assert heard_facts(again) == heard_facts(scene.heard())


def seen_facts(seen):
    return replace(seen, sections=tuple(replace(one, act=0) for one in seen.sections))


def heard_facts(heard):
    sources = (replace(one, act=0, melody=0) for one in heard.sources)
    return replace(heard, sources=tuple(sorted(sources, key=lambda one: one.instrument)))
