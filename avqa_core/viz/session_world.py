"""What a toggle session looks at: questions, features, and scenes where the world is built-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch

from avqa_core.bandstand.bounds import Ceilings, Floors
from avqa_core.bandstand.floor import LookUp
from avqa_core.bandstand.knobs import WorldConfig
from avqa_core.bandstand.questions import answer_in_words
from avqa_core.bandstand.scene import Scene
from avqa_core.bandstand.templates import TEMPLATES, Template
from avqa_core.bandstand.world import MARK, read_config, read_scenes
from avqa_core.data.annotations import fill_template
from avqa_core.data.dataset import MODALITY_ARRAYS, collate, encode_questions
from avqa_core.data.folder import DataFolder
from avqa_core.data.store import FeatureStore
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AnnotationError, FeatureError
from avqa_core.rng import derive
from avqa_core.types import FeatureBatch, Modality, QAExample
from avqa_core.viz.media import ClipMedia, rendered


class Floor(NamedTuple):
    """What the question alone gives: an answer, and how often such answers are right."""

    answer: str
    accuracy: float


class QuestionFloor:
    """The floor of every table, applied to one question: the most common answer, by look-up.

    Args:
        training: questions that the look-up table is fitted on.
        floors: which table, and how often it is right on the test questions of each category.
    """

    def __init__(self, training: Sequence[QAExample], floors: Floors) -> None:
        self._look_up = LookUp(training, floors.chosen)
        self._accuracy = floors.by_category()

    def of(self, example: QAExample) -> Floor | None:
        """Return the floor of a question; None for a category without test questions."""
        answer, accuracy = self._look_up.answer(example), self._accuracy.get(str(example.category))
        return None if answer is None or accuracy is None else Floor(answer, accuracy)


@dataclass(frozen=True, kw_only=True)
class SessionWorld:
    """One split of a data set, ready to be asked about.

    Attributes:
        examples: questions of the split.
        store: features of its clips.
        vocabulary: of the training split.
        floor: what the question alone gives.
        ceilings: scenario -> question id -> chance of a perfect observer; empty where unknown.
        scenes: video id -> facts; empty for real data, where nothing but the file's questions has
            a known answer.
        config: of the built-in world; needed with ``scenes``.
    """

    examples: Sequence[QAExample]
    store: FeatureStore
    vocabulary: Vocabulary
    floor: QuestionFloor | None = None
    ceilings: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    scenes: Mapping[str, Scene] = field(default_factory=dict)
    config: WorldConfig | None = None

    @classmethod
    def open(
        cls, folder: Path, split: str = "test", vocabulary: Vocabulary | None = None
    ) -> SessionWorld:
        """Open a data folder; the vocabulary is that of its training split if not given.

        Raises:
            AvqaError: a file of the folder is missing or damaged.
        """
        data = DataFolder(folder)
        training, examples = data.examples("train"), data.examples(split)
        answered = [example for example in examples if example.answer is not None]
        floors = Floors.fit(training, data.examples("val"), answered)
        is_bandstand = (folder / MARK).is_file()
        scenes = read_scenes(folder, split) if is_bandstand else []
        has_ceilings = split == "test" and (folder / "ceiling.json").is_file()
        return cls(
            examples=examples,
            store=data.store,
            vocabulary=vocabulary or Vocabulary.from_examples(training),
            floor=QuestionFloor(training, floors),
            ceilings=Ceilings.read(folder / "ceiling.json").chances if has_ceilings else {},
            scenes={scene.clip_id: scene for scene in scenes},
            config=read_config(folder) if is_bandstand else None,
        )

    @property
    def clips(self) -> list[str]:
        """The clips that have questions, in the order in which they first occur."""
        return list(dict.fromkeys(example.video_id for example in self.examples))

    def questions_of(self, video_id: str) -> list[QAExample]:
        """Return the questions of the split about one clip."""
        return [example for example in self.examples if example.video_id == video_id]

    def ask(self, video_id: str, template: Template, words: Sequence[str]) -> QAExample:
        """Return a freely chosen question; its answer is None where the scene gives no clear one.

        Raises:
            AnnotationError: a word does not fit its placeholder.
        """
        tokens = fill_template(template.text, words)
        scene, answer = self.scenes.get(video_id), None
        if scene is not None and self.config is not None:
            answer = answer_in_words(self.config, scene, template, words)
        return QAExample(
            question_id=derive(0, "free question", video_id, *tokens),
            video_id=video_id,
            category=template.category,
            template=template.text.rstrip(),
            slot_values=tuple(words),
            tokens=tokens,
            answer=answer,
        )

    def batch(self, example: QAExample, audio_present: bool, visual_present: bool) -> FeatureBatch:
        """Return one question as a batch, with what the clip has and the toggles leave.

        Raises:
            FeatureError: the store lacks the clip, or a present feature is damaged.
            AnnotationError: the question has a word that nobody trained on.
        """
        stored = self.store[example.video_id]
        arrays = {
            name: torch.from_numpy(stored[name].astype("float32"))[None]
            if name in stored
            else torch.zeros(1, *shape)
            for name, shape in self.store.layout.items()
        }
        wanted = {Modality.AUDIO: audio_present, Modality.VISUAL: visual_present}
        num_segments = self.store.layout["audio"][0]
        availability = torch.zeros(1, num_segments, len(Modality), dtype=torch.bool)
        for modality, name in MODALITY_ARRAYS.items():
            availability[..., modality] = wanted[modality] and name in stored
        return collate(encode_questions([example], self.vocabulary), arrays, availability)

    def media(self, video_id: str) -> ClipMedia:
        """Return pictures and sound of a clip of the built-in world.

        Raises:
            FeatureError: the clip has no scene to render.
        """
        if video_id not in self.scenes:
            raise FeatureError(
                f"expected a scene of clip {video_id} to render its picture and sound, got none: "
                "only clips of the built-in world can be shown; the answers work without"
            )
        return rendered(self.scenes[video_id])


def template_named(name: str) -> Template:
    """Return one of the 33 templates by its name.

    Raises:
        AnnotationError: there is none of that name.
    """
    for template in TEMPLATES:
        if template.name == name:
            return template
    raise AnnotationError(
        f"expected one of {', '.join(template.name for template in TEMPLATES)}, got {name!r}: "
        "choose a template of MUSIC-AVQA"
    )
