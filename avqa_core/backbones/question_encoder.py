"""Question words to one vector and a state for each word: AVST's, which other networks use too."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from avqa_core.backbones.answer_head import after_last_word


class QuestionEncoder(nn.Module):
    """Question words to f^t: embedding, tanh, LSTM over all N steps, projection of (h, c).

    As published, the LSTM also reads the padding, so packing would change results.

    Departure: padding begins as zeros, and ``forget_bias`` is ours; see ``AVSTConfig``.
    """

    def __init__(self, num_words: int, channels: int, forget_bias: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_words, channels)
        self.lstm = nn.LSTM(channels, channels, batch_first=True)
        self.project = nn.Linear(2 * channels, channels)
        with torch.no_grad():
            # gate order i, f, g, o
            self.lstm.get_parameter("bias_ih_l0")[channels : 2 * channels] += forget_bias
            self.embedding.weight[0] = 0.0  # padding begins by saying nothing

    def forward(
        self, tokens: Int[Tensor, "B N"]
    ) -> tuple[Float[Tensor, "B C"], Float[Tensor, "B N C"]]:
        """Return the question vector and the state after every word."""
        states, (hidden, cell) = self.lstm(torch.tanh(self.embedding(tokens)))
        both = torch.cat([hidden[-1], cell[-1]], dim=-1)
        return self.project(torch.tanh(both)), states

    def read(self, phrases: Int[Tensor, "n M"]) -> Float[Tensor, "n C"]:
        """Return the state after the last word of each phrase; their padding is not read."""
        states, _ = self.lstm(torch.tanh(self.embedding(phrases)))
        return after_last_word(states, phrases)
