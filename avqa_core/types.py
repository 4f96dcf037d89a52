"""What travels along the pipeline: clip -> features -> batch -> completer -> enhancer -> backbone.

Letters of every shape in this package: B questions in a batch, T segments of a clip, C channels
after projection, D channels as stored, H x W visual grid, L slots, K diffusion steps, N question
tokens, A answers (or candidates, where the batch carries them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Modality(IntEnum):
    """Index of a modality on the last axis of every availability tensor."""

    AUDIO = 0
    VISUAL = 1


Availability = Bool[Tensor, "B T 2"]
Batchlike = TypeVar("Batchlike", bound="_Movable")


class QuestionCategory(NamedTuple):
    """One of MUSIC-AVQA's nine categories, e.g. ``("Audio-Visual", "Temporal")``."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group} {self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QAExample:
    """One question about one clip, its template filled.

    ``answer`` is None where the file does not tell; ``candidates`` is empty unless the data set is
    multiple choice, and then ``answer`` is one of them.
    """

    question_id: int
    video_id: str
    category: QuestionCategory
    template: str
    slot_values: tuple[str, ...]
    tokens: tuple[str, ...]
    answer: str | None
    candidates: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """The question as a person would write it."""
        return " ".join(self.tokens) + "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDims:
    """Run-time sizes that come from the data, not from a config.

    ``audio_width`` and ``visual_width`` are the D of the stored features. ``num_answers`` is 0 in
    multiple choice, where every question brings candidates of its own.
    """

    audio_width: int
    visual_width: int
    num_segments: int
    grid_height: int
    grid_width: int
    num_words: int
    num_tokens: int
    num_answers: int


class _Movable:
    """A frozen dataclass of tensors that moves between devices as one."""

    __slots__ = ()

    def to(self: Batchlike, device: torch.device | str) -> Batchlike:
        """Return a copy with every tensor on ``device``."""
        moved: dict[str, Any] = {}
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if isinstance(value, Tensor | _Movable):
                moved[one.name] = value.to(device)
            elif isinstance(value, Mapping):
                moved[one.name] = {
                    key: item.to(device) if isinstance(item, Tensor) else item
                    for key, item in value.items()
                }
        return replace(self, **moved)  # type: ignore[type-var]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureBatch(_Movable):
    """A batch as the store holds it, before any network of ours has touched it.

    Attributes:
        audio: stored audio feature.
        visual: stored visual feature on its grid.
        tokens: question words as indices, 0 is padding.
        availability: which half of which segment is present.
        answer: index of the true answer, or of the right candidate; -1 where unknown.
        question_id: names the row; every random choice about the row is a function of it.
        negative_visual: one frame of another clip for each segment; training only.
        candidates: tokens of A candidate answers, padded with 0; multiple-choice data only.
        extras: further named arrays of the store (CLIP patches, words). They are not blanked: a
            backbone that reads one that sound or picture went into does so by ``availability``.
        video_ids: clip of each row.
    """

    audio: Float[Tensor, "B T D"]
    visual: Float[Tensor, "B T E H W"]
    tokens: Int[Tensor, "B N"]
    availability: Bool[Tensor, "B T 2"]
    answer: Int[Tensor, " B"]
    question_id: Int[Tensor, " B"]
    negative_visual: Float[Tensor, "B T E H W"] | None = None
    candidates: Int[Tensor, "B A M"] | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    video_ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.tokens.shape[0]


def where_present(
    present: Bool[Tensor, "B T"],
    values: Float[Tensor, "B T ..."],
    otherwise: Float[Tensor, "B T ..."] | float,
) -> Float[Tensor, "B T ..."]:
    """Return ``values`` where present and ``otherwise`` elsewhere.

    ``torch.where`` and not a product, which would let NaN through. On a CPU a batch that lacks
    nothing, or everything, is not copied: five such copies were a quarter of a training step. A
    GPU would have to stop and look, which costs more than the copy.
    """
    if present.device.type == "cpu" and not torch.compiler.is_compiling():
        if bool(present.all()):
            return values
        if isinstance(otherwise, Tensor) and not bool(present.any()):
            return otherwise
    mask = present.reshape(*present.shape, *[1] * (values.ndim - present.ndim))
    return torch.where(mask, values, otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features(_Movable):
    """f^a, f^v and f^t of the paper: what completers, enhancers and backbones work on.

    ``words`` are the question encoder's states, for networks that attend to single words.
    ``prompts`` are learned tokens that a completer adds for the backbone's attention over time to
    look at, P for each of S streams (sound, picture); of a row of zeros nothing is looked at.
    ``candidates`` are what the backbone made of the candidate answers, E wide.
    """

    audio: Float[Tensor, "B T C"]
    visual: Float[Tensor, "B T C H W"]
    question: Float[Tensor, "B C"]
    words: Float[Tensor, "B N C"] | None = None
    tokens: Int[Tensor, "B N"] | None = None
    prompts: Float[Tensor, "B S P C"] | None = None
    candidates: Float[Tensor, "B A E"] | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def blanked(self, availability: Bool[Tensor, "B T 2"]) -> Features:
        """Return a copy that is exactly zero wherever a modality is absent."""
        return self.filled(availability, 0.0, 0.0)

    def filled(
        self,
        availability: Bool[Tensor, "B T 2"],
        audio: Float[Tensor, "B T C"] | float,
        visual: Float[Tensor, "B T C H W"] | float,
    ) -> Features:
        """Return a copy that takes ``audio`` and ``visual`` wherever a modality is absent."""
        return replace(
            self,
            audio=where_present(availability[..., Modality.AUDIO], self.audio, audio),
            visual=where_present(availability[..., Modality.VISUAL], self.visual, visual),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing(_Movable):
    """Weights over the slots, Eq. 1 and 2; each row sums to one.

    ``audio_question`` recalls visual slots, ``visual_question`` recalls audio slots.
    """

    audio: Float[Tensor, "B T L"]
    visual: Float[Tensor, "B T L"]
    question: Float[Tensor, "B T L"]
    audio_question: Float[Tensor, "B T L"]
    visual_question: Float[Tensor, "B T L"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(_Movable):
    """What a completer returns.

    Attributes:
        features: the pair that goes on: pseudo where absent, real where present unless the
            completer says that it does not keep that.
        pseudo_audio: f^{a_p}, for every row, also where the audio is present.
        pseudo_visual: f^{v_p}, likewise.
        addressing: the weights behind them, for completers that have slots.
        details: further tensors worth looking at, by name.
    """

    features: Features
    pseudo_audio: Float[Tensor, "B T C"]
    pseudo_visual: Float[Tensor, "B T C H W"]
    addressing: Addressing | None = None
    details: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enhancement(_Movable):
    """What an enhancer returns: the pair with hats, Eq. 8; ``details`` holds what to look at."""

    features: Features
    details: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(_Movable):
    """What a backbone returns; ``details`` holds attention maps and what losses need, by name."""

    logits: Float[Tensor, "B A"]
    details: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(_Movable):
    """Everything that one forward pass of the whole model computed, for looking at."""

    answers: Answers
    features: Features
    completion: Completion
    enhancement: Enhancement


@dataclass(frozen=True, slots=True)
class LossTerm:
    """A sum over rows and the number it is to be divided by.

    Kept apart until the last moment, so that a loss over a subset of rows can be divided by the
    count over all processes: the mean of means over unequal subsets is not the mean.
    """

    total: Tensor
    count: Tensor
    weight: float = 1.0


class LossTerms(Mapping[str, LossTerm]):
    """Named loss terms of one step; everything that is logged or minimised comes from here."""

    def __init__(self, terms: Mapping[str, LossTerm] | None = None) -> None:
        self._terms = dict(terms or {})

    @classmethod
    def mean(cls, name: str, values: Tensor, weight: float = 1.0) -> LossTerms:
        """Return one term that is the mean over all elements of ``values``."""
        count = torch.tensor(float(values.numel()), device=values.device)
        return cls({name: LossTerm(values.sum(), count, weight)})

    @classmethod
    def masked_mean(cls, name: str, values: Tensor, mask: Tensor, weight: float = 1.0) -> LossTerms:
        """Return one term that is the mean of ``values`` where ``mask`` (same shape) is True."""
        kept = torch.where(mask, values, torch.zeros_like(values))
        return cls({name: LossTerm(kept.sum(), mask.sum().float(), weight)})

    def __getitem__(self, name: str) -> LossTerm:
        return self._terms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def __or__(self, other: LossTerms) -> LossTerms:
        """Join two sets of terms; a name in both is an error of ours."""
        assert not set(self) & set(other), f"loss terms named twice: {set(self) & set(other)}"
        return LossTerms({**self._terms, **other._terms})

    def prefixed(self, prefix: str) -> LossTerms:
        """Return the same terms, named ``prefix/name``."""
        return LossTerms({f"{prefix}/{name}": term for name, term in self.items()})

    def scaled(self, weight: float) -> LossTerms:
        """Return the same terms with each weight multiplied by ``weight``."""
        return LossTerms(
            {name: replace(term, weight=term.weight * weight) for name, term in self.items()}
        )

    def counts(self) -> Tensor:
        """Return the counts as one vector, in the order of the names."""
        return torch.stack([term.count.float() for term in self.values()])

    def total(self, counts: Tensor | None = None) -> Tensor:
        """Return the weighted sum of means; ``counts`` replaces the local counts if given."""
        counts = self.counts() if counts is None else counts
        parts = [
            term.weight * term.total / count.clamp(min=1.0)
            for term, count in zip(self.values(), counts, strict=True)
        ]
        return torch.stack(parts).sum()

    def means(self) -> dict[str, Tensor]:
        """Return the unweighted mean of each term, detached, for logging."""
        return {
            name: (term.total / term.count.clamp(min=1.0)).detach() for name, term in self.items()
        }
