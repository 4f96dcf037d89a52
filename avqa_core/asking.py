"""One question about one film file: decode, encode, answer, with probabilities.

A film without sound or picture is a film whose modality is absent; the model then answers as in the
scenario of that name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from avqa_core import gaps, rng, run_calibration
from avqa_core.abstention import require_threshold
from avqa_core.config import from_dict, require
from avqa_core.data.dataset import Questions, collate, encode_questions
from avqa_core.data.folder import DataFolder
from avqa_core.data.vocabulary import PADDING, Vocabulary, words_of
from avqa_core.encoders import catalogue
from avqa_core.encoders.base import AudioEncoder, VisualEncoder
from avqa_core.errors import AnnotationError, AvqaError, ConfigError
from avqa_core.extraction import Recipe
from avqa_core.gaps import Gap
from avqa_core.media.segments import Place, SegmentPolicy
from avqa_core.model import MissingModalityAVQA
from avqa_core.run_calibration import RunCalibration
from avqa_core.training import checkpoint, runs
from avqa_core.types import FeatureBatch, FeatureDims, Modality, QAExample, QuestionCategory

Missing = Literal["none", "audio", "visual", "both"]
# What ends a question: both marks of the data set, the second as wide as a Chinese letter.
ENDINGS = " \t\n.!?\uff1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmAnswer:
    """What a model says about a film.

    Attributes:
        question: as the model read it.
        scenario: what was missing, as the tables of the book name it.
        answers: the most probable answers with their probabilities, best first.
        notes: what a person should know who relies on the answer.
        at_least: how sure the model had to be; None if it had to answer anyway.
    """

    question: str
    scenario: str
    answers: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]
    at_least: float | None = None

    @property
    def is_sure(self) -> bool:
        """Whether the first answer is given, or only what the model would have said."""
        return self.at_least is None or self.answers[0][1] >= self.at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """When to say nothing: a calibrated run, and how sure it has to be."""

    calibration: RunCalibration
    at_least: float

    def __post_init__(self) -> None:
        require_threshold(self.at_least)

    def note(self, scenario: str) -> str:
        """Say what this threshold did to the validation questions of a scenario."""
        answered, right = self.calibration.of(scenario).confidences.answered_at(self.at_least)
        told = f"{100 * answered.accuracy:.0f} % of the validation questions were answered"
        of_them = f", {100 * right.accuracy:.0f} % of them right" if right.total else ""
        return f"when at least {100 * self.at_least:g} % sure, {scenario}: {told}{of_them}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A trained model with the encoders that its data was extracted with.

    Attributes:
        model: in evaluation mode.
        vocabulary: of its training split.
        recipe: from a film to its features.
        notes: how the recipe was found, where nothing recorded it.
        caution: when to say nothing; None always answers, as sure as the network itself says.
    """

    model: MissingModalityAVQA
    vocabulary: Vocabulary
    recipe: Recipe
    notes: tuple[str, ...] = ()
    caution: Caution | None = None

    @torch.inference_mode()
    def answer(
        self,
        video: Path,
        question: str,
        *,
        candidates: Sequence[str] = (),
        missing: Missing = "none",
        drop: Sequence[Gap] = (),
        top: int = 5,
        seed: int = 0,
    ) -> FilmAnswer:
        """Answer a question about a film.

        Args:
            video: file.
            question: in the words of the training questions; its question mark may be left out.
            candidates: what to choose from, for a run that was trained on multiple choice.
            missing: modality to be taken away although the film has it.
            drop: segments to be taken away; of a modality that is absent anyway there are none.
            top: how many answers are wanted.
            seed: of the noise of a sampler.

        Raises:
            AvqaError: the film cannot be decoded, the question has a word nobody knows, or the run
                wants candidates and there are none, or the other way round.
        """
        require(top >= 1, f"--top: expected at least one answer, got {top}")
        self._check_candidates(candidates)
        words = read_question(question, self.vocabulary)
        asked = _example(video, words, candidates)
        questions = encode_questions([asked], self.vocabulary, self.model.dims.num_tokens)
        notes = [*self.notes, *self._notes_about(words)]
        clip = self.recipe.decode(video)
        if clip.padding:
            notes.append(f"the film does not fill its segments: {clip.padding}")
        (arrays,) = self.recipe.encode([clip])
        present = {"audio": missing not in ("audio", "both"),
                   "visual": missing not in ("visual", "both")}  # fmt: skip
        for name, what in (("audio", "sound"), ("visual", "picture")):
            if name not in arrays:
                notes.append(f"the film has no {what}: {name} is absent")
            elif not present[name]:
                notes.append(f"{name} taken away as asked")
        present = {name: is_wanted and name in arrays for name, is_wanted in present.items()}
        batch = self._batch(questions, arrays, present)
        lost = [gap for gap in drop if present[gap.modality]]
        for gap in lost:
            gap.take_from(batch.availability)
            notes.append(str(gap))
        generator = rng.named(seed, "asking", *words)
        device = next(self.model.parameters()).device
        logits = self.model(batch.to(device), generator=generator).answers.logits[0].float()
        scenario, caution = gaps.scenario(batch.availability[0]), self.caution
        if caution is not None:
            logits = logits / caution.calibration.of(scenario).temperature
            notes.append(caution.note(scenario))
        best = logits.softmax(dim=-1).topk(min(top, len(logits)))
        choices = self.vocabulary.choices(asked)
        return FilmAnswer(
            question=" ".join(words) + "?",
            scenario=scenario,
            answers=tuple(
                (choices[index], probability)
                for probability, index in zip(
                    best.values.tolist(), best.indices.tolist(), strict=True
                )
            ),
            notes=tuple(notes),
            at_least=None if caution is None else caution.at_least,
        )

    def _check_candidates(self, candidates: Sequence[str]) -> None:
        """Refuse candidates where the run has answers of its own, and their absence elsewhere."""
        if self.vocabulary.is_multiple_choice:
            require(
                len(candidates) >= 2 and all(one.strip() for one in candidates),
                "--candidates: expected two or more answers to choose from, because the run was "
                f"trained on multiple choice, got {list(candidates)}: name them",
            )
        else:
            require(
                not candidates,
                f"--candidates: expected none, because the run has {len(self.vocabulary.answers)} "
                f"answers of its own, got {list(candidates)}: leave them out",
            )

    def _notes_about(self, words: Sequence[str]) -> list[str]:
        """Return what of the question the model does not read."""
        length, notes = self.model.dims.num_tokens, []
        if len(words) > length:
            notes.append(f"only the first {length} words of the question are read")
        if unknown := [word for word in words if word not in self.vocabulary.words]:
            notes.append(f"words that training does not know: {', '.join(unknown)}")
        return notes

    def _batch(
        self,
        questions: Questions,
        arrays: Mapping[str, np.ndarray],
        present: Mapping[str, bool],
    ) -> FeatureBatch:
        """Return the batch of one question that the model would get from a store."""
        availability = torch.zeros(1, self.model.dims.num_segments, 2, dtype=torch.bool)
        availability[..., Modality.AUDIO] = present["audio"]
        availability[..., Modality.VISUAL] = present["visual"]
        features = {
            name: torch.from_numpy(arrays.get(name, np.zeros(shape, np.float16)))[None].float()
            for name, shape in self.recipe.layout.items()
        }
        return collate(questions, features, availability)


def _example(video: Path, words: Sequence[str], candidates: Sequence[str]) -> QAExample:
    """Return the question as a file of questions would give it, nobody knowing the answer."""
    return QAExample(
        question_id=rng.derive(0, "asked", video.stem, *words),
        video_id=video.stem,
        category=QuestionCategory("Asked", "Asked"),
        template=" ".join(words),
        slot_values=(),
        tokens=tuple(words),
        answer=None,
        candidates=tuple(candidates),
    )


def read_question(question: str, vocabulary: Vocabulary) -> list[str]:
    """Return the words of a question as the training questions spell them.

    The first word gets its capital letter, others the case that training has, and two words that
    the vocabulary has as one (``acoustic guitar``) are joined. Open language is in lower case, and
    any word will do.

    Raises:
        AnnotationError: no words, or one that the vocabulary does not have, with the closest.
    """
    is_open = vocabulary.is_multiple_choice
    words = list(words_of(question)) if is_open else question.strip(ENDINGS).split()
    if not words:
        raise AnnotationError("expected a question in words, got none: ask something")
    if is_open:
        return words
    known = set(vocabulary.words) - {PADDING}
    spelled = {word.lower(): word for word in sorted(known)}
    words = [_as_known(word, known, spelled) for word in words]
    if (capital := words[0][:1].upper() + words[0][1:]) in known:
        words[0] = capital
    joined: list[str] = []
    for word in words:
        if joined and f"{joined[-1]}_{word}" in known:
            joined[-1] += f"_{word}"
        else:
            joined.append(word)
    vocabulary.encode(joined, len(joined))
    if PADDING in joined:
        raise AnnotationError(
            f"expected a question in words, got {PADDING!r}, which is none: leave it out"
        )
    return joined


def _as_known(word: str, known: Set[str], spelled: Mapping[str, str]) -> str:
    """Return a word as training spells it, whatever its case and with no comma behind it."""
    bare = word.rstrip(",;:") or word
    return bare if bare in known else spelled.get(bare.lower(), bare.lower())


def listen(
    run: Path,
    *,
    data: Path | None = None,
    audio: str | None = None,
    visual: str | None = None,
    weights: Sequence[Path] = (),
    seconds: float | None = None,
    place: Place | None = None,
    which: checkpoint.Which = "best",
    at_least: float | None = None,
    device: torch.device | str = "cpu",
) -> Listener:
    """Load a trained run and the encoders that belong to it.

    Args:
        run: run folder.
        data: data folder whose store records encoders and segments; what the run itself recorded
            of the features it was trained on, if None.
        audio: encoder of the sound; as recorded, or Bandstand's, if None.
        visual: encoder of the picture; likewise.
        weights: files or folders with the weights of the encoders.
        seconds: length of a segment; as recorded, or as the visual encoder's recipe has it.
        place: where in a segment it is looked at; likewise.
        which: the best checkpoint of the validation, or the last.
        at_least: how sure an answer has to be; None always answers.
        device: where to compute.

    Raises:
        AvqaError: something does not exist, features of these encoders do not fit the model, or the
            run has to know how sure it is and was never calibrated.
    """
    where = checkpoint.find(runs.RunFolder(run).checkpoints, which)
    model, loaded = checkpoint.load_model(where)
    caution = None
    if at_least is not None:
        caution = Caution(calibration=run_calibration.read(where), at_least=at_least)
    made_by = loaded.state.provenance
    features = made_by.get("features", {}) if data is None else DataFolder(data).store.provenance
    recorded = recorded_recipe(features)
    notes = []
    if data is not None and runs.data_hash(data) != made_by.get("data_hash"):
        notes.append(f"{data} is not, or no longer, the data that the run was trained on")
    given = {"audio": audio or recorded.get("audio"), "visual": visual or recorded.get("visual")}
    chosen = {name: encoder or "bandstand" for name, encoder in given.items()}
    if None in given.values():
        notes.append(
            "the run does not record its encoders; assumed because the widths fit: audio "
            f"{chosen['audio']}, visual {chosen['visual']} (--data, or --audio and --visual, tell)"
        )
    choice = catalogue.choose(catalogue.VISUAL, chosen["visual"])
    usual = recorded.get("segments") or replace(
        choice.segments, num_segments=model.dims.num_segments
    )
    recipe = Recipe(
        audio=catalogue.choose(catalogue.AUDIO, chosen["audio"]).load(weights).to(device),
        visual=choice.load(weights).to(device),
        segments=replace(
            usual,
            seconds=usual.seconds if seconds is None else seconds,
            place=place or usual.place,
            # A person who asks wants an answer; that the film was short is told.
            short="pad",
        ),
    )
    _require_fit(recipe, model.dims)
    notes += _other_weights(recipe, recorded)
    return Listener(
        model=model.to(device),
        vocabulary=loaded.vocabulary,
        recipe=recipe,
        notes=tuple(notes),
        caution=caution,
    )


def recorded_recipe(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return encoders, their weights and ``segments`` as a store records them, or nothing.

    Raises:
        ConfigError: the provenance is damaged.
    """
    if "world" in provenance:
        return {"audio": "bandstand", "visual": "bandstand"}
    told = provenance.get("extraction")
    if told is None:
        return {}
    try:
        return {
            "audio": told["audio"]["encoder"],
            "audio_weights": told["audio"]["weights"],
            "visual": told["visual"]["encoder"],
            "visual_weights": told["visual"]["weights"],
            "segments": from_dict(SegmentPolicy, told["segments"]),
        }
    except (KeyError, TypeError, AvqaError) as error:
        raise ConfigError(
            f"expected the recipe of the features in the provenance of the store, got {error}: "
            "extract them again"
        ) from error


def _other_weights(recipe: Recipe, recorded: Mapping[str, Any]) -> list[str]:
    """Return a note for each encoder whose file is not the one that the data was made with."""
    encoders: dict[str, AudioEncoder | VisualEncoder] = {
        "audio": recipe.audio,
        "visual": recipe.visual,
    }
    return [
        f"the data was extracted with other weights of {one.name}"
        for name, one in encoders.items()
        if recorded.get(name) == one.name
        and recorded.get(f"{name}_weights") not in (None, one.weights_hash)
    ]


def _require_fit(recipe: Recipe, dims: FeatureDims) -> None:
    """Refuse encoders whose features the model has never seen the like of."""
    layout = recipe.layout
    ours = (dims.num_segments, dims.audio_width), (
        dims.num_segments, dims.visual_width, dims.grid_height, dims.grid_width,
    )  # fmt: skip
    if (layout["audio"], layout["visual"]) != ours:
        raise ConfigError(
            f"expected encoders that give audio {list(ours[0])} and visual {list(ours[1])}, as the "
            f"run was trained on, got {list(layout['audio'])} from {recipe.audio.name} and "
            f"{list(layout['visual'])} from {recipe.visual.name}: name those of its data with "
            f"--audio and --visual (audio: {', '.join(catalogue.AUDIO)}; visual: "
            f"{', '.join(catalogue.VISUAL)})"
        )
