"""What small networks are told of a clip, and that each learns as if it were alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.errors import ConfigError
from avqa_core.studies import counting_rule as rule
from avqa_core.studies.readings import ClipFeatures, counts_of
from tests.studies.scenes import question, scene_of

ANSWERS = ("zero", "one", "two", "three")
SCENES = [scene_of({"cello": 1, "flute": 2}, ("flute", "drum")), scene_of({"piano": 3}, ())]
FEATURES = ClipFeatures(torch.arange(8.0).view(2, 2, 2), torch.arange(36.0).view(2, 2, 3, 3))
NAMED = "How many sounding <Object> in the video\uff1f"


def test_what_is_told_by_hand():
    counts = counts_of(SCENES, WorldConfig())
    means = rule.clip_inputs("means", FEATURES, *counts)
    assert means[0].tolist() == [7.5, 8.5, 9.5, 1.0, 2.0]
    facts, joined = (rule.clip_inputs(told, FEATURES, *counts) for told in ("facts", "joined"))
    number = len(INSTRUMENTS)
    cello, flute, drum = (INSTRUMENTS.index(one) for one in ("cello", "flute", "drum"))
    assert {i: int(facts[0, i]) for i in facts[0].nonzero().flatten().tolist()} == {
        cello: 1,
        flute: 2,
        number + drum: 1,
        number + flute: 1,
    }
    torch.testing.assert_close(joined[:, : 2 * number], facts)
    product = joined[:, 2 * number :]
    assert product[0].nonzero().flatten().tolist() == [flute] and product[0, flute] == 2
    assert not product[1].any()
    with pytest.raises(ConfigError, match="means, facts, joined"):
        rule.clip_inputs("scenes", FEATURES, *counts)


def test_questions_as_numbers():
    named = replace(question("b", "three", NAMED), slot_values=("flute",))
    elsewhere, unknown = question("c", "one"), question("a", "eleven")
    asked = rule.Asked.of(
        [question("a", "two"), elsewhere, named, unknown], {"a": 0, "b": 1}, ANSWERS
    )
    assert asked.clip.tolist() == [0, 1] and asked.answer.tolist() == [2, 3]
    assert asked.words.sum(dim=1).tolist() == [2, 2]
    assert asked.words[1, 4 + INSTRUMENTS.index("flute")] == 1
    assert len(asked.first(1)) == 1


def _asked(number: int) -> tuple[torch.Tensor, rule.Asked]:
    """Return clips that are told their answer outright."""
    answer = torch.arange(number) % len(ANSWERS)
    told = torch.nn.functional.one_hot(answer, len(ANSWERS)).float()
    return told, rule.Asked(torch.arange(number), torch.zeros(number, 1), answer)


LESSON = rule.Lesson(num_questions=64, num_steps=60, batch_size=32, width=16)


def _learn(seeds: tuple[int, ...]) -> rule.Learned:
    return rule.learn(
        _asked(64), _asked(20), LESSON, told="facts", seeds=seeds, num_answers=len(ANSWERS)
    )


def test_what_is_told_outright_is_learned():
    learned = _learn((0, 1))
    assert learned.new == learned.old == (1.0, 1.0)
    assert (learned.num_questions, learned.num_steps) == (64, 60)


def test_a_network_learns_as_if_it_were_alone():
    short = replace(LESSON, num_steps=4)
    told = dict(told="facts", num_answers=len(ANSWERS))
    noise, asked = torch.randn(64, 6, generator=torch.Generator().manual_seed(0)), _asked(64)[1]
    together = rule.learn((noise, asked), (noise, asked), short, seeds=(3, 1, 2), **told)
    alone = [
        rule.learn((noise, asked), (noise, asked), short, seeds=(seed,), **told).new[0]
        for seed in (3, 1, 2)
    ]
    assert list(together.new) == pytest.approx(alone) and len(set(alone)) > 1


def test_without_questions_nothing_can_be_learned():
    told, asked = _asked(4)
    with pytest.raises(ConfigError, match="questions that count"):
        rule.learn(
            (told, asked.first(0)), (told, asked), LESSON, told="facts", seeds=(0,), num_answers=4
        )
