"""A trained question encoder without sound or picture: what a network can learn from words alone.

AVST's own question encoder with one linear layer behind it. A look-up table knows a question only
whole; an encoder may carry over what it learned of one instrument to a question about it that it
has never seen. It is a lower bound of what words tell, as the tables are: another model of the
same words may read more out of them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from avqa_core import rng
from avqa_core.backbones.question_encoder import QuestionEncoder
from avqa_core.config import require
from avqa_core.data.vocabulary import Vocabulary
from avqa_core.errors import AnnotationError
from avqa_core.types import QAExample

NUM_TOKENS = 14  # the longest question of MUSIC-AVQA; AVST cuts and pads to it
_CHUNK = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderConfig:
    """How the encoder is built and trained.

    Attributes:
        channels: width of embedding, LSTM and question vector. AVST has 512; from 4,568 questions,
            twice the width given here learned nothing more.
        forget_bias: as in ``AVSTConfig``; without it the LSTM forgets over the padding which
            instrument was asked about.
        batch_size: questions a step.
        learning_rate: of Adam.
        held_out: share of the fitting file's videos that decides when to stop.
        patience: passes without a lower held-out loss before training stops.
        max_epochs: passes at most.
    """

    channels: int = 128
    forget_bias: float = 4.0
    batch_size: int = 64
    learning_rate: float = 1e-3
    held_out: float = 0.15
    patience: int = 5
    max_epochs: int = 60

    def __post_init__(self) -> None:
        require(0.0 < self.held_out < 1.0, f"expected 0 < held_out < 1, got {self.held_out}")
        for name in ("channels", "batch_size", "patience", "max_epochs"):
            require(getattr(self, name) >= 1, f"expected {name} of at least 1: raise it")


@dataclass(frozen=True, slots=True)
class EpochDone:
    """One pass over the questions that are learned from.

    Attributes:
        epoch: how many passes are done.
        max_epochs: how many there may be.
        loss: mean cross-entropy on the questions that were held out.
        accuracy: fraction of them that is right.
        best_epoch: the pass after which the loss was lowest.
        best_accuracy: the accuracy after that pass.
    """

    epoch: int
    max_epochs: int
    loss: float
    accuracy: float
    best_epoch: int
    best_accuracy: float


class QuestionReader(nn.Module):
    """Question words to an answer; a word that was not learned is read as padding."""

    def __init__(self, vocabulary: Vocabulary, config: ReaderConfig) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.encoder = QuestionEncoder(len(vocabulary.words), config.channels, config.forget_bias)
        self.head = nn.Linear(config.channels, len(vocabulary.answers))

    def forward(self, tokens: Int[Tensor, "B N"]) -> Float[Tensor, "B A"]:
        """Return a logit for each answer of the vocabulary."""
        question, _ = self.encoder(tokens)
        return self.head(question)

    def tokens(self, examples: Sequence[QAExample]) -> Int[Tensor, "B N"]:
        """Return the words of some questions as indices."""
        known = set(self.vocabulary.words)
        padding = self.vocabulary.words[0]
        indices = [
            self.vocabulary.encode(
                [word if word in known else padding for word in one.tokens], NUM_TOKENS
            )
            for one in examples
        ]
        return torch.tensor(indices, dtype=torch.long).reshape(len(examples), NUM_TOKENS)

    @torch.no_grad()
    def answers(self, examples: Sequence[QAExample]) -> list[str]:
        """Return the likeliest answer to each question."""
        tokens = self.tokens(examples)
        best = [self(part).argmax(dim=-1) for part in tokens.split(_CHUNK)]
        return [self.vocabulary.answers[index] for one in best for index in one.tolist()]


def held_out_videos(
    examples: Sequence[QAExample], share: float, *, seed: int
) -> Bool[Tensor, " questions"]:
    """Tell which questions are held out: all questions of a share of the videos.

    At least one video is held out and at least one is not, so that no video is on both sides.

    Raises:
        AnnotationError: there are fewer than two videos.
    """
    videos = sorted({one.video_id for one in examples})
    if len(videos) < 2:
        raise AnnotationError(
            f"expected questions about two videos at least to fit an encoder on, got "
            f"{len(videos)}: one part has to be held out to know when to stop"
        )
    count = min(max(1, round(share * len(videos))), len(videos) - 1)
    order = torch.randperm(len(videos), generator=rng.named(seed, "held-out videos"))
    chosen = {videos[index] for index in order[:count].tolist()}
    return torch.tensor([one.video_id in chosen for one in examples])


def learn(
    examples: Sequence[QAExample], config: ReaderConfig, *, seed: int
) -> Iterator[EpochDone | QuestionReader]:
    """Train an encoder; yield an event a pass and, last, the encoder at its best pass.

    Args:
        examples: questions to learn from; those without an answer are left out.
        config: of network and training.
        seed: of the held-out videos, the first weights and the order of the questions.

    Raises:
        AnnotationError: no questions with answers, or all about one video.
    """
    examples = [one for one in examples if one.answer is not None]
    vocabulary = Vocabulary.from_examples(examples)
    is_held_out = held_out_videos(examples, config.held_out, seed=seed)
    with rng.initialising(rng.derive(seed, "question reader")):
        reader = QuestionReader(vocabulary, config)
    tokens = reader.tokens(examples)
    answers = torch.tensor([vocabulary.answer_index(one.answer) for one in examples])
    learned, held_out = ((tokens[rows], answers[rows]) for rows in (~is_held_out, is_held_out))
    optimiser = torch.optim.Adam(reader.parameters(), lr=config.learning_rate)
    order = rng.named(seed, "order of questions")
    best, best_state = None, reader.state_dict()
    for epoch in range(1, config.max_epochs + 1):
        _pass(reader, optimiser, *learned, config.batch_size, order)
        loss, accuracy = _score(reader, *held_out)
        if best is None or loss < best[0]:
            best, best_state = (loss, epoch, accuracy), copy.deepcopy(reader.state_dict())
        yield EpochDone(epoch, config.max_epochs, loss, accuracy, *best[1:])
        if epoch - best[1] >= config.patience:
            break
    reader.load_state_dict(best_state)
    yield reader.eval()


def _pass(
    reader: QuestionReader,
    optimiser: torch.optim.Optimizer,
    tokens: Int[Tensor, "B N"],
    answers: Int[Tensor, " B"],
    batch_size: int,
    generator: torch.Generator,
) -> None:
    """Learn once from every question, in a new order."""
    for rows in torch.randperm(len(tokens), generator=generator).split(batch_size):
        loss = functional.cross_entropy(reader(tokens[rows]), answers[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.no_grad()
def _score(
    reader: QuestionReader, tokens: Int[Tensor, "B N"], answers: Int[Tensor, " B"]
) -> tuple[float, float]:
    """Return mean cross-entropy and accuracy."""
    logits = torch.cat([reader(part) for part in tokens.split(_CHUNK)])
    loss = functional.cross_entropy(logits, answers)
    return float(loss), float((logits.argmax(dim=-1) == answers).float().mean())
