"""A second way from question and clip to the answer, bound to words, time and place.

AVST sums over locations, averages over segments and multiplies with one question vector of width C:
what stood where, what came first and which of two instruments was meant are gone before the answer
is read. The reader keeps them: words ask segments and columns, and what they find stays in order.
"""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from avqa_core.types import FeatureDims

_BLOCKED = -1e4  # instead of -inf: a question without words still has finite weights


class Mentions(nn.Module):
    """Pick what a question is about: M words, then the question as a whole.

    The weights over words see each word and the LSTM's state behind it, so "the first of two" can
    be told from the second; the value is the word itself, whatever template it stands in.
    """

    def __init__(self, channels: int, num_tokens: int, num_mentions: int) -> None:
        super().__init__()
        self.whole = nn.Linear(num_tokens * channels, channels)
        self.state_norm = nn.LayerNorm(channels)
        self.question_norm = nn.LayerNorm(channels)
        self.gate = nn.Linear(2 * channels, num_mentions)

    def forward(
        self,
        words: Float[Tensor, "B N C"],
        states: Float[Tensor, "B N C"],
        question: Float[Tensor, "B C"],
        is_word: Bool[Tensor, "B N"],
    ) -> Float[Tensor, "B M C"]:
        """Return the mentioned words, the question last.

        The question is read once more from its words side by side: a recurrent state has all but
        forgotten which instrument was named when it reaches the last padding.
        """
        scores = self.gate(torch.cat([words, self.state_norm(states)], dim=-1))
        weights = scores.masked_fill(~is_word[..., None], _BLOCKED).softmax(dim=1)
        mentioned = torch.einsum("bnm,bnc->bmc", weights, words)
        whole = self.question_norm(question + self.whole(words.flatten(1)))
        return torch.cat([mentioned, whole[:, None]], dim=1)


class BoundReader(nn.Module):
    """Read an answer state from a clip with its order in time and place; C wide.

    Every mention meets every segment of the sound, every segment of the picture and every column
    of the grid in several products (``findings``). A hidden layer with a bias for each segment, and
    weights for each column, ties them to what is there before time is summed up: the mean says how
    long, the strongest segment whether ever. One wide layer reads it all. Columns, because
    questions ask for left and right: H times fewer weights than a weight for every location.

    Args:
        channels: C.
        dims: of the data.
        num_mentions: words that a question can point at; MUSIC-AVQA names two things at most.
        num_products: of one mention with one piece of the clip.
        hidden: units for each segment.
        width: units of the wide layer.
        dropout: on the wide layer; half of it on what it reads.
    """

    def __init__(
        self,
        channels: int,
        dims: FeatureDims,
        *,
        num_mentions: int = 2,
        num_products: int = 8,
        hidden: int = 384,
        width: int = 1024,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        pieces = 2 * dims.num_segments + dims.grid_width
        num_findings = (num_mentions + 1) * num_products * pieces
        inner = 2 * channels
        self.num_products = num_products
        self.mentions = Mentions(channels, dims.num_tokens, num_mentions)
        self.audio_norm = nn.LayerNorm(channels)
        self.visual_norm = nn.LayerNorm(channels)
        self.column_norm = nn.LayerNorm(channels)
        self.asked = nn.Linear(channels, 3 * inner, bias=False)
        self.heard, self.seen, self.placed = (nn.Linear(channels, inner) for _ in range(3))
        self.findings_norm = nn.LayerNorm(num_findings)
        self.audio_in = nn.Linear(channels, hidden)
        self.visual_in = nn.Linear(channels * dims.grid_width, hidden)
        self.question_in = nn.Linear(channels, 2 * hidden)
        self.findings_in = nn.Linear(num_findings, 2 * hidden, bias=False)
        self.time = nn.Parameter(0.5 * torch.randn(2, dims.num_segments, hidden))
        self.audio_hidden_norm = nn.LayerNorm(2 * hidden)
        self.visual_hidden_norm = nn.LayerNorm(2 * hidden)
        self.read = nn.Sequential(
            nn.Dropout(dropout / 2),
            nn.Linear(3 * channels + num_findings + 4 * hidden, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, channels),
        )

    def forward(
        self,
        audio: Float[Tensor, "B T C"],
        visual: Float[Tensor, "B T C H W"],
        question: Float[Tensor, "B C"],
        words: Float[Tensor, "B N C"],
        states: Float[Tensor, "B N C"],
        tokens: Int[Tensor, "B N"],
    ) -> Float[Tensor, "B C"]:
        """Return what to add to the state that the answer is read from."""
        mentions = self.mentions(words, states, question, tokens != 0)
        whole = mentions[:, -1]
        heard = self.audio_norm(audio)
        # A sum, not a mean over H: the way back through a mean writes a whole grid once more.
        by_column = visual.sum(dim=3) / visual.shape[3]
        seen = self.visual_norm(by_column.mean(dim=-1))
        columns = self.column_norm(rearrange(by_column, "B T C W -> B T W C"))
        findings = self.find(mentions, heard, seen, columns.mean(dim=1))
        biases = self.question_in(whole) + self.findings_in(findings)
        audio_bias, visual_bias = biases[:, None].chunk(2, dim=-1)
        audio_hidden = torch.relu(self.audio_in(heard) + self.time[0] + audio_bias)
        visual_hidden = torch.relu(self.visual_in(columns.flatten(2)) + self.time[1] + visual_bias)
        parts = [
            heard.mean(dim=1),
            seen.mean(dim=1),
            whole,
            findings,
            self.audio_hidden_norm(_over_time(audio_hidden)),
            self.visual_hidden_norm(_over_time(visual_hidden)),
        ]
        return self.read(torch.cat(parts, dim=-1))

    def find(
        self,
        mentions: Float[Tensor, "B M C"],
        heard: Float[Tensor, "B T C"],
        seen: Float[Tensor, "B T C"],
        columns: Float[Tensor, "B W C"],
    ) -> Float[Tensor, "B findings"]:
        """Return the products of every mention with every piece of the clip, normalised."""
        asked = self.asked(mentions).chunk(3, dim=-1)
        answers = (self.heard(heard), self.seen(seen), self.placed(columns))
        found = [
            torch.einsum("bmhd,bxhd->bmhx", self._split(question), self._split(answer))
            for question, answer in zip(asked, answers, strict=True)
        ]
        return self.findings_norm(torch.cat(found, dim=-1).flatten(1))

    def _split(self, vectors: Float[Tensor, "B X D"]) -> Float[Tensor, "B X products d"]:
        return vectors.unflatten(-1, (self.num_products, -1))


def _over_time(hidden: Float[Tensor, "B T H"]) -> Float[Tensor, "B 2*H"]:
    """Return the mean and the strongest of every unit."""
    return torch.cat([hidden.mean(dim=1), hidden.amax(dim=1)], dim=-1)
