"""Questions + feature store -> ``FeatureBatch``; the only place where a batch is put together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from avqa_core import rng
from avqa_core.config import require
from avqa_core.data.availability import COMPLETE, AvailabilityPolicy
from avqa_core.data.draws import draw_below
from avqa_core.data.lending import LARGE_BYTES, Lender
from avqa_core.data.store import FeatureStore
from avqa_core.data.vocabulary import Vocabulary, words_of
from avqa_core.errors import AnnotationError, FeatureError
from avqa_core.types import FeatureBatch, FeatureDims, Modality, QAExample

PART_BYTES = 4 * 2**20
MODALITY_ARRAYS = {Modality.AUDIO: "audio", Modality.VISUAL: "visual"}


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions as numbers; row i belongs to the i-th of the examples they were made from."""

    tokens: Int[Tensor, "B N"]
    answer: Int[Tensor, " B"]
    question_id: Int[Tensor, " B"]
    video_ids: tuple[str, ...]
    candidates: Int[Tensor, "B A M"] | None = None

    def __getitem__(self, rows: Sequence[int]) -> Questions:
        """Return the given rows, in the given order."""
        index = torch.as_tensor(rows, dtype=torch.long)
        return Questions(
            self.tokens[index],
            self.answer[index],
            self.question_id[index],
            tuple(self.video_ids[row] for row in rows),
            None if self.candidates is None else self.candidates[index],
        )


def encode_questions(
    examples: Sequence[QAExample], vocabulary: Vocabulary, num_tokens: int = 14
) -> Questions:
    """Turn examples into numbers.

    Raises:
        AnnotationError: no example, a word or an answer that the vocabulary does not have, or
            another number of candidates than the first has; the message names the question.
    """
    if not examples:
        raise AnnotationError("expected at least one question, got none: check the split")
    # The same words are asked about many clips: they are looked up once.
    place: dict[tuple[str, ...], int] = {}
    encoded, asked, answers = [], [], []
    for example in examples:
        try:
            if example.tokens not in place:
                encoded.append(vocabulary.encode(example.tokens, num_tokens))
                place[example.tokens] = len(place)
            asked.append(place[example.tokens])
            answers.append(vocabulary.place_of_answer(example))
        except AnnotationError as error:
            raise AnnotationError(f"question {example.question_id}: {error}") from error
    return Questions(
        torch.tensor(encoded)[torch.tensor(asked)],
        torch.tensor(answers),
        torch.tensor([example.question_id for example in examples]),
        tuple(example.video_id for example in examples),
        _encode_candidates(examples, vocabulary, num_tokens),
    )


def _encode_candidates(
    examples: Sequence[QAExample], vocabulary: Vocabulary, num_tokens: int
) -> Int[Tensor, "B A M"] | None:
    """Return the words of all candidates, as many as the longest has; None without candidates."""
    wanted = len(examples[0].candidates)
    if not wanted:
        return None
    rows = [[words_of(candidate) for candidate in example.candidates] for example in examples]
    for example, row in zip(examples, rows, strict=True):
        if len(row) != wanted:
            raise AnnotationError(
                f"question {example.question_id}: expected {wanted} candidates as the first "
                f"question has, got {len(row)}: give every question as many"
            )
    longest = max(1, *(len(words) for row in rows for words in row))
    length = min(longest, num_tokens)
    return torch.tensor([[vocabulary.encode(words, length) for words in row] for row in rows])


def collate(
    questions: Questions,
    arrays: Mapping[str, Float[Tensor, "B ..."]],
    availability: Bool[Tensor, "B T 2"],
    negative_visual: Float[Tensor, "B T E H W"] | None = None,
) -> FeatureBatch:
    """Put a batch together; arrays beside ``audio`` and ``visual`` go to ``extras``.

    Raises:
        FeatureError: a feature that is present is not finite; the message names the clip.
    """
    for modality, name in MODALITY_ARRAYS.items():
        _check_finite(name, arrays[name], availability[..., modality], questions.video_ids)
    return FeatureBatch(
        audio=arrays["audio"],
        visual=arrays["visual"],
        tokens=questions.tokens,
        availability=availability,
        answer=questions.answer,
        question_id=questions.question_id,
        negative_visual=negative_visual,
        candidates=questions.candidates,
        extras={
            name: array for name, array in arrays.items() if name not in MODALITY_ARRAYS.values()
        },
        video_ids=questions.video_ids,
    )


class QADataset:
    """The questions of one split with the features of their clips.

    Args:
        examples: of the split.
        store: holds a clip for each of them; a clip may lack an array of a modality.
        vocabulary: of the training split.
        num_tokens: length to which questions are padded.
        cache: hold the split's features in memory as float16, for stores that fit there.
        missing_rate: share of the clips that lack one half, as if it had never been recorded: half
            of them their audio, half of them their picture.
        seed: decides whose.

    Raises:
        AnnotationError: no questions, or a word or an answer that nobody knows.
        FeatureError: a clip is missing from the store, or the layout does not fit.
    """

    def __init__(
        self,
        examples: Sequence[QAExample],
        store: FeatureStore,
        vocabulary: Vocabulary,
        num_tokens: int = 14,
        *,
        cache: bool = False,
        missing_rate: float = 0.0,
        seed: int = 0,
    ) -> None:
        _check_layout(store)
        self.examples = list(examples)
        self.store, self.vocabulary, self.num_tokens = store, vocabulary, num_tokens
        self.questions = encode_questions(self.examples, vocabulary, num_tokens)
        # Sorted, so that what is drawn from them does not depend on the order of the questions.
        self.clips = sorted(set(self.questions.video_ids))
        self._check_clips()
        number = {video_id: index for index, video_id in enumerate(self.clips)}
        self._clip_of = np.array([number[one] for one in self.questions.video_ids])
        self._rows = {name: store.rows(name, self.clips) for name in store.layout}
        recorded = np.stack([self._rows[name] >= 0 for name in MODALITY_ARRAYS.values()], axis=-1)
        kept = recorded & _kept(self.clips, missing_rate, seed)
        self.present: Bool[Tensor, "clips 2"] = torch.from_numpy(kept)
        self._with_visual = np.flatnonzero(kept[:, Modality.VISUAL])
        self._lender = Lender()
        self._cache: dict[str, np.ndarray] | None = None
        if cache:
            self._cache = {name: store.gather(name, rows) for name, rows in self._rows.items()}

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def dims(self) -> FeatureDims:
        """The sizes that a model for this data needs."""
        (num_segments, audio_width), visual = (
            self.store.layout["audio"],
            self.store.layout["visual"],
        )
        return FeatureDims(
            audio_width=audio_width,
            visual_width=visual[1],
            num_segments=num_segments,
            grid_height=visual[2],
            grid_width=visual[3],
            num_words=len(self.vocabulary.words),
            num_tokens=self.num_tokens,
            num_answers=len(self.vocabulary.answers),
        )

    def batch(
        self,
        indices: Sequence[int],
        *,
        scenario: AvailabilityPolicy = COMPLETE,
        seed: int = 0,
        epoch: int = 0,
        negatives: bool = False,
    ) -> FeatureBatch:
        """Return the questions at ``indices`` as a batch.

        Features come as the store has them, also where the scenario hides them: the model blanks
        them. A modality that the clip does not have is zero, and never available.

        Args:
            indices: of questions.
            scenario: what may be seen of what there is; a ``TrainingAvailability`` as well.
            seed: of the scenario's and the negatives' draws, which also depend on the question id.
            epoch: the negatives and a ``TrainingAvailability`` change with it.
            negatives: add frames of other clips, for a match loss.

        Raises:
            FeatureError: a present feature is not finite, or no other clip has a picture.
        """
        indices = [int(index) for index in indices]
        questions, clips = self.questions[indices], self._clip_of[indices]
        wanted = scenario.availability(
            questions.question_id, self.store.layout["audio"][0], seed, epoch
        )
        availability = wanted & self.present[torch.from_numpy(clips)][:, None]
        arrays = {name: self._gather(name, clips) for name in self.store.layout}
        negative = self._negatives(questions, clips, seed, epoch) if negatives else None
        return collate(questions, arrays, availability, negative)

    def _gather(
        self,
        name: str,
        clips: Int[np.ndarray, " n"],
        segments: Int[np.ndarray, " n"] | None = None,
    ) -> Float[Tensor, "n ..."]:
        """Return the array ``name``, or one segment of it, of each of the clips."""
        shape = self.store.layout[name] if segments is None else self.store.layout[name][1:]
        row_bytes = math.prod(shape) * torch.float32.itemsize
        if len(clips) * row_bytes <= LARGE_BYTES:
            return torch.from_numpy(self._gather_float16(name, clips, segments)).float()
        # A few rows at a time, so that nothing but the batch itself needs fresh memory.
        gathered = self._lender.empty((len(clips), *shape))
        step = max(1, PART_BYTES // row_bytes)
        for start in range(0, len(clips), step):
            here = slice(start, start + step)
            part = None if segments is None else segments[here]
            gathered[here] = torch.from_numpy(self._gather_float16(name, clips[here], part))
        return gathered

    def _gather_float16(
        self,
        name: str,
        clips: Int[np.ndarray, " n"],
        segments: Int[np.ndarray, " n"] | None,
    ) -> np.ndarray:
        # NumPy gathers rows several times as fast as torch; torch converts float16 faster.
        if self._cache is None:
            return self.store.gather(name, self._rows[name][clips], segments)
        return self._cache[name][clips if segments is None else (clips, segments)]

    def _negatives(
        self, questions: Questions, clips: Int[np.ndarray, " B"], seed: int, epoch: int
    ) -> Float[Tensor, "B T E H W"]:
        """Return for each segment a random frame of a random other clip that has a picture."""
        pool = self._with_visual
        place = np.searchsorted(pool, clips)
        has_own = self.present[torch.from_numpy(clips), Modality.VISUAL].numpy()
        if (lonely := len(pool) - has_own < 1).any():
            raise FeatureError(
                f"expected another clip with a picture to draw negatives from, got only "
                f"{self.clips[clips[lonely][0]]}: use a larger split or no negatives"
            )
        num_segments = self.store.layout["visual"][0]
        keys = questions.question_id.numpy()
        purpose = rng.derive(seed, "negatives", epoch)
        drawn = draw_below(len(pool) - has_own, purpose, keys, num_segments)
        drawn += has_own[:, None] & (drawn >= place[:, None])  # step over the clip itself
        purpose = rng.derive(seed, "negative frames", epoch)
        frames = draw_below(num_segments, purpose, keys, num_segments)
        gathered = self._gather("visual", pool[drawn].reshape(-1), frames.reshape(-1))
        return gathered.unflatten(0, (len(clips), num_segments))

    def _check_clips(self) -> None:
        missing = [video_id for video_id in self.clips if video_id not in self.store]
        if missing:
            raise FeatureError(
                f"expected features of all {len(self.clips)} clips in {self.store.path}, got none "
                f"for {len(missing)} of them, the first being {missing[0]}: extract their features"
            )


def _kept(clips: Sequence[str], missing_rate: float, seed: int) -> Bool[np.ndarray, "clips 2"]:
    """Return which halves of the clips are there; the same draw is compared with any rate."""
    require(0 <= missing_rate <= 1, f"dataset: expected missing_rate in [0, 1], got {missing_rate}")
    draws = np.array([rng.derive(seed, "missing half", one) / 2**63 for one in clips])
    return np.stack([draws >= missing_rate / 2, draws < 1 - missing_rate / 2], axis=-1)


def _check_layout(store: FeatureStore) -> None:
    """Refuse a store that does not hold audio [T, D] and visual [T, E, H, W]."""
    audio, visual = store.layout.get("audio", ()), store.layout.get("visual", ())
    if len(audio) != 2 or len(visual) != 4 or audio[0] != visual[0]:
        raise FeatureError(
            "expected arrays audio [T, D] and visual [T, E, H, W] with the same T in the feature "
            f"store {store.path}, got {store.layout}: extract the features for this model"
        )


def _check_finite(
    name: str,
    array: Float[Tensor, "B T ..."],
    present: Bool[Tensor, "B T"],
    video_ids: tuple[str, ...],
) -> None:
    # A sum of float16 values cannot overflow float32, so it is finite just when all of them are.
    finite = array.flatten(2).sum(dim=2).isfinite()
    if bool((finite | ~present).all()):
        return
    row, segment = (~finite & present).nonzero()[0].tolist()
    raise FeatureError(
        f"{name} feature of clip {video_ids[row]} has a value in segment {segment} that is not "
        "finite, expected finite numbers: extract that clip again"
    )
