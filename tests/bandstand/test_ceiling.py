from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avqa_core.bandstand import calibration, ceiling
from avqa_core.bandstand.answering import ANSWERS, FIRST_INSTRUMENT
from avqa_core.bandstand.calibration import (
    balanced_capacity,
    calibrate,
    fill,
    keep_rates_for,
)
from avqa_core.bandstand.ceiling import SCENARIOS, observe
from avqa_core.bandstand.facts import facts_of_draws
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import (
    NUM_CLASSES,
    VARIANTS,
    Question,
    answer_class,
    answer_codes,
    ask_about,
    variant_of,
)
from avqa_core.bandstand.sampling import sample_joint, sample_scene, to_scene
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.errors import ConfigError
from tests.bandstand.hand_built import TRIO
from tests.bandstand.test_sampling import SMALL, heard_key, seen_key

NAMES = [template.name for template in TEMPLATES]
CONFIG = WorldConfig(coupling=0.8)


def question(name, *slots, answer="yes", clip_id="00000001"):
    return Question(
        clip_id=clip_id,
        question_id=1,
        template=NAMES.index(name),
        slots=slots,
        answer=ANSWERS.index(answer),
    )


@pytest.mark.parametrize(
    ("capacity", "total", "expected"),
    [
        ([1.0, 2.0, 3.0], 3.0, [1.0, 1.0, 1.0]),
        ([0.2, 2.0, 3.0], 3.0, [0.2, 1.4, 1.4]),
        ([3.0, 0.2, 0.5], 3.0, [2.3, 0.2, 0.5]),
        ([1.0, 0.0, 1.0], 5.0, [1.0, 0.0, 1.0]),
        ([0.0, 0.0], 0.0, [0.0, 0.0]),
    ],
)
def test_vessels_fill_to_one_level(capacity, total, expected):
    assert fill(np.array(capacity), total) == pytest.approx(expected)


def test_a_variant_gives_no_more_than_its_second_answer_allows():
    counts = np.zeros((1, NUM_CLASSES))
    counts[0, :3] = 5.0, 2.0, 0.5
    assert balanced_capacity(counts) == pytest.approx([4.5])
    counts[0] = 0.0
    counts[0, FIRST_INSTRUMENT] = 3.0
    assert balanced_capacity(counts) == pytest.approx([3.0])


def test_keep_rates_by_hand():
    counts = np.zeros((len(VARIANTS), NUM_CLASSES))
    heard, seen = NAMES.index("is_heard"), NAMES.index("is_seen")
    first = {v.template: i for i, v in reversed(list(enumerate(VARIANTS)))}
    counts[first[heard], :2] = 3.0, 19.0
    counts[first[seen], :2] = 0.25, 20.0
    rates = keep_rates_for(counts, questions_per_clip=2.0)
    # is_seen holds 2 * 0.25; is_heard gets the remaining 1.5, half of it "yes".
    assert rates[first[seen], :2] == pytest.approx([1.0, 0.25 / 20])
    assert rates[first[heard], :2] == pytest.approx([0.75 / 3, 0.75 / 19])


@pytest.fixture(scope="module", autouse=True)
def quickly_calibrated():
    """Use few reference scenes: what is tested holds for any rates of asking."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "NUM_REFERENCE_SCENES", 800)
        patch.setattr(ceiling, "NUM_PRIOR_SCENES", 3000)
        yield


@pytest.fixture(scope="module")
def asked():
    scenes = [sample_scene(CONFIG, f"{index:08d}") for index in range(25)]
    return list(zip(scenes, ask_about(CONFIG, calibrate(CONFIG), scenes), strict=True))


def test_present_facts_are_certain(asked):
    for scene, questions in asked[:8]:
        for scenario, group in (("audio_missing", "Visual"), ("visual_missing", "Audio")):
            for one, seen in zip(
                questions, observe(CONFIG, scene, questions, scenario), strict=True
            ):
                if TEMPLATES[one.template].category.group == group:
                    assert seen.answer == ANSWERS[one.answer]
                    assert (seen.chance, seen.truth, seen.credit) == pytest.approx((1, 1, 1))


def test_a_perfect_observer_is_right_as_often_as_it_expects(asked):
    for scenario in SCENARIOS[1:]:
        pairs = [
            (one.chance, one.credit)
            for scene, questions in asked
            for one in observe(CONFIG, scene, questions, scenario, num_draws=800)
        ]
        chance, credit = np.array(pairs).T
        noise = np.sqrt((chance * (1 - chance)).sum()) / len(pairs)
        assert abs(chance.mean() - credit.mean()) < 3 * noise, scenario


def test_ceilings_use_nothing_of_the_absent_modality(asked):
    (scene, questions), (other, _) = asked[0], asked[1]
    deaf = replace(scene, sources=other.sources, ambience=other.ambience, voice=other.voice)
    blind = replace(
        scene, sections=other.sections, backdrop=other.backdrop, captions=other.captions
    )
    for scenario, changed in (("audio_missing", deaf), ("visual_missing", blind)):
        ours = observe(CONFIG, scene, questions, scenario, num_draws=800)
        assert observe(CONFIG, changed, questions, scenario, num_draws=800) == ours
    differs = observe(CONFIG, deaf, questions, "visual_missing", num_draws=800)
    assert differs != observe(CONFIG, scene, questions, "visual_missing", num_draws=800)


def test_more_is_known_when_more_is_coupled():
    means = []
    for coupling in (0.0, 0.9):
        config = WorldConfig(coupling=coupling)
        scenes = [sample_scene(config, f"{index:08d}") for index in range(15)]
        asked = ask_about(config, calibrate(config), scenes)
        chances = [
            one.chance
            for scene, questions in zip(scenes, asked, strict=True)
            for one in observe(config, scene, questions, "audio_missing", num_draws=800)
        ]
        means.append(np.mean(chances))
    assert means[1] > means[0] + 0.1


def test_uncoupled_sound_is_only_known_by_its_prior():
    config = WorldConfig(coupling=0.0)
    clip = replace(TRIO, clip_id="00000001")
    for one in (question("how_many_heard", answer="three"), question("is_heard", 18)):
        (given,) = observe(config, clip, [one], "audio_missing", num_draws=4000)
        (prior,) = observe(config, clip, [one], "both_missing")
        assert given.truth == pytest.approx(prior.truth, abs=0.03)


def test_unknown_instruments_share_their_chance():
    (nothing,) = observe(CONFIG, TRIO, [question("what_is_it", answer="tuba")], "both_missing")
    assert (nothing.chance, nothing.credit) == pytest.approx((1 / 22, 1 / 22))
    beside = question("beside", 1, 20, answer="piano")
    (nothing,) = observe(CONFIG, TRIO, [beside], "both_missing")
    assert (nothing.chance, nothing.credit) == pytest.approx((1 / 21, 1 / 21))


def test_an_unknown_scenario_is_refused():
    with pytest.raises(ConfigError, match="audio_missing"):
        observe(CONFIG, TRIO, [], "sound_missing")


# --- Against brute force: every scene of a small world, grouped by what is present. ---------------

# Questions that need what is absent; the others would be certain and only dilute the comparison.
ABOUT_BOTH = [
    ("sound_from_video", ()),
    ("turn_at_place", (0, 0)),
    ("turn_at_place", (1, 1)),
    ("where_turn", (0,)),
]
ABOUT_SOUND = [
    ("how_many_heard", ()),
    ("is_heard", (0,)),
    ("nth_entrance", (0,)),
    ("entrance_beside", (0, 1)),
]
ABOUT_SIGHT = [("what_is_it", ()), ("beside", (1, 2)), ("outermost", (0,)), ("is_seen", (0,))]


def asked_of(config, facts, named):
    """Yield the named questions with their answers and how likely a scene leads to them."""
    rows = np.arange(len(facts))
    for name, slots in named:
        template = NAMES.index(name)
        table = np.tile(np.array(slots, dtype=int), (len(facts), 1))
        answer = answer_codes(facts, template, rows, table)
        rate = calibrate(config)[variant_of(template, table), answer_class(answer)]
        yield name, slots, answer, np.where(answer >= 0, rate, 0.0)


def accuracy_by_counting(config, named, key, num_scenes):
    """Return brute force's bounds: the answer chosen on other scenes, or on the same ones."""
    facts = facts_of_draws(config, sample_joint(config, num_scenes, np.random.default_rng(1)))
    _, group = np.unique(key(facts), return_inverse=True)
    half, groups = np.arange(num_scenes) % 2, np.arange(group.max() + 1)
    fair = flattered = total = 0.0
    for _, _, answer, weight in asked_of(config, facts, named):
        votes = np.zeros((2, len(groups), len(ANSWERS)))
        np.add.at(votes, (half, group.ravel(), np.maximum(answer, 0)), weight)
        best = votes.argmax(axis=2)
        fair += sum(votes[1 - one, groups, best[one]].sum() for one in (0, 1))
        flattered += votes.sum(axis=0).max(axis=1).sum()
        total += votes.sum()
    return fair / total, flattered / total


def accuracy_by_observing(config, named, scenario, num_scenes, believed):
    """Return the same by our ceilings on scenes of the world, and its standard error."""
    draws = sample_joint(config, num_scenes, np.random.default_rng(2))
    asked = list(asked_of(config, facts_of_draws(config, draws), named))
    sums = []
    for row in range(num_scenes):
        scene = to_scene(config, draws, row, f"{row:08d}")
        pairs = [
            (question(name, *slots, answer=ANSWERS[answer[row]]), weight[row])
            for name, slots, answer, weight in asked
            if weight[row] > 0
        ]
        found = observe(believed, scene, [one for one, _ in pairs], scenario, num_draws=800)
        weights = np.array([weight for _, weight in pairs])
        sums.append((weights @ [one.chance for one in found], weights.sum()))
    right, total = np.array(sums).T
    mean = right.sum() / total.sum()
    return mean, np.sqrt(np.square(right - mean * total).sum()) / total.sum()


@pytest.mark.parametrize(
    ("scenario", "key", "named"),
    [
        ("audio_missing", seen_key, ABOUT_SOUND + ABOUT_BOTH),
        ("visual_missing", heard_key, ABOUT_SIGHT + ABOUT_BOTH),
    ],
)
def test_ceilings_are_those_of_brute_force(scenario, key, named):
    fair, flattered = accuracy_by_counting(SMALL, named, key, num_scenes=160_000)
    assert flattered - fair < 0.03
    mean, noise = accuracy_by_observing(SMALL, named, scenario, 120, believed=SMALL)
    assert fair - 3 * noise < mean < flattered + 3 * noise, (mean, fair, flattered, noise)
    # The check can tell: an observer who believes that nothing is linked expects far less.
    believed = replace(SMALL, coupling=0.0)
    mean, noise = accuracy_by_observing(SMALL, named, scenario, 120, believed)
    assert mean < fair - 3 * noise, (mean, fair, flattered, noise)
