"""Control: take the absent half from the training clips that are most like this one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from einops import reduce
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.config import require_at_least
from avqa_core.errors import ModalityError
from avqa_core.types import Completion, Features, Modality

# Cosines of pooled features above this are the clip itself, up to rounding.
SAME_CLIP = 1 - 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalConfig(CompleterConfig):
    """Size of the bank and how neighbours are chosen.

    Attributes:
        bank_size: training clips that are kept, in half precision and whole: at C = 64 on a 4 x 6
            grid with T = 10 a clip takes 32 kB, at the paper's sizes 2 MB.
        num_neighbours: clips whose features are averaged.
        question_weight: weight of the questions' similarity beside that of the clips. The trainer
            keeps one question a clip, the first in the file; where a file asks every clip the same
            thing first, as Bandstand's does, the questions hardly tell clips apart.
    """

    bank_size: int = 512
    num_neighbours: int = 5
    question_weight: float = 0.5

    def __post_init__(self) -> None:
        require_at_least("retrieval", self, 1, "bank_size", "num_neighbours")
        require_at_least("retrieval", self, 0, "question_weight")


@completers.register("retrieval", RetrievalConfig)
class Retrieval(Completer):
    """Average the nearest training clips; nothing is learned.

    Clips are compared by the cosine of their features pooled over time and grid, the bank's mean
    taken off first: features that are never negative are all alike otherwise. The bank is part of
    the checkpoint. It is as old as the last ``fit``: with a backbone that still learns, fit again.
    Between two fits such a backbone moves, a clip of the bank is then not recognised as itself, and
    in training, never in a test, the few clips that are kept may be given their own absent half; so
    may a clip that misses some segments, or both halves, whose pooled features are not its own, and
    any clip of the bank in bfloat16, which rounds cosines below the limit: train it in float32.
    A test clip that also occurs in training, as in MUSIC-AVQA, may be given its own half in a test.
    """

    audio_values: Float[Tensor, "S T C"]
    visual_values: Float[Tensor, "S T C H W"]
    audio_keys: Float[Tensor, "S C"]
    visual_keys: Float[Tensor, "S C"]
    question_keys: Float[Tensor, "S C"]
    num_kept: Int[Tensor, ""]

    def __init__(self, config: RetrievalConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        size, channels = config.bank_size, dims.channels
        clip = (size, dims.num_segments, channels)
        self.register_buffer("audio_values", torch.zeros(clip, dtype=torch.float16))
        grid = (*clip, dims.height, dims.width)
        self.register_buffer("visual_values", torch.zeros(grid, dtype=torch.float16))
        for name in ("audio", "visual", "question"):
            self.register_buffer(f"{name}_keys", torch.zeros(size, channels))
        self.register_buffer("num_kept", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def fit(self, features: Iterable[Features], *, generator: torch.Generator) -> None:
        """Fill the bank anew; if there are more clips than places, all have equal chances.

        Nothing of an earlier bank stays, also not where there are fewer clips than then.

        Args:
            features: encoded training clips, both modalities present, each clip at most a few
                times: repeated clips crowd out other neighbours.
            generator: decides who stays.
        """
        seen = 0
        for batch in features:
            everything = torch.ones(
                *batch.audio.shape[:2], 2, dtype=torch.bool, device=batch.audio.device
            )
            audio_keys, visual_keys = self._pooled(batch, everything)
            for row in range(len(batch.audio)):
                place = seen
                seen += 1
                # Reservoir sampling: the n-th clip comes in with the chance size / n.
                if place >= self.config.bank_size:
                    place = int(torch.randint(seen, (), generator=generator))
                if place < self.config.bank_size:
                    self.audio_values[place] = batch.audio[row]
                    self.visual_values[place] = batch.visual[row]
                    self.audio_keys[place] = audio_keys[row]
                    self.visual_keys[place] = visual_keys[row]
                    self.question_keys[place] = batch.question[row]
        num_kept = min(seen, self.config.bank_size)
        # Empty places are zero, or an earlier bank would count in the mean of the keys.
        for bank in (
            self.audio_values,
            self.visual_values,
            self.audio_keys,
            self.visual_keys,
            self.question_keys,
        ):
            bank[num_kept:] = 0
        self.num_kept.fill_(num_kept)

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Average what the nearest clips have, segment by segment.

        ``details`` holds the ``neighbours`` [B, num_neighbours] and their ``similarities``.

        Raises:
            ModalityError: nothing was ever kept.
        """
        if bool(self.num_kept == 0):
            raise ModalityError(
                "retrieval: expected a bank of training clips, got an empty one: call "
                "fit(features) with encoded training clips, or load a checkpoint that has one"
            )
        with torch.no_grad():  # only what is looked up: the present half still learns
            similarity = self._similarity(features.blanked(availability), availability)
            count = min(self.config.num_neighbours, self.config.bank_size)
            similarities, neighbours = similarity.topk(count, dim=-1)
            usable = similarities.isfinite()
            shares = usable / usable.sum(dim=-1, keepdim=True).clamp(min=1)
            pseudo_audio = self._average(self.audio_values, neighbours, shares)
            pseudo_visual = self._average(self.visual_values, neighbours, shares)
            pseudo_audio = pseudo_audio.to(features.audio.dtype)
            pseudo_visual = pseudo_visual.to(features.visual.dtype)
        return Completion(
            features=features.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
            details={"neighbours": neighbours, "similarities": similarities},
        )

    def _similarity(
        self, seen: Features, availability: Bool[Tensor, "B T 2"]
    ) -> Float[Tensor, "B S"]:
        """Return how like each row is to each clip of the bank; -inf for empty places.

        A modality counts if any segment has it; a row that has neither goes by its question. In
        training mode the clip itself, recognised by its pooled features, is left out: its absent
        half would be the answer.
        """
        audio_query, visual_query = self._pooled(seen, availability)
        audio_there, visual_there = availability.any(dim=1).unbind(dim=-1)
        kept = torch.arange(self.config.bank_size, device=availability.device) < self.num_kept
        by_audio = self._cosine(audio_query, self.audio_keys, kept)
        by_visual = self._cosine(visual_query, self.visual_keys, kept)
        by_question = self._cosine(seen.question, self.question_keys, kept)
        neither = ~(audio_there | visual_there)
        question_weight = torch.where(neither, 1.0, self.config.question_weight)
        similarity = question_weight[:, None] * by_question
        usable = kept.expand_as(similarity)
        for there, cosine in ((audio_there, by_audio), (visual_there, by_visual)):
            similarity = similarity + torch.where(there[:, None], cosine, 0.0)
            if self.training:
                usable = usable & ~(there[:, None] & (cosine > SAME_CLIP))
        return torch.where(usable, similarity, -torch.inf)

    @staticmethod
    def _pooled(
        seen: Features, availability: Bool[Tensor, "B T 2"]
    ) -> tuple[Float[Tensor, "B C"], Float[Tensor, "B C"]]:
        """Return the mean of each modality over the grid and over the segments that have it."""
        there = availability.float()
        weights = there / there.sum(dim=1, keepdim=True).clamp(min=1)
        visual = reduce(seen.visual.float(), "B T C H W -> B T C", "mean")
        return (
            (weights[..., Modality.AUDIO, None] * seen.audio.float()).sum(dim=1),
            (weights[..., Modality.VISUAL, None] * visual).sum(dim=1),
        )

    @staticmethod
    def _cosine(
        query: Float[Tensor, "B C"], keys: Float[Tensor, "S C"], kept: Bool[Tensor, " S"]
    ) -> Float[Tensor, "B S"]:
        """Return the cosine around the mean of the kept keys."""
        with torch.autocast(query.device.type, enabled=False):
            mean = keys.sum(dim=0) / kept.sum()  # empty places are zero
            return functional.normalize(query.float() - mean, dim=-1) @ (
                functional.normalize(keys - mean, dim=-1).T
            )

    @staticmethod
    def _average(
        values: Float[Tensor, "S ..."],
        neighbours: Int[Tensor, "B n"],
        shares: Float[Tensor, "B n"],
    ) -> Float[Tensor, "B ..."]:
        """Return the weighted mean over neighbours, one at a time to bound the memory."""
        mean = torch.zeros(len(neighbours), *values.shape[1:], device=values.device)
        for index, share in zip(neighbours.unbind(dim=1), shares.unbind(dim=1), strict=True):
            mean = mean + share.reshape(-1, *[1] * (values.dim() - 1)) * values[index].float()
        return mean
