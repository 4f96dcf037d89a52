"""The RMM generator: recall an absent modality from slots (Sec. 3.1, Eq. 1-4).

Three banks of L slots, one per modality, belong together row by row. What is present addresses
its own bank; the weights, joined with the question's, read the bank of what is absent.

A consequence worth knowing: in Eq. (2) both factors of softmax(a o b) are softmaxes already, so
the outer one can put at most e / (e + L - 1) on a slot, 3.5 % at L = 75, and no two weights differ
by more than the factor e. The pseudo feature stays close to the mean slot whatever the input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from avqa_core.completion.base import Completer, CompleterConfig, GridDims, completers
from avqa_core.completion.recall import Reduction, recall_loss
from avqa_core.config import require, require_at_least
from avqa_core.types import Addressing, Completion, Features, LossTerms, Modality

AddressingKind = Literal["paper", "released_code", "renormalised"]


def slot_scores(
    feature: Float[Tensor, "*rows E"], slots: Float[Tensor, "L E"], channels: int, kind: str
) -> Float[Tensor, "*rows L"]:
    """Return s_j, how well a feature fits each slot of its bank.

    Implements the scores of Eq. (1): (f . G_j) / sqrt(c), with c = ``channels`` also for the
    visual feature, whose product runs over w h c elements.

    Departure: the released program takes the cosine of the two (``released_code``).
    """
    if kind == "released_code":
        return functional.normalize(feature, dim=-1) @ functional.normalize(slots, dim=-1).T
    return feature @ slots.T / math.sqrt(channels)


def joint_addressing(
    scores: Float[Tensor, "*rows L"], question_scores: Float[Tensor, "*rows L"], kind: str
) -> Float[Tensor, "*rows L"]:
    """Return a^{vt} or a^{at}, the weights over the slots of the other modality.

    Implements the addressing of Eq. (1) and (2): softmax(a o b), a = softmax(scores),
    b = softmax(question_scores).

    Departure: ``renormalised`` divides a o b by its sum instead of taking a third softmax. That is
    softmax(scores + question_scores), a product of experts, and can point at one slot. The
    released program does as the paper here; its own choice is in the scores.
    """
    if kind == "renormalised":
        return (scores + question_scores).softmax(dim=-1)
    return (scores.softmax(dim=-1) * question_scores.softmax(dim=-1)).softmax(dim=-1)


def addressing_entropy(weights: Float[Tensor, "*rows L"]) -> Float[Tensor, "*rows"]:
    """Return the entropy of the weights as a share of log L: 1 is uniform, 0 is one slot."""
    if weights.shape[-1] == 1:
        return torch.zeros_like(weights[..., 0])
    return torch.special.entr(weights).sum(dim=-1) / math.log(weights.shape[-1])


def max_joint_weight(num_slots: int, kind: AddressingKind = "paper") -> float:
    """Return the largest weight that the joint addressing can put on a slot.

    With dot products both softmaxes can be one-hot: e / (e + L - 1). With cosines, all in [-1, 1],
    a softmax weight is at most 1 / (1 + (L - 1) / e^2), and the bound is far lower still.
    """
    if kind == "renormalised":
        return 1.0
    top, rest = 1.0, 0.0
    if kind == "released_code":
        top = 1 / (1 + (num_slots - 1) * math.exp(-2))
        rest = top * math.exp(-2)
    return 1 / (1 + (num_slots - 1) * math.exp(rest**2 - top**2))


@dataclass(frozen=True, slots=True, kw_only=True)
class RMMConfig(CompleterConfig):
    """Slots, addressing and recall loss of the RMM generator.

    Attributes:
        num_slots: L.
        addressing: ``paper``, ``released_code`` (cosine scores) or ``renormalised``.
        slot_init_std: standard deviation of the slots at the start.
        reduction: over the elements of a feature in Eq. (3), see ``recall_loss``.
        detach_target: whether the targets of Eq. (3) are left alone; what a pseudo feature is
            recalled from, the present half and the question, learns from it in any case.
        question_mixup: in training, pair segments with questions as the released program does.
            It repeats the questions T times and reads the result as if segments of one clip lay
            side by side, so segment t of clip b gets the question of clip (b T + t) mod B: right
            for B = 1 only. Rows then depend on their batch; it is here to be measured.
    """

    num_slots: int = 75
    addressing: AddressingKind = "paper"
    slot_init_std: float = 1.0
    reduction: Reduction = "mean"
    detach_target: bool = True
    question_mixup: bool = False

    def __post_init__(self) -> None:
        require_at_least("rmm", self, 1, "num_slots")
        require(
            0 < self.slot_init_std < math.inf,
            f"rmm: expected a finite slot_init_std > 0, got {self.slot_init_std}",
        )


@completers.register("rmm", RMMConfig)
class RMMGenerator(Completer):
    """Relation-aware missing-modality recall over three banks of learned slots.

    Attributes:
        audio_slots: G^a [L, C], shared by both scenarios like the others.
        visual_slots: G^v [L, C H W].
        question_slots: G^t [L, C].
    """

    def __init__(self, config: RMMConfig, dims: GridDims) -> None:
        super().__init__()
        self.config, self.dims = config, dims
        widths = (dims.channels, dims.channels * dims.height * dims.width, dims.channels)
        self.audio_slots, self.visual_slots, self.question_slots = (
            nn.Parameter(config.slot_init_std * torch.randn(config.num_slots, width))
            for width in widths
        )

    def complete(
        self,
        features: Features,
        availability: Bool[Tensor, "B T 2"],
        *,
        generator: torch.Generator,
    ) -> Completion:
        """Recall each half of each segment from the other half and the question.

        Where the other half is absent too there is nothing to join with: the question addresses
        alone, with a^t. ``details`` holds the scores of Eq. (1), for trying other addressings.

        Returns:
            The filled pair; pseudo features and addressing for every segment, also where nothing
            is absent.
        """
        seen = features.blanked(availability)
        # Products over w h c elements and near-uniform weights both need single precision.
        with torch.autocast(seen.audio.device.type, enabled=False):
            scores = self._scores(seen)
            addressing = self._address(scores, availability)
            pseudo_audio, pseudo_visual = self._read(addressing)
        pseudo_audio = pseudo_audio.to(features.audio.dtype)
        pseudo_visual = pseudo_visual.to(features.visual.dtype)
        return Completion(
            features=seen.filled(availability, pseudo_audio, pseudo_visual),
            pseudo_audio=pseudo_audio,
            pseudo_visual=pseudo_visual,
            addressing=addressing,
            details={f"{name}_scores": value for name, value in scores.items()},
        )

    def _scores(self, seen: Features) -> dict[str, Float[Tensor, "B T L"]]:
        """Return s^a, s^v and s^t for every segment."""
        channels, kind = self.dims.channels, self.config.addressing
        question = slot_scores(seen.question.float(), self.question_slots, channels, kind)
        question = self._per_segment(question, seen.audio.shape[1])
        visual = rearrange(seen.visual.float(), "B T C H W -> B T (C H W)")
        return {
            "audio": slot_scores(seen.audio.float(), self.audio_slots, channels, kind),
            "visual": slot_scores(visual, self.visual_slots, channels, kind),
            "question": question,
        }

    def _per_segment(
        self, question: Float[Tensor, "B L"], num_segments: int
    ) -> Float[Tensor, "B T L"]:
        """Give each segment its clip's question, or in the released program's mix-up another's."""
        num_rows = len(question)
        if not (self.training and self.config.question_mixup):
            return question[:, None].expand(num_rows, num_segments, -1)
        position = torch.arange(num_rows * num_segments, device=question.device)
        return question[position % num_rows].unflatten(0, (num_rows, num_segments))

    def _address(
        self, scores: dict[str, Float[Tensor, "B T L"]], availability: Bool[Tensor, "B T 2"]
    ) -> Addressing:
        """Return the weights of Eq. (1) and the joint ones of Eq. (2)."""
        alone = scores["question"].softmax(dim=-1)
        joint = [
            torch.where(
                availability[..., modality, None],
                joint_addressing(scores[name], scores["question"], self.config.addressing),
                alone,
            )
            for modality, name in ((Modality.AUDIO, "audio"), (Modality.VISUAL, "visual"))
        ]
        return Addressing(
            audio=scores["audio"].softmax(dim=-1),
            visual=scores["visual"].softmax(dim=-1),
            question=alone,
            audio_question=joint[Modality.AUDIO],
            visual_question=joint[Modality.VISUAL],
        )

    def _read(
        self, addressing: Addressing
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B T C H W"]]:
        """Return f^{a_p} = sum_j a^{vt}_j G^a_j and f^{v_p} = sum_j a^{at}_j G^v_j.

        Implements Eq. (2).
        """
        pseudo_audio = addressing.visual_question @ self.audio_slots
        pseudo_visual = addressing.audio_question @ self.visual_slots
        grid = (self.dims.channels, self.dims.height, self.dims.width)
        return pseudo_audio, pseudo_visual.unflatten(-1, grid)

    def loss(
        self,
        features: Features,
        completion: Completion,
        availability: Bool[Tensor, "B T 2"],
        present: Bool[Tensor, "B T 2"],
    ) -> LossTerms:
        """Return L_a and L_v of Eq. (3) and (4), where something real was hidden."""
        return recall_loss(
            features,
            completion,
            present & ~availability,
            reduction=self.config.reduction,
            detach_target=self.config.detach_target,
        )
