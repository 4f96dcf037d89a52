"""What is filled in, measured where the answer is known."""

from __future__ import annotations

import pytest
import torch

from avqa_core import rng
from avqa_core.completion import Completer, completers
from avqa_core.data.folder import DataFolder
from avqa_core.studies import fillings, trials
from avqa_core.types import Completion, Features
from avqa_core.viz.method_views import plain_model
from tests.training.worlds import write_world


def _features(num_clips: int, seed: int) -> Features:
    generator = rng.named(seed, "fillings")

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(num_clips, *size, generator=generator)

    return Features(audio=normal(4, 3), visual=normal(4, 3, 2, 2), question=normal(3))


class Stand(Completer):
    """Fills in whatever a function makes of the features."""

    def __init__(self, make) -> None:
        super().__init__()
        self.make = make

    def complete(self, features, availability, *, generator):
        audio = self.make(features)
        return Completion(features=features, pseudo_audio=audio, pseudo_visual=features.visual)


def test_a_constant_a_mean_a_perfect_recall_and_the_question_are_told_apart():
    train, test = _features(200, 0), _features(50, 1)
    mean = train.audio.mean(dim=(0, 1))
    found = {
        name: fillings.filling(Stand(make), "audio", train, test)
        for name, make in {
            "mean": lambda one: mean.expand_as(one.audio),
            # varies over time, and says the same of every clip
            "pattern": lambda one: torch.arange(4.0)[:, None].expand_as(one.audio),
            "perfect": lambda one: test.audio,
            "question": lambda one: one.question[:, None].expand_as(one.audio),
        }.items()
    }
    assert found["mean"].error == pytest.approx(1.0)
    for name in ("mean", "pattern"):
        assert found[name].spread == pytest.approx(0.0, abs=1e-12)
    assert found["pattern"].error > 2
    assert (found["perfect"].error, found["perfect"].spread) == (0.0, pytest.approx(1.0))
    assert found["perfect"].asked == found["mean"].asked == 0.0
    assert found["question"].asked == pytest.approx(1.0, abs=0.35)
    assert found["question"].spread == pytest.approx(found["question"].asked, rel=0.3)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    data = DataFolder(write_world(tmp_path_factory.mktemp("fillings") / "world"))
    train = data.dataset("train")
    trial = trials.briefly(plain_model("avst", "tiny"), train, num_steps=5, batch_size=12, seed=0)
    features = fillings.encode(trial.model, train)
    how = fillings.Teaching(num_steps=30, batch_size=16)

    def teach(name: str) -> tuple[Completer, Features]:
        config = completers.config(name)()
        return fillings.teach(config, trial.model.backbone, features, how, seed=1), features

    return teach


@pytest.mark.parametrize("name", ["zeros", "slot_mean", "missing_aware_prompts"])
def test_what_cannot_look_at_the_clip_says_the_same_of_all(taught, name):
    completer, features = taught(name)
    for half in fillings.HALVES:
        found = fillings.filling(completer, half, features, features)
        assert found.spread == pytest.approx(0.0, abs=1e-9) and found.asked == 0.0


@pytest.mark.parametrize("name", ["segment_transformer", "retrieval", "shaspec"])
def test_what_looks_at_the_clip_says_something_of_each(taught, name):
    completer, features = taught(name)
    assert fillings.filling(completer, "audio", features, features).spread > 1e-6


def test_teaching_comes_nearer_to_the_real_half_and_repeats_itself(taught):
    (one, features), (other, _) = taught("slot_mean"), taught("slot_mean")
    assert torch.equal(one.audio, other.audio)
    blank, _ = taught("zeros")
    errors = [fillings.filling(it, "audio", features, features).error for it in (one, blank)]
    assert errors[0] < errors[1]


def test_the_answers_are_read_and_the_backbone_stays(taught):
    """Prompts have no loss of their own: where they move, the answers moved them."""
    completer, features = taught("missing_aware_prompts")
    assert completer.audio.abs().max() > 0.1  # they start at 0.02
    assert set(features.extras) == {"question_id", "answer"}
    assert features.words is None
