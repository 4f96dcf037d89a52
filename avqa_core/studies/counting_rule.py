"""How far the rule of Audio-Visual Counting is learned from answers alone, and what it is told.

Small networks, the same but for what they read of a clip: its features, averaged over places and
segments; the facts themselves; the facts, and of each instrument how many players are seen of it
if it is heard as well, which leaves no more to learn than a sum and the words of the question.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import one_hot

from avqa_core import rng
from avqa_core.bandstand.encoder_heads import NOBODY
from avqa_core.bandstand.scene import INSTRUMENTS
from avqa_core.bandstand.templates import TEMPLATES
from avqa_core.bandstand.world import MARK, read_config, read_scenes
from avqa_core.config import require
from avqa_core.data.folder import DataFolder
from avqa_core.studies.binding import CATEGORY
from avqa_core.studies.readings import ClipFeatures, counts_of
from avqa_core.types import QAExample

# The templates that count who is seen and heard; every number they can give is an answer.
_ASKED = [one.text.strip() for one in TEMPLATES if str(one.category) == CATEGORY]
TOLD = ("means", "facts", "joined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How the networks learn.

    Attributes:
        num_questions: that they learn from; all that there are where there are fewer.
        num_steps: updates.
        batch_size: questions of each.
        width: of both hidden layers.
        learning_rate: at first; it falls to zero along a cosine.
        weight_decay: of AdamW.
    """

    num_questions: int
    num_steps: int
    batch_size: int = 128
    width: int = 128
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the networks of some seeds answer, as fractions, one a seed.

    Attributes:
        told: what they read of a clip, one of ``TOLD``.
        num_questions: that they learned from.
        num_steps: for which they learned.
        new: right answers to test questions.
        old: right answers to the questions that they learned from.
    """

    told: str
    num_questions: int
    num_steps: int
    new: tuple[float, ...]
    old: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions that count who is seen and heard, as numbers: Q questions, one row each."""

    clip: Int[Tensor, " Q"]
    words: Float[Tensor, "Q W"]
    answer: Int[Tensor, " Q"]

    @classmethod
    def of(
        cls, examples: Sequence[QAExample], row_of: Mapping[str, int], answers: Sequence[str]
    ) -> Asked:
        """Return those of ``examples`` whose clip has a row.

        Args:
            examples: of one split.
            row_of: of a clip.
            answers: all that can be answered; a question with another answer is left out.
        """
        asked = [
            one
            for one in examples
            if str(one.category) == CATEGORY and one.video_id in row_of and one.answer in answers
        ]
        templates = torch.tensor([_ASKED.index(one.template.strip()) for one in asked])
        named = torch.tensor(
            [INSTRUMENTS.index(one.slot_values[0]) if one.slot_values else NOBODY for one in asked]
        )
        return cls(
            torch.tensor([row_of[one.video_id] for one in asked]),
            torch.cat([one_hot(templates, len(_ASKED)), one_hot(named, NOBODY + 1)], dim=1).float(),
            torch.tensor([answers.index(str(one.answer)) for one in asked]),
        )

    def __len__(self) -> int:
        return len(self.answer)

    def first(self, number: int) -> Asked:
        """Return the first questions."""
        return Asked(self.clip[:number], self.words[:number], self.answer[:number])


def clip_inputs(
    told: str,
    features: ClipFeatures,
    players: Int[Tensor, "N I"],
    heard: Bool[Tensor, "N I"],
) -> Float[Tensor, "N inputs"]:
    """Return what a network reads of each clip.

    Args:
        told: one of ``TOLD``.
        features: of the clips.
        players: of each instrument on stage, as ``counts_of`` tells.
        heard: whether each instrument ever sounds, likewise.
    """
    require(told in TOLD, f"told: expected one of {', '.join(TOLD)}, got {told!r}")
    if told == "means":
        return torch.cat([features.frames.mean(dim=1), features.audio.mean(dim=1)], dim=1)
    facts = torch.cat([players, heard], dim=1).float()
    return facts if told == "facts" else torch.cat([facts, players * heard], dim=1)


class _Networks(nn.Module):
    """As many networks of three layers as there are seeds, side by side in one product."""

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int]) -> None:
        super().__init__()
        self.weights, self.offsets = nn.ParameterList(), nn.ParameterList()
        for place, (inputs, outputs) in enumerate(pairwise(sizes)):
            drawn = [
                torch.randn(inputs, outputs, generator=rng.named(seed, "rule", place))
                for seed in seeds
            ]
            self.weights.append(nn.Parameter(torch.stack(drawn) / math.sqrt(inputs)))
            self.offsets.append(nn.Parameter(torch.zeros(len(seeds), 1, outputs)))

    def forward(self, inputs: Float[Tensor, "S B inputs"]) -> Float[Tensor, "S B answers"]:
        """Return the logits of each seed's network for its own batch."""
        hidden = inputs
        for place, (weight, offset) in enumerate(zip(self.weights, self.offsets, strict=True)):
            hidden = torch.baddbmm(offset, functional.gelu(hidden) if place else hidden, weight)
        return hidden


def study(folder: DataFolder, *, lessons: Sequence[Lesson], seeds: Sequence[int]) -> list[Learned]:
    """Return what is learned in each lesson, for each of ``TOLD``.

    Args:
        folder: a built-in world; nothing is known of the scenes of other data, and nothing said.
        lessons: how the networks learn.
        seeds: one network each.
    """
    if not (folder.path / MARK).is_file():
        return []
    answers = folder.vocabulary.answers
    config = read_config(folder.path)
    questions, known = {}, {}
    for split in ("train", "test"):
        scenes = read_scenes(folder.path, split)
        names = [one.clip_id for one in scenes]
        rows = {name: row for row, name in enumerate(names)}
        questions[split] = Asked.of(folder.examples(split), rows, answers)
        known[split] = (ClipFeatures.of(folder.store, names), *counts_of(scenes, config))
    found = []
    for told in TOLD:
        read, new = (clip_inputs(told, *known[split]) for split in ("train", "test"))
        found += [
            learn(
                (read, questions["train"].first(how.num_questions)),
                (new, questions["test"]),
                how,
                told=told,
                seeds=seeds,
                num_answers=len(answers),
            )
            for how in lessons
        ]
    return found


def learn(
    train: tuple[Float[Tensor, "N inputs"], Asked],
    test: tuple[Float[Tensor, "M inputs"], Asked],
    how: Lesson,
    *,
    told: str,
    seeds: Sequence[int],
    num_answers: int,
) -> Learned:
    """Train one network a seed on the answers to ``train`` and count what it answers.

    Args:
        train: what is read of each clip, and the questions.
        test: likewise; of other clips.
        how: they learn.
        told: the name of what is read, for the result.
        seeds: of the weights and of the order of the questions.
        num_answers: that can be given.

    Raises:
        ConfigError: no question to learn from, or none to be asked.
    """
    (read, asked), (read_new, new) = train, test
    require(len(asked) > 0 and len(new) > 0, "expected questions that count who is seen and heard")
    mean, scale = read.mean(dim=0), read.std(dim=0) + 1e-5
    read, read_new = (read - mean) / scale, (read_new - mean) / scale
    sizes = (read.shape[1] + asked.words.shape[1], how.width, how.width, num_answers)
    networks = _Networks(sizes, seeds)
    optimizer = torch.optim.AdamW(
        networks.parameters(), how.learning_rate, weight_decay=how.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, how.num_steps)
    draws = [rng.named(seed, "rule order") for seed in seeds]
    for _ in range(how.num_steps):
        rows = torch.stack(
            [torch.randint(len(asked), (how.batch_size,), generator=draw) for draw in draws]
        )
        logits = networks(torch.cat([read[asked.clip[rows]], asked.words[rows]], dim=-1))
        loss = functional.cross_entropy(logits.flatten(0, 1), asked.answer[rows].flatten())
        optimizer.zero_grad()
        # The mean over all is a share of each network's own loss, by which it learns when alone.
        (loss * len(seeds)).backward()
        optimizer.step()
        schedule.step()
    return Learned(
        told=told,
        num_questions=len(asked),
        num_steps=how.num_steps,
        new=_shares(networks, read_new, new),
        old=_shares(networks, read, asked.first(len(new))),
    )


@torch.no_grad()
def _shares(networks: _Networks, read: Tensor, asked: Asked) -> tuple[float, ...]:
    """Return the share of right answers of each network."""
    inputs = torch.cat([read[asked.clip], asked.words], dim=1)
    given = networks(inputs.expand(len(networks.offsets[0]), -1, -1)).argmax(dim=-1)
    return tuple((given == asked.answer).float().mean(dim=1).tolist())
