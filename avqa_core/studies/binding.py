"""Counting who is seen and heard: a trained network beside one that counts each half by itself.

To know how many players sound, every sound has to be bound to a place. Who counts what is seen and
what is heard, and never asks which is which, can only guess how many they have in common.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from avqa_core.bandstand.scene import Scene
from avqa_core.bandstand.world import MARK, read_scenes
from avqa_core.config import require
from avqa_core.data.availability import Scenario
from avqa_core.data.dataset import QADataset
from avqa_core.data.folder import DataFolder
from avqa_core.evaluation import logits_by_batch
from avqa_core.model import MissingModalityAVQA
from avqa_core.training import runs
from avqa_core.types import QAExample

CATEGORY = "Audio-Visual Counting"
EVALUATION_SEED, BATCH_SIZE = 0, 128


@dataclass(frozen=True, slots=True)
class Counts:
    """What each half tells by itself: not which of the seen are heard.

    Attributes:
        players: that are seen.
        kinds: instruments that are seen.
        sounds: instruments that are heard.
    """

    players: int
    kinds: int
    sounds: int

    @classmethod
    def of(cls, scene: Scene) -> Counts:
        """Count what is on stage and what sounds, each by itself."""
        return cls(
            players=sum(section.count for section in scene.sections),
            kinds=len({section.instrument for section in scene.sections}),
            sounds=len({source.instrument for source in scene.sources}),
        )


class CountingObserver:
    """Answers what was most frequent, among training questions, for equal counts.

    Args:
        examples: training questions with their answers.
        scenes: of their clips, by clip.
    """

    def __init__(self, examples: Sequence[QAExample], scenes: Mapping[str, Scene]) -> None:
        require(
            bool(examples),
            f"expected training questions of {CATEGORY}, got none: build a larger world",
        )
        self._given: dict[Hashable, Counter[str]] = defaultdict(Counter)
        for one in examples:
            counts = Counts.of(scenes[one.video_id])
            for known in ((one.template, counts), one.template, None):
                assert one.answer is not None
                self._given[known][one.answer] += 1

    def answer(self, example: QAExample, scene: Scene) -> str:
        """Return its answer; where it never met such counts, the most frequent of the template."""
        for known in ((example.template, Counts.of(scene)), example.template, None):
            if known in self._given:
                return self._given[known].most_common(1)[0][0]
        raise AssertionError("it has met at least one question")


def questions(dataset: QADataset) -> list[int]:
    """Return the places of the questions that count who is seen and heard."""
    return [
        place
        for place, one in enumerate(dataset.examples)
        if str(one.category) == CATEGORY and one.answer is not None
    ]


def study(folder: DataFolder, runs_of: Sequence[Path], *, device: str = "cpu") -> list[Row]:
    """Return how trained networks count, beside the observer that cannot bind.

    Args:
        folder: a built-in world; nothing is known of the scenes of other data, and nothing said.
        runs_of: folders of trained networks; without any, nothing is said.
        device: where they answer.
    """
    if not runs_of or not (folder.path / MARK).is_file():
        return []
    train = folder.dataset("train")
    known = {one.clip_id: one for one in read_scenes(folder.path, "train")}
    observer = CountingObserver([train.examples[place] for place in questions(train)], known)
    given = []
    for run in runs_of:
        model, vocabulary, _ = runs.load_run(run)
        test = folder.dataset("test", vocabulary)
        places = questions(test)
        given.append(answers(model, test, places, device=device))
    asked = [test.examples[place] for place in places]
    scenes = {one.clip_id: one for one in read_scenes(folder.path, "test")}
    return rows(asked, scenes, given, observer)


@torch.inference_mode()
def answers(
    model: MissingModalityAVQA, dataset: QADataset, places: Sequence[int], *, device: str = "cpu"
) -> list[str]:
    """Return what a network answers to some questions, nothing missing."""
    given: list[str] = []
    for _, logits in logits_by_batch(
        model.to(device),
        dataset,
        Scenario.parse("complete"),
        places,
        seed=EVALUATION_SEED,
        batch_size=BATCH_SIZE,
        device=device,
    ):
        given += [dataset.vocabulary.answers[index] for index in logits.argmax(dim=-1).tolist()]
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How often questions of one template are answered right, as fractions.

    Attributes:
        template: as MUSIC-AVQA writes it.
        total: questions of it.
        networks: of all of them, one value a network.
        observer: of all of them, by the counting observer.
        num_alike: questions whose clip has the counts of another one's.
        own: of those, one value a network.
        dealt: of those, if the answers of a network are dealt anew among clips of equal counts, as
            the mean over all ways; what is lost is what it knows beyond counts.
    """

    template: str
    total: int
    networks: tuple[float, ...]
    observer: float
    num_alike: int
    own: tuple[float, ...]
    dealt: tuple[float, ...]


def rows(
    examples: Sequence[QAExample],
    scenes: Mapping[str, Scene],
    given: Sequence[Sequence[str]],
    observer: CountingObserver,
) -> list[Row]:
    """Return one row a template, in the order in which they come.

    Args:
        examples: test questions with their answers.
        scenes: of their clips, by clip.
        given: the answers of each network.
        observer: what the networks are compared with.
    """
    by_template: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(examples):
        by_template[one.template].append(place)
    found = []
    for template, places in by_template.items():
        asked = [examples[place] for place in places]
        truth = [str(one.answer) for one in asked]
        counts = [Counts.of(scenes[one.video_id]) for one in asked]
        answered = [[of[place] for place in places] for of in given]
        guessed = [observer.answer(one, scenes[one.video_id]) for one in asked]
        alike = [place for place, one in enumerate(counts) if counts.count(one) > 1]
        found.append(
            Row(
                template=template,
                total=len(asked),
                networks=tuple(_share(one, truth) for one in answered),
                observer=_share(guessed, truth),
                num_alike=len(alike),
                own=tuple(
                    _share([one[place] for place in alike], [truth[place] for place in alike])
                    for one in answered
                ),
                dealt=tuple(_dealt(one, truth, counts) for one in answered),
            )
        )
    return found


def _share(given: Sequence[str], truth: Sequence[str]) -> float:
    right = sum(one == other for one, other in zip(given, truth, strict=True))
    return right / len(truth) if truth else float("nan")


def _dealt(given: Sequence[str], truth: Sequence[str], counts: Sequence[Counts]) -> float:
    """Return how often the answer to another question of equal counts would be right."""
    cells: dict[Counts, list[int]] = defaultdict(list)
    for place, one in enumerate(counts):
        cells[one].append(place)
    shared = [cell for cell in cells.values() if len(cell) > 1]
    right = sum(
        sum(given[other] == truth[place] for other in cell if other != place) / (len(cell) - 1)
        for cell in shared
        for place in cell
    )
    total = sum(len(cell) for cell in shared)
    return right / total if total else float("nan")
